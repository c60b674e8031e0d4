import { randomBytes } from 'node:crypto'
import { createServer, isIPv6, type Server, type Socket } from 'node:net'
import { networkInterfaces } from 'node:os'
import {
  type AbortOptions,
  type Address,
  type Clock,
  type DiscoverOptions,
  type Discovery,
  DittoError,
  type Listener,
  type ListenOptions,
  type Logger,
  type RandomBytes,
  systemClock,
  type Transport,
  type TransportCapabilities,
} from '@dittofs/interface'
import { TcpDiscovery } from './discovery/tcp-discovery.ts'
import { interfacesAt, isLinkLocal, linkLocalZones, type NetworkInterfaces, reachableAddresses } from './interfaces.ts'
import { formatTcpAddress, parseTcpAddress, plainHost, type TcpEndpoint } from './tcp-address.ts'
import { connectTcp } from './tcp-connect.ts'

/** A live peer on a LAN answers in milliseconds and one across the world within a second or two. */
export const DEFAULT_DIAL_TIMEOUT_MS = 10_000
/** Quiet time after which the operating system asks whether the other side is still there. */
const KEEP_ALIVE_AFTER_MS = 30_000

export interface TcpTransportInit {
  /** Milliseconds until a dial that nothing answers is given up. */
  dialTimeoutMs?: number
  /** Whether to announce and find devices by mDNS. Default true. */
  mdns?: boolean
  /** Whether to announce and find devices by a UDP beacon. Default true. */
  beacon?: boolean
  /** UDP ports of the two. Devices find each other only where they are the same on both: for tests. */
  mdnsPort?: number
  beaconPort?: number
  clock?: Clock
  randomBytes?: RandomBytes
  /** The interfaces of this machine, as `os.networkInterfaces()` gives them. */
  networkInterfaces?: () => NetworkInterfaces
  logger?: Logger
}

/** Connections over TCP: IPv4 and IPv6, on every interface. Addresses are `tcp://HOST:PORT`. */
export function tcpTransport(init: TcpTransportInit = {}): Transport {
  return new TcpTransport(init)
}

class TcpTransport implements Transport {
  readonly name = 'tcp'
  readonly capabilities: TransportCapabilities = {
    canListen: true,
    canDial: true,
    canDiscover: true,
    isMetered: false,
    isSlow: false,
  }
  readonly #init: TcpTransportInit
  readonly #dialTimeoutMs: number
  readonly #networkInterfaces: () => NetworkInterfaces
  readonly #logger: Logger | undefined
  /** The address listened at, of which alone others are told. */
  #host: string | undefined

  constructor(init: TcpTransportInit) {
    this.#init = init
    this.#dialTimeoutMs = init.dialTimeoutMs ?? DEFAULT_DIAL_TIMEOUT_MS
    this.#networkInterfaces = init.networkInterfaces ?? systemInterfaces
    this.#logger = init.logger
  }

