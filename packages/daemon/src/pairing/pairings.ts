import type { Link } from '@dittofs/interface'
import { type AdmitLinkInit, admitLink } from './admit-link.ts'

export interface PairingsInit extends Omit<AdmitLinkInit, 'deviceName'> {
  /** As it is now. */
  deviceName: () => string
  /** A conversation has ended, and who belongs to a space may be others than before. */
  onAdmitted: () => void
}

/** The conversations with holders of tickets that are under way. */
export class Pairings {
  readonly #init: PairingsInit
  readonly #running = new Set<Promise<void>>()

  constructor(init: PairingsInit) {
    this.#init = init
  }

  /** @param link - of a ticket's holder; it ends with the conversation */
  admit(link: Link): void {
    const { deviceName, onAdmitted, ...init } = this.#init
    const pairing = admitLink({ ...init, deviceName: deviceName() }, link).then(onAdmitted)
    this.#running.add(pairing)
    void pairing.finally(() => this.#running.delete(pairing))
  }

  async ended(): Promise<void> {
    await Promise.all(this.#running)
  }
}
