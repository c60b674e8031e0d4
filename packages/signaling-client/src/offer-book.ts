import type { Address } from '@dittofs/interface'

/** An answer to an offer older than this is dropped. */
const OFFER_LIFETIME_MS = 120_000
/** Offers remembered; more than a device ever has open within two minutes. */
const MAX_OFFERS = 4096

/** The offers this device made, so that it takes no answer to another one. Time is passed in, in monotonic milliseconds. */
export class OfferBook {
  /** By session, the oldest first. */
  readonly #offers = new Map<string, { readonly to: Address; readonly atMs: number }>()

  add(session: string, to: Address, nowMs: number): void {
    this.#offers.delete(session)
    this.#offers.set(session, { to, atMs: nowMs })
    for (const [oldest, { atMs }] of this.#offers) {
      if (this.#offers.size <= MAX_OFFERS && nowMs - atMs <= OFFER_LIFETIME_MS) break
      this.#offers.delete(oldest)
    }
  }

  /** @returns whether an offer of this session was made to that address within the last two minutes */
  isOpen(session: string, to: Address, nowMs: number): boolean {
    const offer = this.#offers.get(session)
    return offer?.to === to && nowMs - offer.atMs <= OFFER_LIFETIME_MS
  }
}