  async listen(options: ListenOptions): Promise<Listener> {
    options.signal?.throwIfAborted()
    const server = createServer(
      { allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_AFTER_MS },
      (socket) => this.#accept(socket, options.onConnection),
    )
    await startListening(server, options)
    // Past this point an error is one connection's, such as no file descriptor left for it; the listener goes on.
    server.on('error', (error) => this.#logger?.warn({ error }, 'A TCP connection could not be accepted.'))
    const listener = new TcpListener(server, this.#networkInterfaces)
    this.#host = listener.host
    return listener
  }

  async dial(address: Address, options: AbortOptions = {}): Promise<Socket> {
    const endpoints = this.#withZone(parseTcpAddress(address))
    const signal = options.signal
    signal?.throwIfAborted()
    let failure: unknown
    for (const endpoint of endpoints) {
      try {
        return await connectTcp(endpoint, {
          timeoutMs: this.#dialTimeoutMs,
          keepAliveAfterMs: KEEP_ALIVE_AFTER_MS,
          ...(signal === undefined ? {} : { signal }),
        })
      } catch (error) {
        signal?.throwIfAborted()
        failure = error
      }
    }
    throw failure
  }

  async discover(options: DiscoverOptions): Promise<Discovery> {
    options.signal?.throwIfAborted()
    const discovery = new TcpDiscovery(
      {
        mdns: this.#init.mdns ?? true,
        beacon: this.#init.beacon ?? true,
        ...(this.#init.mdnsPort === undefined ? {} : { mdnsPort: this.#init.mdnsPort }),
        ...(this.#init.beaconPort === undefined ? {} : { beaconPort: this.#init.beaconPort }),
        networkInterfaces: () => interfacesAt(this.#networkInterfaces(), this.#host),
        clock: this.#init.clock ?? systemClock,
        randomBytes: this.#init.randomBytes ?? randomBytes,
        logger: this.#logger,
      },
      options,
    )
    await discovery.start()
    if (options.signal?.aborted) await discovery.close()
    options.signal?.throwIfAborted()
    return discovery
  }

  #accept(socket: Socket, onConnection: ListenOptions['onConnection']): void {
    // A reset before anybody listens for errors must not end the process; who uses the socket sees `close`.
    socket.on('error', () => undefined)
    const { remoteAddress, remotePort } = socket
    if (remoteAddress === undefined || remotePort === undefined) {
      socket.destroy()
      return
    }
    onConnection({
      duplex: socket,
      remote: formatTcpAddress({ host: plainHost(remoteAddress), port: remotePort }),
    })
  }

  /** A link-local IPv6 address without a zone is tried on each interface that may have it. */
  #withZone(endpoint: TcpEndpoint): readonly TcpEndpoint[] {
    const { host, port } = endpoint
    if (!isIPv6(host) || host.includes('%') || !isLinkLocal(host)) return [endpoint]
    const zones = linkLocalZones(this.#networkInterfaces())
    return zones.length === 0 ? [endpoint] : zones.map((zone) => ({ host: `${host}%${zone}`, port }))
  }
}

class TcpListener implements Listener {
  readonly #server: Server
  /** The address it is bound to; `::` and `0.0.0.0` are all. */
  readonly host: string
  readonly #port: number
  readonly #networkInterfaces: () => NetworkInterfaces
  #closing: Promise<void> | undefined

  constructor(server: Server, networkInterfaces: () => NetworkInterfaces) {
    const address = server.address()
    if (address === null || typeof address === 'string') throw new TypeError('a listening server has a port')
    this.#server = server
    this.#port = address.port
    this.host = address.address
    this.#networkInterfaces = networkInterfaces
  }

  addresses(): readonly Address[] {
    const isEverywhere = this.host === '::' || this.host === '0.0.0.0'
    const hosts = isEverywhere ? reachableAddresses(this.#networkInterfaces()) : [this.host]
    const spoken = this.host === '0.0.0.0' ? hosts.filter((host) => !isIPv6(host)) : hosts
    return spoken.map((host) => formatTcpAddress({ host, port: this.#port }))
  }

  close(): Promise<void> {
    // Node's own callback waits for every connection to end; those belong to others and live on.
    this.#closing ??= new Promise((resolve) => {
      this.#server.close()
      setImmediate(resolve)
    })
    return this.#closing
  }
}

/** Without a host Node listens at `::`, which takes IPv4 too, and at `0.0.0.0` where IPv6 is switched off. */
async function startListening(server: Server, { port, host, signal }: ListenOptions): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen({ port, exclusive: true, ...(host === undefined ? {} : { host }) }, () => {
        server.off('error', reject)
        resolve()
      })
    })
    signal?.throwIfAborted()
  } catch (error) {
    server.close()
    throw signal?.aborted ? signal.reason : listenError(error as NodeJS.ErrnoException, port, host)
  }
}

function listenError(cause: NodeJS.ErrnoException, port: number, host: string | undefined): DittoError {
  const where = host === undefined ? `port ${port}` : `port ${port} of ${host}`
  switch (cause.code) {
    case 'EADDRINUSE':
      return new DittoError(
        'DITTO_PORT_IN_USE',
        `Another program listens at ${where}; choose another port or end that program.`,
        { cause },
      )
    case 'EACCES':
    case 'EPERM':
      return new DittoError('DITTO_PERMISSION', `This user may not listen at ${where}; choose a port above 1023.`, {
        cause,
      })
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new DittoError('DITTO_USAGE', `${host ?? 'That'} is no address of this machine; name one that is.`, {
        cause,
      })
    default:
      return new DittoError('DITTO_IO', `Listening at ${where} failed: ${cause.message}.`, { cause })
  }
}

/** Some systems do not let a program see its interfaces; it can still dial and be dialled. */
function systemInterfaces(): NetworkInterfaces {
  try {
    return networkInterfaces()
  } catch {
    return {}
  }
}
