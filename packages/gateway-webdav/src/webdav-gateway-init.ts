import type { Clock, Logger, VolumeExport } from '@dittofs/interface'
import type { VerifyCredentials } from './credentials.ts'
import type { DeadProperties } from './dead-properties.ts'
import type { SidecarPolicy } from './served-volume.ts'

export interface WebdavGatewayInit {
  /** Each found under `/NAME`; `/` lists them. */
  exports: readonly VolumeExport[]
  /** An address of this machine; `127.0.0.1` unless told otherwise. */
  host?: string
  /** 0: a free one. */
  port?: number
  /** Says who may use it. Without, and without `isLoopbackOpen`, nobody may. */
  verify?: VerifyCredentials
  /** Lets programs on this machine in without credentials. */
  isLoopbackOpen?: boolean
  /** What a client shows a person who is asked for a password. */
  realm?: string
  /** Serves over TLS. Without, passwords are taken on addresses other than loopback only with `isPlaintextAllowed`. */
  tls?: { readonly key: string | Buffer; readonly cert: string | Buffer }
  isPlaintextAllowed?: boolean
  /** Names beside `localhost` under which clients without credentials may ask. */
  hostNames?: readonly string[]
  /** `memory` unless told otherwise. */
  sidecars?: SidecarPolicy
  /** Where the dead properties of an export are kept: in memory unless told otherwise. */
  deadProperties?: (one: VolumeExport) => DeadProperties
  /** A directory that is there, on a disk with room for the uploads that run at once. */
  spoolDirectory: string
  maxConnections?: number
  maxConnectionsPerAddress?: number
  idleTimeoutMs?: number
  clock?: Clock
  logger?: Logger
}
