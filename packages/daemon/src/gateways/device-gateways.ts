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
import type { OpenSpace } from '../spaces/open-space.ts'
import type { GatewayRow } from './gateway-row.ts'
import type { GatewayTable } from './gateway-table.ts'
import { type GatewayTools, makeGateway } from './make-gateway.ts'

const LOOPBACK = '127.0.0.1'
/** WebDAV has no port of its own; this is the number of its RFC. */
const DEFAULT_PORTS: Readonly<Record<GatewayProtocol, number>> = { nfs: 2049, webdav: 4918 }

export interface DeviceGatewaysInit {
  table: GatewayTable
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

interface Running {
  readonly row: GatewayRow
  readonly gateway: Gateway | undefined
  readonly isKept: boolean
  readonly problem?: string
  /** Aborted when it serves no more. */
  readonly over: AbortController
}

/** The gateways of a device: those that serve until their command ends, and those that are kept. */
export class DeviceGateways implements Gateways {
  readonly #init: DeviceGatewaysInit
  readonly #running = new Map<string, Running>()
  readonly #stop = new AbortController()
  #isDaemon = false

  constructor(init: DeviceGatewaysInit) {
    this.#init = init
  }

  /** Serves what is kept. What cannot be served now is told by `list`, and tried again at the next start. */
  async serveKept(): Promise<void> {
    this.#isDaemon = true
    for (const row of await this.#init.table.all()) {
      await this.#serve(row, true).catch((error: unknown) => {
        const problem = error instanceof Error ? error.message : String(error)
        this.#running.set(row.id, { row, gateway: undefined, isKept: true, problem, over: new AbortController() })
        this.#init.logger.warn({ error, protocol: row.protocol, port: row.port }, 'A gateway cannot be served.')
      })
    }
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
    const running = await this.#serve(this.#rowOf(protocol, options), true)
    await this.#init.table.put(running.row)
    return this.#describe(running)
  }

  async stop(id: string): Promise<void> {
    this.#refuseWhenClosed()
    if (!this.#running.has(id)) {
      throw new DittoError(
        'DITTO_NOT_FOUND',
        `No gateway has the ID ${JSON.stringify(id)}; "dittofs gateways" lists them.`,
      )
    }
    await this.#init.table.delete(id)
    await this.#end(id)
  }

  async list(): Promise<readonly GatewayInfo[]> {
    this.#refuseWhenClosed()
    return [...this.#running.values()].map((running) => this.#describe(running))
  }

  /** Ends all connections, and commits what was written through them. */
  async close(): Promise<void> {
    this.#stop.abort()
    await Promise.all([...this.#running.keys()].map((id) => this.#end(id)))
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

  async #serve(asked: GatewayRow, isKept: boolean): Promise<Running> {
    this.#refuseWhenClosed()
    const { spaceOf, volumeOf, spool, clock, logger, properties } = this.#init
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
    this.#running.set(asked.id, running)
    if (this.#stop.signal.aborted) {
      await this.#end(asked.id)
      this.#refuseWhenClosed()
    }
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

  async #end(id: string): Promise<void> {
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
      url: urlOf(row, exportName(name)),
      connections: gateway?.connections ?? 0,
      ...(problem !== undefined && { problem }),
    }
  }

  #refuseWhenClosed(): void {
    if (this.#stop.signal.aborted) throw new DittoError('DITTO_CLOSED', 'The device was closed.')
  }
}

/** A space's name as one part of a path. */
function exportName(name: string): string {
  const usable = name.replaceAll(/[/\\\0]/g, '_')
  return usable === '' || usable === '.' || usable === '..' ? 'space' : usable
}

function urlOf({ protocol, host, port, tlsKey }: GatewayRow, name: string): string {
  const authority = host.includes(':') ? `[${host}]` : host
  const place = encodeURIComponent(name)
  if (protocol === 'nfs') return `nfs://${authority}/${place}?nfsport=${port}&mountport=${port}&version=3`
  return `${tlsKey === undefined ? 'http' : 'https'}://${authority}:${port}/${place}/`
}
