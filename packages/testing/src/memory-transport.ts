import {
  type AbortOptions,
  type Address,
  type Announcement,
  type DiscoverOptions,
  type Discovery,
  type DiscoveryState,
  DittoError,
  type Listener,
  type ListenOptions,
  type Sighting,
  type Transport,
  type TransportCapabilities,
} from '@dittofs/interface'
import { MemoryDuplex } from './memory-duplex.ts'
import type { MemoryAnnouncer, MemoryNetwork, MemoryPort } from './memory-network.ts'

export interface MemoryTransportInit {
  /** Its name and the scheme of its addresses: another than `memory` to stand for another transport. */
  name?: string
  /** The name of the host on the network. Transports of one host share their ports. */
  host?: string
  capabilities?: Partial<TransportCapabilities>
}

/** A transport within this process. Its addresses are `NAME://HOST:PORT`, as in `memory://alice:40000`. */
export function memoryTransport(network: MemoryNetwork, init: MemoryTransportInit = {}): Transport {
  return new MemoryTransport(network, init)
}

class MemoryTransport implements Transport {
  readonly name: string
  readonly capabilities: TransportCapabilities
  readonly #network: MemoryNetwork
  readonly #host: string

  constructor(network: MemoryNetwork, init: MemoryTransportInit) {
    this.#network = network
    this.name = init.name ?? 'memory'
    this.#host = init.host ?? 'localhost'
    this.capabilities = {
      canListen: true,
      canDial: true,
      canDiscover: true,
      isMetered: false,
      isSlow: false,
      ...init.capabilities,
    }
  }

  async listen(options: ListenOptions): Promise<Listener> {
    options.signal?.throwIfAborted()
    const port: MemoryPort = {
      host: options.host ?? this.#host,
      port: options.port === 0 ? this.#network.freePort() : options.port,
      accept: (duplex, remote) => options.onConnection({ duplex, remote }),
    }
    if (!this.#network.open(port)) {
      throw new DittoError('DITTO_PORT_IN_USE', `Port ${port.port} is taken; choose another one.`)
    }
    const close = async () => this.#network.close(port)
    return { addresses: () => [`${this.name}://${port.host}:${port.port}`], close }
  }

  async dial(address: Address, options: AbortOptions = {}): Promise<MemoryDuplex> {
    options.signal?.throwIfAborted()
    const [, name, host, port] = /^([^:/]+):\/\/([^:/]+):(\d+)$/.exec(address) ?? []
    if (name !== this.name || host === undefined || Number(port) > 65_535)
      throw new DittoError('DITTO_USAGE', `"${address}" is not a ${this.name}:// address.`)
    this.#network.dials++
    await this.#wait(options.signal)
    const listener = this.#network.find(host, Number(port))
    if (listener === undefined || !this.#network.canReach(this.#host, host)) {
      throw new DittoError('DITTO_PEER_UNREACHABLE', `Nobody answers at ${address}.`)
    }
    const [dialer, responder] = MemoryDuplex.pair(this.#network.latencyMs)
    this.#network.track(dialer, this.#host, host)
    listener.accept(responder, `${this.name}://${this.#host}:0`)
    return dialer
  }

  async discover(options: DiscoverOptions): Promise<Discovery> {
    options.signal?.throwIfAborted()
    return new MemoryDiscovery(this.#network, this.#host, this.name, options)
  }

  #wait(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', onAbort)
        resolve()
      }, this.#network.latencyMs)
      const onAbort = () => {
        clearTimeout(timer)
        reject(signal?.reason)
      }
      signal?.addEventListener('abort', onAbort, { once: true })
    })
  }
}

class MemoryDiscovery implements Discovery, MemoryAnnouncer {
  readonly host: string
  readonly #name: string
  readonly #network: MemoryNetwork
  readonly #port: number
  readonly #announcement: () => Announcement
  readonly #onSighting: (sighting: Sighting) => void
  #isOpen = true

  constructor(network: MemoryNetwork, host: string, name: string, options: DiscoverOptions) {
    this.host = host
    this.#name = name
    this.#network = network
    this.#port = options.port
    this.#announcement = options.announcement
    this.#onSighting = options.onSighting
    network.join(this)
  }

  current(): Sighting {
    const { nonce, tags } = this.#announcement()
    return { nonce, tags, addresses: [`${this.#name}://${this.host}:${this.#port}`], via: this.#name }
  }

  hear(sighting: Sighting): void {
    queueMicrotask(() => {
      if (this.#isOpen) this.#onSighting(sighting)
    })
  }

  state(): readonly DiscoveryState[] {
    return [{ name: this.#name, isUp: this.#isOpen }]
  }

  refresh(): void {
    if (this.#isOpen) this.#network.announce(this)
  }

  async close(): Promise<void> {
    this.#isOpen = false
    this.#network.leave(this)
  }
}
