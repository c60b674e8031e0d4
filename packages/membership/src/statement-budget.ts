import { type Clock, type DeviceKey, DittoError, MAX_STATEMENTS, TokenBucket } from '@dittofs/interface'

/** New statements that one peer may bring a second, after a first rush of a whole space's. */
export const MAX_STATEMENTS_PER_SECOND = 20
/** Peers remembered; the one heard longest ago is forgotten first. */
const MAX_PEERS = 256

/** A token bucket for each peer: checking a signature costs 0.11 ms. */
export class StatementBudget {
  readonly #clock: Pick<Clock, 'monotonic'>
  readonly #buckets = new Map<DeviceKey, TokenBucket>()

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock
  }

  /** @throws DittoError DITTO_LIMIT */
  spend(peer: DeviceKey): void {
    const now = this.#clock.monotonic()
    const bucket = this.#buckets.get(peer) ?? new TokenBucket(MAX_STATEMENTS_PER_SECOND, MAX_STATEMENTS, now)
    if (!bucket.take(1, now)) {
      throw new DittoError('DITTO_LIMIT', 'The peer sends statements about members faster than they are accepted.')
    }
    this.#buckets.delete(peer)
    this.#buckets.set(peer, bucket)
    for (const longestAgo of this.#buckets.keys()) {
      if (this.#buckets.size <= MAX_PEERS) break
      this.#buckets.delete(longestAgo)
    }
  }
}
