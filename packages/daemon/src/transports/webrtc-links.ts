import {
  type AbortOptions,
  type Address,
  type Clock,
  type DeviceKey,
  type Discovery,
  DittoError,
  type Listener,
  type ListenOptions,
  type Logger,
  type RandomBytes,
  type SignalChannel,
  type Transport,
  type TransportCapabilities,
} from '@dittofs/interface'
import type { Identity } from '@dittofs/link'
import type { IceServer, WebRtcTransport } from '@dittofs/transport-webrtc'

export interface WebRtcLinksInit {
  identity: Identity
  /** Signaling servers to be registered at, each as `wss://HOST[:PORT]` or `ws://HOST:PORT`. */
  servers: readonly string[]
  iceServers: readonly IceServer[]
  /** Whose signals are let through, asked for each. */
  mayReceive: (device: DeviceKey) => boolean
  /** Addresses to offer beside those of the interfaces: loopback addresses. */
  hostAddresses: readonly string[]
  /** Peer connections that a busy connection is spread over; asked for each. */
  connections: () => number
  clock: Clock
  randomBytes: RandomBytes
  logger: Logger
}

interface Loaded {
  readonly transport: WebRtcTransport
  readonly channel: SignalChannel
}

/**
 * WebRTC as a device uses it: loaded when a signaling server is configured, or an address at one is dialled, because most
 * devices need neither it nor its memory.
 */
export class WebRtcLinks implements Transport {
  readonly name = 'webrtc'
  readonly capabilities: TransportCapabilities = {
    ...{ canListen: true, canDial: true, canDiscover: false },
    ...{ isMetered: false, isSlow: false, hasServedAddresses: true },
  }
  readonly #init: WebRtcLinksInit
  #loading: Promise<Loaded> | undefined
  #isClosed = false

  constructor(init: WebRtcLinksInit) {
    this.#init = init
  }

  /** @throws DittoError DITTO_UNSUPPORTED where no signaling server is configured */
  async listen(options: ListenOptions): Promise<Listener> {
    if (this.#init.servers.length === 0) {
      throw new DittoError('DITTO_UNSUPPORTED', 'No signaling server is configured ("signaling" in config.toml).')
    }
    const { transport, channel } = await this.#load()
    const listener = await transport.listen(options)
    return {
      addresses: () => listener.addresses(),
      close: () => listener.close(),
      problem: () => {
        const down = channel.state().filter(({ isUp }) => !isUp)
        return down.map(({ name, reason = 'It is down.' }) => `${name}: ${reason}`).join(' ')
      },
    }
  }

  async dial(address: Address, options?: AbortOptions) {
    return (await this.#load()).transport.dial(address, options)
  }

  async discover(): Promise<Discovery> {
    throw new DittoError('DITTO_UNSUPPORTED', 'WebRTC finds no devices by itself; it needs their addresses.')
  }

  networkChanged(): void {
    void this.#loading?.then(
      ({ transport }) => transport.networkChanged(),
      () => undefined,
    )
  }

  /** Ends every connection, and leaves the signaling servers. */
  async close(): Promise<void> {
    this.#isClosed = true
    const loaded = await this.#loading?.catch(() => undefined)
    await loaded?.transport.close()
  }

  #load(): Promise<Loaded> {
    if (this.#isClosed) throw new DittoError('DITTO_CLOSED', 'The device was closed.')
    this.#loading ??= this.#open()
    return this.#loading
  }

  async #open(): Promise<Loaded> {
    const { identity, servers, iceServers, mayReceive, hostAddresses, connections, clock, randomBytes, logger } =
      this.#init
    const [{ signalChannel }, { webrtcTransport }] = await Promise.all([
      import('@dittofs/signaling-client'),
      import('@dittofs/transport-webrtc'),
    ])
    const channel = signalChannel({ identity, servers, mayReceive, clock, randomBytes })
    const transport = webrtcTransport({
      ...{ channel, clock, randomBytes, logger, hostAddresses },
      iceServers: () => iceServers,
      associations: connections,
    })
    return { transport, channel }
  }
}
