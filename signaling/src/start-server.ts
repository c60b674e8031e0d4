import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { DittoError, type Logger } from '@dittofs/interface'
import { MAX_SIGNALING_FRAME_BYTES, SIGNALING_PATH, SIGNALING_SUBPROTOCOL } from '@dittofs/wire'
import { type ServerOptions, WebSocketServer } from 'ws'
import type { Bus } from './bus.ts'
import { addressSource, clientAddress, maskedAddress, TrustedProxies } from './client-address.ts'
import { RelayMetrics } from './relay-metrics.ts'
import type { ServerLimits } from './server-limits.ts'
import { SignalingRelay } from './signaling-relay.ts'

const MAX_HEADER_BYTES = 8 * 1024
/** Connections beside those of devices: monitoring, and requests under way. */
const SPARE_CONNECTIONS = 1024
const CLOSE_TIMEOUT_MS = 1000
/** A frame of 16 KiB has no good reason to come in many parts. */
const MAX_FRAGMENTS = 16

export interface StartServerInit {
  readonly host: string
  /** 0 takes any free port. */
  readonly port: number
  readonly origins: readonly string[]
  readonly trustedProxies: readonly string[]
  readonly limits: ServerLimits
  readonly logger: Logger
  readonly bus?: Bus
}

export interface RunningServer {
  readonly port: number
  /** Sends all devices away, and resolves once nothing is open any more. */
  close(): Promise<void>
}

/** @throws DittoError DITTO_PORT_IN_USE, DITTO_PERMISSION, DITTO_IO */
export async function startServer(init: StartServerInit): Promise<RunningServer> {
  const server = new HttpServer(init)
  await server.open()
  return server
}

class HttpServer implements RunningServer {
  readonly #init: StartServerInit
  readonly #http: Server
  readonly #webSockets: WebSocketServer
  readonly #relay: SignalingRelay
  readonly #metrics = new RelayMetrics()
  readonly #proxies: TrustedProxies

