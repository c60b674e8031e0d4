import {
  type Clock,
  DittoError,
  type Gateway,
  type GatewayAddress,
  type Logger,
  systemClock,
  type VolumeExport,
} from '@dittofs/interface'
import { ExportTable } from './export-table.ts'
import {
  DEFAULT_IDLE_TIMEOUT_MS,
  DEFAULT_MAX_CONNECTIONS,
  DEFAULT_MAX_CONNECTIONS_PER_ADDRESS,
  DEFAULT_STALL_TIMEOUT_MS,
} from './limits.ts'
import { MountList } from './mount/mount-list.ts'
import { mountProgram } from './mount/mount-program.ts'
import { ChangesUnderWay } from './nfs/changes-under-way.ts'
import { DirtyFiles } from './nfs/dirty-files.ts'
import type { Owner } from './nfs/nfs-attributes.ts'
import { nfsProgram } from './nfs/nfs-program.ts'
import { NodeTurns } from './nfs/node-turns.ts'
import { portmapProgram } from './portmap/portmap-program.ts'
import { Portmapper } from './portmap/portmapper.ts'
import { DatagramServer } from './rpc/datagram-server.ts'
import { DuplicateCache } from './rpc/duplicate-cache.ts'
import { RpcDispatcher } from './rpc/rpc-dispatcher.ts'
import type { RpcProgram } from './rpc/rpc-program.ts'
import { RpcServer } from './rpc/rpc-server.ts'

export const DEFAULT_NFS_PORT = 2049
const LOOPBACK = '127.0.0.1'

export interface NfsGatewayInit {
  exports: readonly VolumeExport[]
  /** An address of this machine. Default 127.0.0.1: any user of this machine, and nobody else, can use the exports. */
  host?: string
  /** For MOUNT and NFS alike; 0 for any free one. Default {@link DEFAULT_NFS_PORT}. */
  port?: number
  /** Where to offer a portmapper over TCP and UDP, on loopback only; 0 for any free one. Absent: none. */
  portmapperPort?: number
  /** To whom all files are shown to belong. Default: the user and group of this process. */
  owner?: Owner
  maxConnections?: number
  maxConnectionsPerAddress?: number
  /** Milliseconds without a call after which a connection is ended. */
  idleTimeoutMs?: number
  /** Milliseconds that a client may take over sending a call it began, reading an answer, or its first call. */
  stallTimeoutMs?: number
  clock?: Clock
  logger?: Logger
}

/** A gateway with what is NFS's own. */
export interface NfsGateway extends Gateway {
  /** Of the portmapper; `undefined` where none was wanted, or it does not serve. */
  readonly portmapperAddress: GatewayAddress | undefined
}

/**
 * Serves volumes over NFS version 3 (RFC 1813).
 *
 * @throws DittoError DITTO_USAGE: an export's name or addresses cannot be used
 */
export function nfsGateway(init: NfsGatewayInit): NfsGateway {
  return new VolumesOverNfs(init)
}

class VolumesOverNfs implements NfsGateway {
  readonly protocol = 'nfs'
  readonly exports: readonly VolumeExport[]
  readonly #init: NfsGatewayInit
  readonly #clock: Clock
  readonly #dirtyFiles: DirtyFiles
  readonly #programs: readonly RpcProgram[]
  #server: RpcServer | undefined
  #portmapper: Portmapper | undefined
  #address: GatewayAddress | undefined
  #portmapperAddress: GatewayAddress | undefined
  #serving: Promise<GatewayAddress> | undefined
  #stopping: Promise<void> | undefined

  constructor(init: NfsGatewayInit) {
    this.#init = init
    this.#clock = init.clock ?? systemClock
    this.exports = [...init.exports]
    const { logger } = init
    const exports = new ExportTable(this.exports)
    const owner = init.owner ?? { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }
    this.#dirtyFiles = new DirtyFiles(logger)
    this.#programs = [
      nfsProgram({
        exports,
        owner,
        dirtyFiles: this.#dirtyFiles,
        turns: new NodeTurns(),
        changes: new ChangesUnderWay(),
        clock: this.#clock,
        logger,
      }),
      mountProgram({ exports, mounts: new MountList(), logger }),
    ]
  }

  get address(): GatewayAddress | undefined {
    return this.#address
  }

  get portmapperAddress(): GatewayAddress | undefined {
    return this.#portmapperAddress
  }

  get connections(): number {
    return (this.#server?.connections ?? 0) + (this.#portmapper?.connections ?? 0)
  }

  async serve(): Promise<GatewayAddress> {
    if (this.#stopping !== undefined) throw new DittoError('DITTO_CLOSED', 'This gateway was stopped; make a new one.')
    this.#serving ??= this.#serve().catch((error: unknown) => {
      this.#serving = undefined
      throw error
    })
    return this.#serving
  }

  async #serve(): Promise<GatewayAddress> {
    const { host = LOOPBACK, port = DEFAULT_NFS_PORT, portmapperPort } = this.#init
    const server = this.#newServer(this.#newDispatcher(this.#programs), host, port)
    const address = await server.start()
    if (portmapperPort !== undefined) {
      const portmap = this.#newDispatcher([
        portmapProgram(this.#programs, address.port, () => this.#portmapperAddress?.port ?? 0),
      ])
      this.#portmapper = new Portmapper(this.#newServer(portmap, LOOPBACK, portmapperPort), new DatagramServer(portmap))
      try {
        this.#portmapperAddress = await this.#portmapper.start()
      } catch (error) {
        this.#portmapper = undefined
        await server.stop()
        throw error
      }
    }
    this.#server = server
    this.#address = address
    return address
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  async #stop(): Promise<void> {
    await this.#serving?.catch(() => undefined)
    await Promise.all([this.#server?.stop(), this.#portmapper?.stop()])
    this.#address = undefined
    this.#portmapperAddress = undefined
    await this.#dirtyFiles.commitAll()
  }

  #newDispatcher(programs: readonly RpcProgram[]): RpcDispatcher {
    const { logger } = this.#init
    return new RpcDispatcher({ programs, duplicates: new DuplicateCache(this.#clock), logger })
  }

  #newServer(dispatcher: RpcDispatcher, host: string, port: number): RpcServer {
    return new RpcServer({
      host,
      port,
      dispatcher,
      maxConnections: this.#init.maxConnections ?? DEFAULT_MAX_CONNECTIONS,
      maxConnectionsPerAddress: this.#init.maxConnectionsPerAddress ?? DEFAULT_MAX_CONNECTIONS_PER_ADDRESS,
      idleTimeoutMs: this.#init.idleTimeoutMs ?? DEFAULT_IDLE_TIMEOUT_MS,
      stallTimeoutMs: this.#init.stallTimeoutMs ?? DEFAULT_STALL_TIMEOUT_MS,
      clock: this.#clock,
      logger: this.#init.logger,
    })
  }
}
