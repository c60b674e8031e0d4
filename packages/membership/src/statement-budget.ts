import { type Clock, type DeviceKey, DittoError, MAX_STATEMENTS } from '@dittofs/interface'

/** New statements that one peer may bring a second, after a first rush of a whole space's. */
export const MAX_STATEMENTS_PER_SECOND = 20
/** Peers remembered; the one heard longest ago is forgotten first. */
const MAX_PEERS = 256

/** A token bucket for each peer: checking a signature costs 0.11 ms. */
export class StatementBudget {
  readonly #clock: Pick<Clock, 'monotonic'>
  readonly #buckets = new Map<DeviceKey, { tokens: number; at: number }>()

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock
  }

  /** @throws DittoError DITTO_LIMIT */
  spend(peer: DeviceKey): void {
    const now = this.#clock.monotonic()
    const bucket = this.#buckets.get(peer) ?? { tokens: MAX_STATEMENTS, at: now }
    const tokens = Math.min(MAX_STATEMENTS, bucket.tokens + ((now - bucket.at) / 1000) * MAX_STATEMENTS_PER_SECOND)
    if (tokens < 1) {
      throw new DittoError('DITTO_LIMIT', 'The peer sends statements about members faster than they are accepted.')
    }
    this.#buckets.delete(peer)
    this.#buckets.set(peer, { tokens: tokens - 1, at: now })
    for (const longestAgo of this.#buckets.keys()) {
      if (this.#buckets.size <= MAX_PEERS) break
      this.#buckets.delete(longestAgo)
    }
  }
}