  constructor(init: StartServerInit) {
    this.#init = init
    this.#proxies = new TrustedProxies(init.trustedProxies)
    this.#relay = this.#makeRelay()
    this.#http = createServer(
      {
        headersTimeout: init.limits.requestTimeoutMs,
        requestTimeout: init.limits.requestTimeoutMs,
        keepAliveTimeout: 5000,
        maxHeaderSize: MAX_HEADER_BYTES,
        connectionsCheckingInterval: Math.min(init.limits.requestTimeoutMs, 1000),
      },
      (request, response) => void this.#answer(request, response),
    )
    this.#http.maxConnections = init.limits.maxConnections + SPARE_CONNECTIONS
    this.#http.on('connection', (socket) => this.#admit(socket))
    this.#http.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head))
    // closeTimeout is known to ws, but not yet to its types.
    const options: ServerOptions & { closeTimeout: number } = {
      noServer: true,
      perMessageDeflate: false,
      maxPayload: MAX_SIGNALING_FRAME_BYTES,
      maxFragments: MAX_FRAGMENTS,
      autoPong: false,
      clientTracking: false,
      closeTimeout: CLOSE_TIMEOUT_MS,
      handleProtocols: (offered) => (offered.has(SIGNALING_SUBPROTOCOL) ? SIGNALING_SUBPROTOCOL : false),
    }
    this.#webSockets = new WebSocketServer(options)
  }

  get port(): number {
    return (this.#http.address() as AddressInfo).port
  }

  async open(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#http.once('error', (error: NodeJS.ErrnoException) => reject(listenError(error, this.#init)))
      this.#http.listen({ host: this.#init.host, port: this.#init.port, backlog: 1024 }, resolve)
    })
    await this.#relay.open()
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#http.close(() => resolve()))
    await this.#relay.close()
    this.#http.closeAllConnections()
    await closed
  }

  #makeRelay(): SignalingRelay {
    const { limits, origins, bus, logger } = this.#init
    return new SignalingRelay({
      limits,
      origins: new Set(origins),
      ...(bus !== undefined && { bus }),
      nowMs: () => performance.now(),
      random: Math.random,
      observer: {
        onRegister: (key, address) => {
          this.#metrics.countRegistration()
          const fields = { event: 'device:register', key: key.slice(0, 8), address: maskedAddress(address) }
          logger.debug(fields, 'A device has registered.')
        },
        onRelay: (result, bytes) => this.#metrics.countRelay(result, bytes),
        onClose: (cause, address) => {
          this.#metrics.countClose(cause)
          logger.debug({ event: 'device:leave', cause, address: maskedAddress(address) }, 'A connection has ended.')
        },
      },
    })
  }

  /** Counts a connection from its first packet. Behind a proxy its address is known only with the request. */
  #admit(socket: Socket): void {
    const remote = clientAddress(socket.remoteAddress ?? '', undefined, this.#proxies)
    if (!this.#proxies.has(remote)) this.#count(socket, remote)
  }

  #count(socket: Duplex, address: string): boolean {
    const source = addressSource(address)
    if (!this.#relay.gate.enter(source, performance.now())) {
      this.#metrics.countClose('address-limit')
      socket.destroy()
      return false
    }
    socket.once('close', () => this.#relay.gate.leave(source))
    return true
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    // Without a listener a reset would end the process.
    socket.on('error', () => socket.destroy())
    const remote = clientAddress(request.socket.remoteAddress ?? '', undefined, this.#proxies)
    const forwarded = request.headersDistinct['x-forwarded-for']?.join(',')
    const address = clientAddress(remote, forwarded, this.#proxies)
    if (this.#proxies.has(remote) && !this.#count(socket, address)) return
    const refusal = this.#refusal(request)
    if (refusal !== undefined) {
      refuseUpgrade(socket, refusal)
      return
    }
    this.#webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      this.#relay.accept(webSocket, address, request.headers.host, () => request.socket.bytesRead)
    })
  }

  /** The status line for a request that does not become a connection. */
  #refusal(request: IncomingMessage): string | undefined {
    const offered = request.headers['sec-websocket-protocol']?.split(/\s*,\s*/)
    if (request.url !== SIGNALING_PATH) return '404 Not Found'
    if (offered?.includes(SIGNALING_SUBPROTOCOL) !== true) return '426 Upgrade Required'
    return this.#relay.isFull ? '503 Service Unavailable' : undefined
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.setHeader('cache-control', 'no-store')
    response.setHeader('x-content-type-options', 'nosniff')
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      // What it goes on sending is not read.
      response.writeHead(405, { connection: 'close' }).end()
    } else if (request.url === '/healthz') {
      const isDegraded = this.#relay.isBusUp === false
      const health = isDegraded ? { status: 'degraded', reason: 'the bus is down' } : { status: 'ok' }
      response.writeHead(200, { 'content-type': 'application/json' }).end(`${JSON.stringify(health)}\n`)
    } else if (request.url === '/metrics') {
      const metrics = await this.#metrics.render(this.#relay.counts(), this.#relay.isBusUp)
      response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }).end(metrics)
    } else {
      response.writeHead(404).end()
    }
  }
}

function refuseUpgrade(socket: Duplex, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () => socket.destroy())
}

function listenError(error: NodeJS.ErrnoException, { host, port }: StartServerInit): DittoError {
  if (error.code === 'EADDRINUSE') {
    return new DittoError('DITTO_PORT_IN_USE', `Port ${port} is taken; choose another one.`, { cause: error })
  }
  if (error.code === 'EACCES') {
    return new DittoError('DITTO_PERMISSION', `Port ${port} may not be used; choose one above 1023.`, { cause: error })
  }
  return new DittoError('DITTO_IO', `It cannot listen at ${host}, port ${port}: ${error.message}.`, { cause: error })
}
