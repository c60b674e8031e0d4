import { type Clock, DittoError, type Link } from '@dittofs/interface'

const HELLO_TIMEOUT_MS = 10_000
const HEARTBEAT_MS = 30_000
const DEAD_AFTER_MS = 90_000
/** Two devices that find no space in common within this time have nothing to say to each other. */
const NOTHING_SHARED_MS = 30_000

export interface SignsOfLifeInit {
  clock: Clock
  link: Link
  /** Whether the peer has said hello. */
  hasHello: () => boolean
  /** Whether the two have a space in common. */
  hasShared: () => boolean
  /** Asks the peer for a sign of life. */
  ask: () => void
}

/** When a peer was heard last over one link, and whether that is too long ago. */
export class SignsOfLife {
  readonly #init: SignsOfLifeInit
  #lastHeardAt: number
  #lastHeardBytes = 0

  constructor(init: SignsOfLifeInit) {
    this.#init = init
    this.#lastHeardAt = init.clock.monotonic()
  }

  heard(): void {
    this.#lastHeardAt = this.#init.clock.monotonic()
  }

  /**
   * Rejects when the peer says no hello, nothing is shared, or nothing is heard.
   *
   * @throws DittoError DITTO_LINK_TIMEOUT, DITTO_NOT_A_MEMBER
   */
  async watch(signal: AbortSignal): Promise<void> {
    const { clock, link, hasHello, hasShared, ask } = this.#init
    await clock.sleep(HELLO_TIMEOUT_MS, { signal })
    if (!hasHello()) throw new DittoError('DITTO_LINK_TIMEOUT', 'The peer did not say hello in time.')
    await clock.sleep(NOTHING_SHARED_MS - HELLO_TIMEOUT_MS, { signal })
    if (!hasShared()) throw new DittoError('DITTO_NOT_A_MEMBER', 'This device and the peer have no space in common.')
    for (;;) {
      // A large frame on a slow link is a sign of life before it is complete.
      if (link.bytesReceived !== this.#lastHeardBytes) this.heard()
      this.#lastHeardBytes = link.bytesReceived
      if (clock.monotonic() - this.#lastHeardAt >= DEAD_AFTER_MS) {
        throw new DittoError('DITTO_LINK_TIMEOUT', 'Nothing was heard from the peer for too long.')
      }
      ask()
      await clock.sleep(HEARTBEAT_MS, { signal })
    }
  }
}
