import type { Need, Share, WantedChunk } from './fetch-queue.ts'
import type { MeteredPolicy } from './metered-policy.ts'
import type { Requester } from './requester.ts'

/** A peer with open requests that sent nothing for so long gives its work to others. */
const SILENT_MS = 5000
/** Work moves to a peer that would have it done in half the time, and by so much sooner. */
const STEAL_ADVANTAGE_MS = 500

/**
 * The peers that content of one space comes from, and who of them may be asked for what: over metered links nothing comes
 * that may come over others, and then only what the policy lets through.
 */
export class ServingPeers {
  readonly #policy: MeteredPolicy
  /** Those of links that were taken over from are among them until the link ends: what they were asked for still comes. */
  readonly #peers = new Set<Requester>()

  constructor(policy: MeteredPolicy) {
    this.#policy = policy
  }

  all(): readonly Requester[] {
    return [...this.#peers]
  }

  /** Those that may be asked. */
  get serving(): readonly Requester[] {
    return [...this.#peers].filter((peer) => peer.isServing)
  }

  get isEmpty(): boolean {
    return this.serving.length === 0
  }

  add(peer: Requester): void {
    this.#peers.add(peer)
  }

  delete(peer: Requester): void {
    this.#peers.delete(peer)
  }

  /** What content of a size is wanted for when nobody asked for it. */
  needOf(sizeBytes: number): Need {
    return sizeBytes > this.#policy.maxFileBytes ? 'large' : 'small'
  }

  /** Whether any peer may be asked for chunks of a need. */
  canBring(need: Need): boolean {
    const { serving } = this
    return serving.some((peer) => !peer.isMetered) || (serving.length > 0 && this.#isLetThrough(need))
  }

  shareOf(peer: Requester): Share {
    if (!peer.isMetered) return { takesFresh: () => true, takesAgain: () => true, isSmallFirst: false }
    const better = this.serving.filter((other) => !other.isMetered)
    return {
      takesFresh: (need) => better.length === 0 && this.#isLetThrough(need),
      takesAgain: (chunk) =>
        this.#isLetThrough(chunk.need) && better.every((other) => chunk.absentAt?.has(other) === true),
      isSmallFirst: true,
    }
  }

  /** Takes work back from the peer that will be done last, where an idle one would be done sooner. @returns whether it did */
  steal(thief: Requester, owner: Parameters<Requester['releaseNewest']>[0], nowMs: number): boolean {
    const own = remainingMs(thief, nowMs)
    let slowest: Requester | undefined
    let longest = 2 * own + STEAL_ADVANTAGE_MS
    for (const peer of this.#peers) {
      const remaining = peer === thief ? 0 : remainingMs(peer, nowMs)
      if (remaining <= longest) continue
      if (thief.isMetered && !peer.isMetered) continue
      slowest = peer
      longest = remaining
    }
    const mayTake = (chunk: WantedChunk) =>
      chunk.absentAt?.has(thief) !== true && (!thief.isMetered || this.#isLetThrough(chunk.need))
    return slowest?.releaseNewest(owner, mayTake) === true
  }

  #isLetThrough(need: Need): boolean {
    const { files } = this.#policy
    return need === 'asked' || files === 'all' || (files === 'small' && need === 'small')
  }
}

/** When a peer will have answered what it was asked for. */
function remainingMs(requester: Requester, nowMs: number): number {
  if (requester.inFlightBytes === 0) return 0
  if (nowMs - requester.lastAnswerAt > SILENT_MS) return Number.POSITIVE_INFINITY
  const rate = requester.window.bytesPerSecond
  return rate === undefined ? 0 : (requester.inFlightBytes * 1000) / rate
}
