import { createServer, type Server, type Socket } from 'node:net'
import { type Clock, type GatewayAddress, type Logger, listenError, plainAddress } from '@dittofs/interface'
import { MAX_GATEWAY_BYTES } from '../limits.ts'
import { ByteBudget } from './byte-budget.ts'
import { RpcConnection } from './rpc-connection.ts'
import type { RpcDispatcher } from './rpc-dispatcher.ts'

/** Between two looks at what every client is waiting for, as a part of the stall timeout. */
const CHECKS_PER_STALL = 4
/** How long `stop` waits for calls that run. */
const FINISH_TIMEOUT_MS = 5_000
/** Between two lines of the log about connections that were refused or ended. */
const LOG_INTERVAL_MS = 1_000

export interface RpcServerInit {
  host: string
  /** 0 for any free one. */
  port: number
  dispatcher: RpcDispatcher
  maxConnections: number
  maxConnectionsPerAddress: number
  idleTimeoutMs: number
  stallTimeoutMs: number
  clock: Clock
  logger: Logger | undefined
}

/** Listens for RPC over TCP and bounds what all connections together may take. */
export class RpcServer {
  readonly #init: RpcServerInit
  readonly #server: Server
  readonly #connections = new Map<RpcConnection, string>()
  readonly #perAddress = new Map<string, number>()
  readonly #budget = new ByteBudget(MAX_GATEWAY_BYTES)
  readonly #stopped = new AbortController()
  #watching: Promise<void> | undefined
  #loggedAtMs = Number.NEGATIVE_INFINITY
  #untold = 0
  #onEmpty: (() => void) | undefined

  constructor(init: RpcServerInit) {
    this.#init = init
    this.#server = createServer({ noDelay: true, keepAlive: true }, (socket) => this.#accept(socket))
  }

  get connections(): number {
    return this.#connections.size
  }

  /** @throws DittoError DITTO_PORT_IN_USE, DITTO_PERMISSION, DITTO_CONFIG_INVALID (the host), DITTO_IO */
  async start(): Promise<GatewayAddress> {
    const { host, port } = this.#init
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (cause) => reject(listenError(cause, host, port)))
      this.#server.listen({ host, port }, resolve)
    })
    this.#server.removeAllListeners('error')
    this.#server.on('error', (error) => this.#init.logger?.warn({ error }, 'An RPC connection could not be accepted.'))
    this.#watching = this.#watch()
    const address = this.#server.address()
    if (address === null || typeof address === 'string') throw new TypeError('a TCP server has a port')
    return { host: address.address, port: address.port }
  }

  /** Takes no more calls, lets those that run come to an end, and ends all connections. */
  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.#stopped.abort()
    await this.#watching
    for (const connection of this.#connections.keys()) connection.finish()
    await this.#whenEmpty()
    for (const connection of this.#connections.keys()) connection.abort('the gateway stops')
    await closed
  }

  async #whenEmpty(): Promise<void> {
    if (this.#connections.size === 0) return
    const waited = new AbortController()
    const empty = new Promise<void>((resolve) => {
      this.#onEmpty = resolve
    })
    const late = this.#init.clock.sleep(FINISH_TIMEOUT_MS, { signal: waited.signal }).catch(() => undefined)
    await Promise.race([empty, late])
    waited.abort()
  }

  #accept(socket: Socket): void {
    const { remoteAddress } = socket
    if (remoteAddress === undefined || this.#stopped.signal.aborted) {
      socket.destroy()
      return
    }
    const address = plainAddress(remoteAddress)
    const ofAddress = this.#perAddress.get(address) ?? 0
    const { maxConnections, maxConnectionsPerAddress, dispatcher, clock } = this.#init
    if (this.#connections.size >= maxConnections || ofAddress >= maxConnectionsPerAddress) {
      socket.on('error', () => undefined)
      socket.destroy()
      this.#tell(address, 'there are too many connections')
      return
    }
    this.#perAddress.set(address, ofAddress + 1)
    const connection: RpcConnection = new RpcConnection({
      socket,
      address,
      dispatcher,
      budget: this.#budget,
      clock,
      onClose: (reason) => {
        if (reason !== undefined) this.#tell(address, reason)
        this.#remove(connection, address)
      },
    })
    this.#connections.set(connection, address)
  }

  #remove(connection: RpcConnection, address: string): void {
    this.#connections.delete(connection)
    const left = (this.#perAddress.get(address) ?? 1) - 1
    if (left === 0) this.#perAddress.delete(address)
    else this.#perAddress.set(address, left)
    if (this.#connections.size === 0) this.#onEmpty?.()
  }

  async #watch(): Promise<void> {
    const { clock, stallTimeoutMs, idleTimeoutMs } = this.#init
    const { signal } = this.#stopped
    while (!signal.aborted) {
      await clock.sleep(Math.ceil(stallTimeoutMs / CHECKS_PER_STALL), { signal }).catch(() => undefined)
      if (signal.aborted) return
      for (const connection of this.#connections.keys()) connection.checkTime(stallTimeoutMs, idleTimeoutMs)
    }
  }

  /** One line a second at most: what a hostile client does must not fill a disk. */
  #tell(address: string, reason: string): void {
    const nowMs = this.#init.clock.monotonic()
    if (nowMs - this.#loggedAtMs < LOG_INTERVAL_MS) {
      this.#untold += 1
      return
    }
    this.#loggedAtMs = nowMs
    this.#init.logger?.warn({ address, reason, others: this.#untold }, 'An RPC connection was refused or ended.')
    this.#untold = 0
  }
}
