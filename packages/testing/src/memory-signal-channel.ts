import {
  type AbortOptions,
  type Address,
  type DeviceKey,
  type DiscoveryState,
  DittoError,
  deviceKey,
  type Signal,
  type SignalChannel,
  type SignalChannelListener,
} from '@dittofs/interface'
import { formatSignalAddress, MAX_SIGNAL_BODY_BYTES, parseSignalAddress } from '@dittofs/wire'

const ORIGIN = 'wss://memory.invalid'
const SESSION = /^[0-9a-f]{32}$/
/** As in the real one: an answer to an older offer is dropped. */
const OFFER_LIFETIME_MS = 120_000

export interface MemorySignalChannelInit {
  /** Whose signals are let through; everybody's when absent. */
  mayReceive?: (device: DeviceKey) => boolean
}

/** A signaling server in this process, where each device is registered by its own key: nothing is sealed. */
export interface MemorySignaling {
  channel(device: DeviceKey, init?: MemorySignalChannelInit): SignalChannel
  /** Takes the server down, or up again; its channels hear of it. */
  setUp(isUp: boolean): void
  /** Every signal that was passed on so far. */
  readonly carried: readonly { readonly from: DeviceKey; readonly to: DeviceKey; readonly signal: Signal }[]
}

export function memorySignaling(): MemorySignaling {
  const exchange = new Exchange()
  return {
    channel: (device, init = {}) => new MemorySignalChannel(exchange, device, init),
    setUp: (isUp) => exchange.setUp(isUp),
    carried: exchange.carried,
  }
}

class Exchange {
  isUp = true
  readonly carried: { from: DeviceKey; to: DeviceKey; signal: Signal }[] = []
  readonly #channels = new Map<DeviceKey, MemorySignalChannel>()

  setUp(isUp: boolean): void {
    if (this.isUp === isUp) return
    this.isUp = isUp
    for (const channel of this.#channels.values()) channel.noticeChange()
  }

  /** The newer channel of one device takes the place of the older, as at a real server. */
  add(device: DeviceKey, channel: MemorySignalChannel): void {
    this.#channels.set(device, channel)
  }

  remove(device: DeviceKey, channel: MemorySignalChannel): void {
    if (this.#channels.get(device) === channel) this.#channels.delete(device)
  }

  find(device: DeviceKey): MemorySignalChannel | undefined {
    return this.isUp ? this.#channels.get(device) : undefined
  }
}

class MemorySignalChannel implements SignalChannel {
  readonly #exchange: Exchange
  readonly #device: DeviceKey
  readonly #mayReceive: (device: DeviceKey) => boolean
  readonly #offers = new Map<string, { readonly to: DeviceKey; readonly sentAt: number }>()
  #listener: SignalChannelListener | undefined
  #isClosed = false

  constructor(exchange: Exchange, device: DeviceKey, init: MemorySignalChannelInit) {
    this.#exchange = exchange
    this.#device = device
    this.#mayReceive = init.mayReceive ?? (() => true)
  }

  open(listener: SignalChannelListener): void {
    if (this.#listener !== undefined || this.#isClosed) return
    this.#listener = listener
    this.#exchange.add(this.#device, this)
    this.noticeChange()
  }

  addresses(): readonly Address[] {
    return this.#isOpen && this.#exchange.isUp ? [memoryAddress(this.#device)] : []
  }

  state(): readonly DiscoveryState[] {
    if (this.#isOpen && this.#exchange.isUp) return [{ name: ORIGIN, isUp: true }]
    return [{ name: ORIGIN, isUp: false, reason: this.#isOpen ? 'The server is down.' : 'It is not open.' }]
  }

  async send(to: Address, signal: Signal, options: AbortOptions = {}): Promise<void> {
    options.signal?.throwIfAborted()
    const { key, origin } = parseSignalAddress(to)
    if (!SESSION.test(signal.session)) throw new RangeError('a session is 16 bytes in hex')
    if (Buffer.byteLength(signal.body) > MAX_SIGNAL_BODY_BYTES) {
      throw new DittoError('DITTO_LIMIT', `A signal is at most ${MAX_SIGNAL_BODY_BYTES} bytes long.`)
    }
    if (!this.#isOpen) throw new DittoError('DITTO_CLOSED', 'Signaling is not open.')
    const receiver = deviceKey.parse(key)
    const channel = origin === ORIGIN ? this.#exchange.find(receiver) : undefined
    if (channel === undefined) {
      throw new DittoError('DITTO_PEER_UNREACHABLE', 'The other device is not at that signaling server now.')
    }
    if (signal.kind === 'offer') this.#offers.set(signal.session, { to: receiver, sentAt: performance.now() })
    this.#exchange.carried.push({ from: this.#device, to: receiver, signal })
    // A turn of the event loop later: nobody may count on hearing a signal before `send` has returned.
    setImmediate(() => channel.#receive(this.#device, signal))
  }

  networkChanged(): void {
    // A server in the same process is in every network.
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#exchange.remove(this.#device, this)
  }

  /** The server came or went. */
  noticeChange(): void {
    setImmediate(() => {
      if (this.#isOpen) this.#listener?.onChange()
    })
  }

  get #isOpen(): boolean {
    return this.#listener !== undefined && !this.#isClosed
  }

  #receive(device: DeviceKey, signal: Signal): void {
    if (!this.#isOpen || !this.#mayReceive(device)) return
    if (signal.kind === 'answer') {
      const offer = this.#offers.get(signal.session)
      if (offer?.to !== device || performance.now() - offer.sentAt > OFFER_LIFETIME_MS) return
    }
    const { session, kind, body } = signal
    this.#listener?.onSignal({ session, kind, body, device, from: memoryAddress(device) })
  }
}

function memoryAddress(key: DeviceKey): Address {
  return formatSignalAddress({ key, origin: ORIGIN })
}
