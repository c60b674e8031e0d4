import type { AbortOptions, Clock } from '@dittofs/interface'
import type { Wakeup } from './wakeup.ts'

/** How long chunks that a person asked for wait for a peer to come (back). */
export const DEFAULT_PEER_GRACE_MS = 10_000
/** How long where nobody is on the way: a device that was just lost, or is about to be heard, has a moment. */
export const LONELY_GRACE_MS = 2000
/** How often it is asked whether somebody is on the way still. */
const LOOK_MS = 500

export interface PeerPatienceInit {
  clock: Clock
  /** Woken when a peer came. */
  peerCame: Wakeup
  hasPeer: () => boolean
  /** Whether a link is up or being made, so that a peer may come of it. */
  isPeerOnTheWay: () => boolean
  /** Milliseconds. */
  graceMs: number
}

/**
 * Waits for a peer: LONELY_GRACE_MS where nobody is on the way, for as long as somebody is up to `graceMs`.
 *
 * @returns whether there is one; also `false` when the signal is aborted
 */
export async function waitForPeer(init: PeerPatienceInit, { signal }: AbortOptions): Promise<boolean> {
  const { clock, peerCame, hasPeer, isPeerOnTheWay, graceMs } = init
  const end = clock.monotonic() + graceMs
  let waitMs = Math.min(LONELY_GRACE_MS, graceMs)
  do {
    const isOver = await peerCame.waitAtMost(waitMs, clock, { ...(signal !== undefined && { signal }) }).then(
      () => false,
      () => true,
    )
    if (isOver) return false
    if (hasPeer()) return true
    waitMs = Math.min(LOOK_MS, end - clock.monotonic())
  } while (waitMs > 0 && isPeerOnTheWay())
  return false
}
