import type { Clock, DeviceKey, IncomingSignal } from '@dittofs/interface'
import { formatSignalAddress } from '@dittofs/wire'
import type { OfferBook } from './offer-book.ts'
import { Pace } from './pace.ts'
import type { ReplayWindow } from './replay-window.ts'
import { openSignal } from './seal-signal.ts'
import type { SignalingKey } from './signaling-key.ts'

/** Opening one takes about 4 ms, whoever sent it: so what strangers may cost is bounded apart from what members need. */
const FROM_STRANGERS = { perSecond: 10, burst: 20 }
const FROM_MEMBERS = { perSecond: 100, burst: 128 }
/** Signals that wait to be opened. */
const MAX_WAITING = 64
/** Signaling keys by which a member was heard. */
const MAX_KNOWN_KEYS = 1024

export interface SignalInboxInit {
  readonly key: SignalingKey
  readonly clock: Clock
  readonly mayReceive: (device: DeviceKey) => boolean
  readonly replays: ReplayWindow
  readonly offers: OfferBook
  readonly onSignal: (signal: IncomingSignal) => void
}

/**
 * Opens what one server delivers, one after another, and passes on what is from a member, new, and asked for where it
 * is an answer. Everything else is dropped without a word: whoever sent it learns nothing.
 */
export class SignalInbox {
  readonly #init: SignalInboxInit
  readonly #strangers = new Pace(FROM_STRANGERS)
  readonly #members = new Pace(FROM_MEMBERS)
  /** In hex, the one that was heard longest ago first. */
  readonly #knownKeys = new Set<string>()
  #waiting = 0
  #turn: Promise<void> = Promise.resolve()

  constructor(init: SignalInboxInit) {
    this.#init = init
  }

  /** @param from - the signaling key that the server says it is from, 32 bytes */
  deliver(from: Uint8Array, sealed: Uint8Array): void {
    const hex = Buffer.from(from).toString('hex')
    const pace = this.#knownKeys.has(hex) ? this.#members : this.#strangers
    if (this.#waiting >= MAX_WAITING || !pace.take(1, this.#init.clock.monotonic())) return
    this.#waiting++
    this.#turn = this.#turn
      .then(() => this.#open(hex, from, sealed))
      .catch(() => undefined)
      .then(() => {
        this.#waiting--
      })
  }

  async #open(hex: string, from: Uint8Array, sealed: Uint8Array): Promise<void> {
    const { key, clock, mayReceive, replays, offers, onSignal } = this.#init
    const { device, id, session: sessionBytes, kind, body } = await openSignal(key, from, sealed)
    if (!mayReceive(device) || !replays.accept(device, id)) return
    this.#remember(hex)
    const address = formatSignalAddress({ key: hex, origin: key.origin })
    const session = Buffer.from(sessionBytes).toString('hex')
    if (kind === 'answer' && !offers.isOpen(session, address, clock.monotonic())) return
    onSignal({ device, from: address, session, kind, body })
  }

  #remember(hex: string): void {
    this.#knownKeys.delete(hex)
    this.#knownKeys.add(hex)
    if (this.#knownKeys.size <= MAX_KNOWN_KEYS) return
    for (const oldest of this.#knownKeys) {
      this.#knownKeys.delete(oldest)
      return
    }
  }
}
