import { randomBytes as secureRandomBytes } from 'node:crypto'
import {
  type AbortOptions,
  type Address,
  type Clock,
  type DeviceKey,
  type DiscoveryState,
  DittoError,
  type RandomBytes,
  type Signal,
  type SignalChannel,
  type SignalChannelListener,
  systemClock,
} from '@dittofs/interface'
import {
  formatSignalAddress,
  MAX_SIGNAL_BODY_BYTES,
  parseSignalAddress,
  parseSignalOrigin,
  SIGNAL_ID_BYTES,
} from '@dittofs/wire'
import { OfferBook } from './offer-book.ts'
import { ReplayWindow } from './replay-window.ts'
import { sealSignal } from './seal-signal.ts'
import { SignalInbox } from './signal-inbox.ts'
import { type SignalingIdentity, signalingKey } from './signaling-key.ts'
import { SignalingServer } from './signaling-server.ts'
import { unlessAborted } from './unless-aborted.ts'

/** Servers connected to only because an address names them: addresses come from peers. */
const MAX_FOREIGN_SERVERS = 16
const SESSION = /^[0-9a-f]{32}$/

export interface SignalChannelInit {
  identity: SignalingIdentity
  /** Where to be registered, each as `wss://HOST[:PORT]` or `ws://HOST:PORT`. */
  servers: readonly string[]
  /** Whose signals are let through, asked for each one; all others are dropped without a word. */
  mayReceive: (device: DeviceKey) => boolean
  /** Certificates of authorities to trust instead of the system's, PEM. */
  ca?: string
  clock?: Clock
  randomBytes?: RandomBytes
}

/**
 * Signals by way of signaling servers: one connection to each server, sealed by HPKE between the devices.
 *
 * @throws DittoError DITTO_USAGE when a server is not named as it must be
 */
export function signalChannel(init: SignalChannelInit): SignalChannel {
  return new ServerSignalChannel(init)
}

class ServerSignalChannel implements SignalChannel {
  readonly #init: SignalChannelInit
  readonly #clock: Clock
  readonly #randomBytes: RandomBytes
  readonly #origins: ReadonlySet<string>
  /** By origin. */
  readonly #servers = new Map<string, SignalingServer>()
  readonly #replays = new ReplayWindow()
  readonly #offers = new OfferBook()
  #listener: SignalChannelListener | undefined
  #isClosed = false

  constructor(init: SignalChannelInit) {
    this.#init = init
    this.#clock = init.clock ?? systemClock
    this.#randomBytes = init.randomBytes ?? secureRandomBytes
    this.#origins = new Set(init.servers.map(parseSignalOrigin))
  }

  open(listener: SignalChannelListener): void {
    if (this.#listener !== undefined || this.#isClosed) return
    this.#listener = listener
    for (const origin of this.#origins) this.#connect(origin, true)
  }

  addresses(): readonly Address[] {
    return this.#kept()
      .filter((server) => server.isUp)
      .map(({ key: { hex, origin } }) => formatSignalAddress({ key: hex, origin }))
  }

  state(): readonly DiscoveryState[] {
    return this.#kept().map((server) => server.state())
  }

  async send(to: Address, signal: Signal, options: AbortOptions = {}): Promise<void> {
    options.signal?.throwIfAborted()
    const { key: receiver, origin } = parseSignalAddress(to)
    if (!SESSION.test(signal.session)) throw new RangeError('a session is 16 bytes in hex')
    if (Buffer.byteLength(signal.body) > MAX_SIGNAL_BODY_BYTES) {
      throw new DittoError('DITTO_LIMIT', `A signal is at most ${MAX_SIGNAL_BODY_BYTES} bytes long.`)
    }
    if (this.#listener === undefined || this.#isClosed) {
      throw new DittoError('DITTO_CLOSED', 'Signaling is not open.')
    }
    const server = this.#servers.get(origin) ?? this.#connect(origin, false)
    const receiverKey = Buffer.from(receiver, 'hex')
    const seal = () => {
      // Noted before the offer leaves: its answer may be here before the server has said that it was sent.
      if (signal.kind === 'offer') this.#offers.add(signal.session, to, this.#clock.monotonic())
      return sealSignal(server.key, receiverKey, {
        id: this.#randomBytes(SIGNAL_ID_BYTES),
        sentAt: Math.max(0, Math.trunc(this.#clock.now())),
        session: Buffer.from(signal.session, 'hex'),
        kind: signal.kind,
        body: signal.body,
      })
    }
    const delivery = await unlessAborted(server.send(receiverKey, seal, options), options.signal)
    if (delivery === 'sent') return
    if (delivery === 'absent') {
      throw new DittoError('DITTO_PEER_UNREACHABLE', 'The other device is not at that signaling server now.')
    }
    throw new DittoError('DITTO_LIMIT', 'The signaling server passes no more signals on at the moment: try again.')
  }

  networkChanged(): void {
    for (const server of this.#servers.values()) server.renew()
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await Promise.all([...this.#servers.values()].map((server) => server.close()))
  }

  #forgetUnused(): void {
    for (const [origin, server] of this.#servers) if (!server.isNeeded) this.#servers.delete(origin)
  }

  #kept(): SignalingServer[] {
    if (this.#isClosed) return []
    return [...this.#origins].flatMap((origin) => this.#servers.get(origin) ?? [])
  }

  /** @throws DittoError DITTO_LIMIT when too many others are connected */
  #connect(origin: string, isKept: boolean): SignalingServer {
    if (!isKept) this.#forgetUnused()
    if (!isKept && this.#servers.size - this.#origins.size >= MAX_FOREIGN_SERVERS) {
      throw new DittoError('DITTO_LIMIT', 'Too many signaling servers are in use at once: try again later.')
    }
    const key = signalingKey(this.#init.identity, origin)
    const inbox = new SignalInbox({
      key,
      clock: this.#clock,
      mayReceive: this.#init.mayReceive,
      replays: this.#replays,
      offers: this.#offers,
      onSignal: (signal) => {
        if (!this.#isClosed) this.#listener?.onSignal(signal)
      },
    })
    const server = new SignalingServer({
      key,
      clock: this.#clock,
      randomBytes: this.#randomBytes,
      ...(this.#init.ca !== undefined && { ca: this.#init.ca }),
      isKept,
      onDeliver: (from, sealed) => inbox.deliver(from, sealed),
      onChange: () => {
        if (isKept && !this.#isClosed) this.#listener?.onChange()
      },
    })
    this.#servers.set(origin, server)
    return server
  }
}
