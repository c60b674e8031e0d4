import http, { type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import https from 'node:https'
import type { Socket } from 'node:net'
import {
  DittoError,
  type Gateway,
  type GatewayAddress,
  type Logger,
  listenError,
  plainAddress,
  systemClock,
  type VolumeExport,
} from '@dittofs/interface'
import { isLoopback } from './address-rule.ts'
import { ConnectionLimit } from './connection-limit.ts'
import { memoryDeadProperties } from './dead-properties.ts'
import type { GatewayState } from './exchange.ts'
import { FailureLimit } from './failure-limit.ts'
import { type Admission, handleRequest } from './handle-request.ts'
import {
  DEFAULT_IDLE_TIMEOUT_MS,
  DEFAULT_MAX_CONNECTIONS,
  DEFAULT_MAX_CONNECTIONS_PER_ADDRESS,
  HEADERS_TIMEOUT_MS,
  KEEP_ALIVE_MS,
  MAX_HEADER_BYTES,
  MAX_PIPELINED_REQUESTS,
} from './limits.ts'
import { LockTable } from './lock-table.ts'
import { WantedPropertiesReader } from './properties/wanted-properties.ts'
import { serveVolume } from './served-volume.ts'
import { Spool } from './spool.ts'
import type { WebdavGatewayInit } from './webdav-gateway-init.ts'
import { WriteGate } from './write-gate.ts'

const SILENT: Logger = { debug() {}, info() {}, warn() {}, error() {} }

/**
 * Serves volumes over WebDAV.
 *
 * @throws DittoError DITTO_CONFIG_INVALID: two exports of one name, a name or an allowed address that is none, nobody who
 *   may use it, or passwords that would cross a network in the clear
 */
export function webdavGateway(init: WebdavGatewayInit): Gateway {
  return new WebdavGateway(init)
}

class WebdavGateway implements Gateway {
  readonly protocol = 'webdav'
  readonly exports: readonly VolumeExport[]
  readonly #init: WebdavGatewayInit
  readonly #host: string
  readonly #state: GatewayState
  readonly #admission: Admission
  readonly #limit: ConnectionLimit
  /** Of each request that has no answer yet. */
  readonly #open = new Set<AbortController>()
  readonly #running = new Set<Promise<void>>()
  /** The request that came last on a connection. */
  readonly #current = new WeakMap<Socket, { request: IncomingMessage; response: ServerResponse }>()
  readonly #lastOf = new WeakMap<Socket, Promise<void>>()
  /** Requests on a connection that have no answer yet. */
  readonly #waiting = new WeakMap<Socket, number>()
  #server: Server | undefined
  #address: GatewayAddress | undefined
  #stopped: Promise<void> | undefined

  constructor(init: WebdavGatewayInit) {
    const clock = init.clock ?? systemClock
    this.#init = init
    this.#host = init.host ?? '127.0.0.1'
    checkInit(init, this.#host)
    this.exports = [...init.exports]
    const propertiesOf = init.deadProperties ?? (() => memoryDeadProperties())
    const served = init.exports.map((one) =>
      serveVolume(one, {
        sidecars: init.sidecars ?? 'memory',
        properties: propertiesOf(one),
        nowMs: () => clock.now(),
      }),
    )
    this.#state = {
      exports: new Map(served.map((one) => [one.name, one])),
      locks: new LockTable(clock),
      spool: new Spool(init.spoolDirectory),
      gate: new WriteGate(),
      wantedProperties: new WantedPropertiesReader(),
      clock,
      logger: init.logger ?? SILENT,
    }
    this.#admission = {
      policy: { verify: init.verify, realm: init.realm ?? 'DittoFS', isLoopbackOpen: init.isLoopbackOpen ?? false },
      failures: new FailureLimit(clock),
      hostNames: init.hostNames ?? [],
    }
    this.#limit = new ConnectionLimit(
      init.maxConnections ?? DEFAULT_MAX_CONNECTIONS,
      init.maxConnectionsPerAddress ?? DEFAULT_MAX_CONNECTIONS_PER_ADDRESS,
    )
  }

  get address(): GatewayAddress | undefined {
    return this.#address
  }

  get connections(): number {
    return this.#limit.open
  }

  async serve(): Promise<GatewayAddress> {
    if (this.#stopped !== undefined) throw new DittoError('DITTO_CLOSED', 'The gateway was stopped.')
    if (this.#server !== undefined) throw new DittoError('DITTO_USAGE', 'The gateway serves already.')
    const server = this.#makeServer()
    this.#server = server
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject)
        server.listen(this.#init.port ?? 0, this.#host, () => {
          server.removeListener('error', reject)
          resolve()
        })
      })
    } catch (error) {
      this.#server = undefined
      throw listenError(error as Error, this.#host, this.#init.port ?? 0)
    }
    server.on('error', (error) => this.#state.logger.error({ error }, 'The WebDAV gateway had a fault.'))
    const address = server.address()
    if (address === null || typeof address === 'string') throw new DittoError('DITTO_INTERNAL', 'No port was bound.')
    this.#address = { host: address.address, port: address.port }
    return this.#address
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  async #stop(): Promise<void> {
    const server = this.#server
    this.#address = undefined
    for (const request of this.#open) request.abort(new DittoError('DITTO_CLOSED', 'The gateway is stopping.'))
    if (server === undefined) return
    const closed = new Promise<void>((resolve) => {
      server.close(() => resolve())
    })
    // An upload that has not come in whole is dropped with its connection. One that has goes on into the space.
    this.#limit.destroyAll()
    await Promise.all(this.#running)
    await closed
  }

  #makeServer(): Server {
    const { tls } = this.#init
    const options = {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: 0,
      keepAliveTimeout: KEEP_ALIVE_MS,
    }
    const server: Server =
      tls === undefined
        ? http.createServer(options)
        : https.createServer({ ...options, ...tls, minVersion: 'TLSv1.2', handshakeTimeout: HEADERS_TIMEOUT_MS })
    const onRequest = (request: IncomingMessage, response: ServerResponse) => this.#onRequest(request, response)
    server.on('request', onRequest)
    // Whether a body is wanted is said once the request was let in.
    server.on('checkContinue', onRequest)
    server.on('checkExpectation', (_request, response: ServerResponse) => {
      response.writeHead(417, { Connection: 'close', 'Content-Length': '0' })
      response.end()
    })
    server.on('connection', (socket: Socket) => {
      socket.on('error', () => {})
      if (this.#limit.admit(socket)) return
      const { refused } = this.#limit
      // The first, the tenth, the hundredth: a flood of connections is none of log lines.
      if (Number.isInteger(Math.log10(refused))) {
        const address = plainAddress(socket.remoteAddress ?? '')
        this.#state.logger.warn({ address, refused }, 'Connections are refused: too many are open.')
      }
    })
    server.on('clientError', (_error, socket) => {
      if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
      else socket.destroy()
    })
    server.setTimeout(this.#init.idleTimeoutMs ?? DEFAULT_IDLE_TIMEOUT_MS, (socket: Socket) => this.#onIdle(socket))
    return server
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    const closed = new AbortController()
    const { socket } = request
    const waiting = (this.#waiting.get(socket) ?? 0) + 1
    if (waiting > MAX_PIPELINED_REQUESTS) {
      socket.destroy()
      return
    }
    this.#waiting.set(socket, waiting)
    this.#open.add(closed)
    this.#current.set(socket, { request, response })
    response.on('error', () => {})
    response.once('close', () => {
      this.#open.delete(closed)
      // Who waits for the client to read or write waits in vain.
      if (!response.writableFinished) closed.abort(new DittoError('DITTO_LINK_CUT', 'The client went away.'))
      this.#waiting.set(socket, (this.#waiting.get(socket) ?? 1) - 1)
      if (this.#current.get(socket)?.request === request) this.#current.delete(socket)
    })
    // Of requests sent on one connection without waiting, each is to see what the one before it did.
    const before = this.#lastOf.get(socket) ?? Promise.resolve()
    const running = before.then(() => handleRequest(this.#state, this.#admission, request, response, closed.signal))
    this.#lastOf.set(socket, running)
    this.#running.add(running)
    void running.finally(() => this.#running.delete(running))
  }

  /** Ends a connection on which nothing moved for long, unless it is this side that keeps the other waiting. */
  #onIdle(socket: Socket): void {
    const current = this.#current.get(socket)
    if (current?.request.complete === true && !current.response.writableNeedDrain) return
    socket.destroy()
  }
}

function checkInit(init: WebdavGatewayInit, host: string): void {
  const names = new Set<string>()
  for (const { name } of init.exports) {
    const isUsable = name !== '' && name !== '.' && name !== '..' && !/[/\0]/.test(name) && name.isWellFormed()
    if (!isUsable || Buffer.byteLength(name) > 128 || name.normalize('NFC') !== name || names.has(name)) {
      throw new DittoError('DITTO_CONFIG_INVALID', `"${name}" cannot be the name of an export, or is one twice.`)
    }
    names.add(name)
  }
  if (init.verify === undefined && init.isLoopbackOpen !== true) {
    throw new DittoError(
      'DITTO_CONFIG_INVALID',
      'Nobody could use the gateway: give it credentials, or open it to this machine.',
    )
  }
  if (init.tls === undefined && init.verify !== undefined && !isLoopback(host) && init.isPlaintextAllowed !== true) {
    const message = `Passwords would cross the network in the clear on ${host}: give a key and a certificate for TLS, or allow it.`
    throw new DittoError('DITTO_CONFIG_INVALID', message)
  }
}
