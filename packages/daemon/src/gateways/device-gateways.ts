import { mkdir, rm } from 'node:fs/promises'
import path from 'node:path'
import type { PropertyDatabase } from '@dittofs/gateway-webdav'
import {
  type Clock,
  DittoError,
  type Gateway,
  type GatewayInfo,
  type GatewayProtocol,
  type Gateways,
  type Logger,
  type RandomBytes,
  type ServeOptions,
  type SpaceId,
  type Volume,
  type VolumeExport,
} from '@dittofs/interface'
import { forEachBounded } from '../for-each-bounded.ts'
import type { OpenSpace } from '../spaces/open-space.ts'
import type { GatewayRow } from './gateway-row.ts'
import type { GatewayTable } from './gateway-table.ts'
import { exportName, gatewayUrl } from './gateway-url.ts'
import { type GatewayTools, makeGateway } from './make-gateway.ts'

const LOOPBACK = '127.0.0.1'
/** WebDAV has no port of its own; this is the number of its RFC. */
const DEFAULT_PORTS: Readonly<Record<GatewayProtocol, number>> = { nfs: 2049, webdav: 4918 }

export interface DeviceGatewaysInit {
  table: Pick<GatewayTable, 'all' | 'put' | 'delete'>
  selectSpace: (name: string | undefined) => OpenSpace
  spaceOf: (id: SpaceId) => OpenSpace | undefined
  volumeOf: (space: OpenSpace) => Promise<Volume>
  /** Of a space, for the properties that WebDAV clients set. */
  properties: (space: SpaceId) => PropertyDatabase
  /** A directory of the gateways' own. */
  spool: string
  randomBytes: RandomBytes
  clock: Clock
  logger: Logger
}

/** Kept gateways that begin to serve together: each opens a space as a file system. */
const STARTS_AT_ONCE = 8
/** Before what could not be served is tried again: the first pause, doubled after each try up to the longest. */
const FIRST_RETRY_MS = 1000
const LONGEST_RETRY_MS = 5 * 60_000

interface Running {
  readonly row: GatewayRow
  readonly gateway: Gateway | undefined
  readonly isKept: boolean
  /** Why it does not serve. */
  problem?: string
  /** Aborted when it serves no more, or is not to be tried again. */
  readonly over: AbortController
  /** Of one that could not be served: ends when it serves, or is not to be tried again. */
  retrying?: Promise<void>
}

/** The gateways of a device: those that serve until their command ends, and those that are kept. */
export class DeviceGateways implements Gateways {
  readonly #init: DeviceGatewaysInit
  readonly #running = new Map<string, Running>()
  /** Gateways on the way to be kept. */
  readonly #beginning = new Set<Promise<unknown>>()
  readonly #stop = new AbortController()
  #isDaemon = false

  constructor(init: DeviceGatewaysInit) {
    this.#init = init
  }

