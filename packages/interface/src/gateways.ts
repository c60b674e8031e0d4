import type { AbortOptions } from './common.ts'
import type { SpaceId } from './ids.ts'

/** The file access protocols a device serves by itself; programs that use the library may add others (`Gateway`). */
export const GATEWAY_PROTOCOLS = ['nfs', 'webdav'] as const
export type GatewayProtocol = (typeof GATEWAY_PROTOCOLS)[number]

export interface ServeOptions extends AbortOptions {
  /** A space, by name or ID; when absent the only one, or `home`. */
  space?: string
  /** An address of this machine. Default 127.0.0.1: this machine alone. */
  host?: string
  /** 0 for any free one; default 2049 for NFS, 4918 for WebDAV. */
  port?: number
  isReadOnly?: boolean
  /** IP addresses or CIDR ranges that may use it; absent: all that reach the port. */
  allowedAddresses?: readonly string[]
  /** WebDAV: a file with a line `USER:PASSWORD` for each user, readable by nobody else. Needed where it is not loopback. */
  passwordFile?: string
  /** WebDAV over TLS: PEM files, both or none. */
  tlsKey?: string
  tlsCertificate?: string
}

/** A gateway that serves now. */
export interface GatewayInfo {
  /** 8 hex digits. */
  readonly id: string
  readonly protocol: GatewayProtocol
  readonly host: string
  readonly port: number
  readonly space: { readonly id: SpaceId; readonly name: string }
  readonly isReadOnly: boolean
  /** What a client is given: `nfs://HOST/NAME?…` or `http://HOST:PORT/NAME/`. */
  readonly url: string
  /** Clients connected now. */
  readonly connections: number
  /** Whether it serves whenever the daemon runs, until it is stopped. */
  readonly isKept: boolean
  /** Why it does not serve at present, though it is kept. */
  readonly problem?: string
}

/** The spaces of a device as drives: file access protocols over them. */
export interface Gateways {
  /**
   * Serves a space until the iteration is left, the signal aborts, or it is stopped, which ends the iteration. One item:
   * when it serves.
   *
   * @throws DittoError DITTO_PORT_IN_USE, DITTO_PERMISSION, DITTO_NOT_FOUND (no such space), DITTO_USAGE,
   *   DITTO_CONFIG_INVALID (a password file or certificate that cannot be used)
   */
  serve(protocol: GatewayProtocol, options?: ServeOptions): AsyncIterable<readonly GatewayInfo[]>
  /**
   * Serves a space from now on, also after the daemon was started again.
   *
   * @throws as {@link serve}; DITTO_DAEMON_UNREACHABLE (no daemon runs)
   */
  keep(protocol: GatewayProtocol, options?: ServeOptions): Promise<GatewayInfo>
  /** Stops one, and forgets it where it was kept. What was written through it is committed. @throws DITTO_NOT_FOUND */
  stop(id: string): Promise<void>
  list(): Promise<readonly GatewayInfo[]>
}
