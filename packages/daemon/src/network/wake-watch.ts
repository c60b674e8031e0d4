import type { Clock } from '@dittofs/interface'

/** How often is looked: no device is found later than this after it woke, or moved. */
const LOOK_MS = 1_000
/** More than a busy machine is late by. */
const JUMP_MS = 10_000

export interface WakeWatchInit {
  clock: Clock
  /** Called each time. */
  onLook: () => void
  /** This machine slept, or was stopped: time has passed in which nothing ran. */
  onWake: () => void
}

/**
 * Notices that this machine slept. The monotonic clock stands still meanwhile on some systems and not on others, the wall
 * clock goes on everywhere; it may also be set, which is rare and does no harm here.
 */
export async function watchForWake(init: WakeWatchInit, signal: AbortSignal): Promise<void> {
  const { clock, onLook, onWake } = init
  while (!signal.aborted) {
    const before = { wall: clock.now(), monotonic: clock.monotonic() }
    await clock.sleep(LOOK_MS, { signal }).catch(() => undefined)
    if (signal.aborted) return
    const passedMs = Math.max(clock.now() - before.wall, clock.monotonic() - before.monotonic)
    if (passedMs - LOOK_MS >= JUMP_MS) onWake()
    onLook()
  }
}