  /**
   * Serves what is kept, and returns when each was tried once. What cannot be served is told by `list`, and tried again
   * and again until it can, or is stopped.
   */
  async serveKept(): Promise<void> {
    this.#isDaemon = true
    await forEachBounded(await this.#init.table.all(), STARTS_AT_ONCE, async (row) => {
      await this.#serve(row, true).catch((error: unknown) => this.#postpone(row, error))
    })
  }

  async *serve(protocol: GatewayProtocol, options: ServeOptions = {}): AsyncGenerator<readonly GatewayInfo[]> {
    const running = await this.#serve(this.#rowOf(protocol, options), false)
    const { id } = running.row
    const over = running.over.signal
    const ended = options.signal === undefined ? over : AbortSignal.any([options.signal, over])
    try {
      yield [this.#describe(running)]
      await new Promise<void>((resolve) => {
        if (ended.aborted) resolve()
        else ended.addEventListener('abort', () => resolve(), { once: true })
      })
    } finally {
      await this.#end(id)
    }
  }

  async keep(protocol: GatewayProtocol, options: ServeOptions = {}): Promise<GatewayInfo> {
    if (!this.#isDaemon) {
      throw new DittoError(
        'DITTO_DAEMON_UNREACHABLE',
        'What is to go on serving is served by the daemon; start one with "dittofs daemon".',
      )
    }
    const beginning = this.#keep(this.#rowOf(protocol, options))
    this.#beginning.add(beginning)
    try {
      return await beginning
    } finally {
      this.#beginning.delete(beginning)
    }
  }

  async stop(id: string): Promise<void> {
    this.#refuseWhenClosed()
    if (!this.#running.has(id)) {
      throw new DittoError(
        'DITTO_NOT_FOUND',
        `No gateway has the ID ${JSON.stringify(id)}; "dittofs gateways" lists them.`,
      )
    }
    await this.#giveUp(id)
    await this.#init.table.delete(id)
    await this.#end(id)
  }

  async list(): Promise<readonly GatewayInfo[]> {
    this.#refuseWhenClosed()
    return [...this.#running.values()].map((running) => this.#describe(running))
  }

  /** Ends all connections, and commits what was written through them. */
  async close(): Promise<void> {
    this.#stop.abort(closed())
    await Promise.all([...this.#running.keys()].map((id) => this.#end(id)))
    await Promise.allSettled(this.#beginning)
    await rm(this.#init.spool, { recursive: true, force: true })
  }

  #rowOf(protocol: GatewayProtocol, options: ServeOptions): GatewayRow {
    const { space, host, port, isReadOnly, signal: _signal, ...rest } = options
    return {
      ...rest,
      id: Buffer.from(this.#init.randomBytes(4)).toString('hex'),
      protocol,
      space: this.#init.selectSpace(space).id,
      host: host ?? LOOPBACK,
      port: port ?? DEFAULT_PORTS[protocol],
      isReadOnly: isReadOnly === true,
    }
  }

  async #keep(asked: GatewayRow): Promise<GatewayInfo> {
    const { table, logger } = this.#init
    // Written down before it serves: after a crash it is there for whoever has connected to it.
    await table.put(asked)
    try {
      return this.#describe(await this.#serve(asked, true))
    } catch (error) {
      await table.delete(asked.id).catch((reason: unknown) => {
        logger.warn({ error: reason }, 'A gateway that cannot be served will be tried at the next start.')
      })
      throw error
    }
  }

  /** @param wanted - aborted when it is not to serve after all */
  async #serve(asked: GatewayRow, isKept: boolean, wanted = this.#stop.signal): Promise<Running> {
    this.#refuseWhenClosed()
    const { spaceOf, volumeOf, spool, clock, logger, properties, table } = this.#init
    const space = spaceOf(asked.space)
    if (space === undefined) throw new DittoError('DITTO_NOT_FOUND', 'The space it served is no longer on this device.')
    const volume = await volumeOf(space)
    const own = path.join(spool, asked.id)
    await mkdir(own, { recursive: true, mode: 0o700 })
    const served = {
      ...{ name: exportName(space.name), volume, isReadOnly: asked.isReadOnly || volume.isReadOnly },
      ...(asked.allowedAddresses !== undefined && { allowedAddresses: asked.allowedAddresses }),
    }
    const tools = { clock, logger, spool: own, properties: () => properties(space.id) }
    const { gateway, port } = await this.#begin(asked, served, tools)
    const running: Running = { row: { ...asked, port }, gateway, isKept, over: new AbortController() }
    try {
      if (isKept && port !== asked.port) await table.put(running.row)
      wanted.throwIfAborted()
    } catch (error) {
      await gateway.stop()
      await rm(own, { recursive: true, force: true })
      throw error
    }
    this.#running.set(asked.id, running)
    return running
  }

  async #begin(asked: GatewayRow, served: VolumeExport, tools: GatewayTools) {
    try {
      const gateway = await makeGateway(asked, served, tools)
      const { port } = await gateway.serve()
      return { gateway, port }
    } catch (error) {
      await rm(tools.spool, { recursive: true, force: true })
      throw error
    }
  }

  /** Keeps one that could not be served among the others. */
  #postpone(row: GatewayRow, error: unknown): void {
    if (this.#stop.signal.aborted) return
    const over = new AbortController()
    const waiting: Running = { row, gateway: undefined, isKept: true, problem: messageOf(error), over }
    this.#running.set(row.id, waiting)
    this.#init.logger.warn({ error, protocol: row.protocol, port: row.port }, 'A gateway cannot be served.')
    waiting.retrying = this.#retry(waiting)
  }

  async #retry(waiting: Running): Promise<void> {
    const { clock, logger } = this.#init
    const { row, over } = waiting
    for (let pauseMs = FIRST_RETRY_MS; !over.signal.aborted; pauseMs = Math.min(pauseMs * 2, LONGEST_RETRY_MS)) {
      try {
        await clock.sleep(pauseMs, { signal: over.signal })
        await this.#serve(row, true, over.signal)
        logger.info({ protocol: row.protocol, port: row.port }, 'A gateway is served that could not be before.')
        return
      } catch (error) {
        waiting.problem = messageOf(error)
      }
    }
  }

  /** Ends the tries to serve one that could not be served. */
  async #giveUp(id: string): Promise<void> {
    const { over, retrying } = this.#running.get(id) ?? {}
    if (retrying === undefined) return
    over?.abort()
    await retrying
  }

  async #end(id: string): Promise<void> {
    await this.#giveUp(id)
    const running = this.#running.get(id)
    this.#running.delete(id)
    running?.over.abort()
    await running?.gateway?.stop()
    await rm(path.join(this.#init.spool, id), { recursive: true, force: true })
  }

  #describe({ row, gateway, isKept, problem }: Running): GatewayInfo {
    const { id, protocol, host, port, space, isReadOnly } = row
    const name = this.#init.spaceOf(space)?.name ?? ''
    return {
      ...{ id, protocol, host, port, isReadOnly, isKept, space: { id: space, name } },
      url: gatewayUrl(row, exportName(name)),
      connections: gateway?.connections ?? 0,
      ...(problem !== undefined && { problem }),
    }
  }

  #refuseWhenClosed(): void {
    this.#stop.signal.throwIfAborted()
  }
}

function closed(): DittoError {
  return new DittoError('DITTO_CLOSED', 'The device was closed.')
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
