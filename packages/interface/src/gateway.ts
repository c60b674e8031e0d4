import type { Volume } from './volume.ts'

/** A volume as a gateway offers it. */
export interface VolumeExport {
  /** 1 to 128 bytes of UTF-8 without `/`: the path under which clients find it, `/NAME`. */
  readonly name: string
  readonly volume: Volume
  /** Whether changes are refused, though the volume would take them. */
  readonly isReadOnly: boolean
  /** IP addresses or CIDR ranges that may use it; absent: everybody who reaches the port. */
  readonly allowedAddresses?: readonly string[]
}

/** Where a running gateway is reached. */
export interface GatewayAddress {
  readonly host: string
  /** 1 to 65535. */
  readonly port: number
}

/**
 * A file access protocol over volumes: `nfs`, `webdav`, or one that somebody adds. Several may serve one volume at once.
 * A gateway translates; what a call means, and every check of names and handles, is the volume's.
 */
export interface Gateway {
  /** Lowercase letters and digits: what `dittofs serve` and `dittofs gateways` call it. */
  readonly protocol: string
  /** `undefined` while it does not serve. */
  readonly address: GatewayAddress | undefined
  /** What is served now. */
  readonly exports: readonly VolumeExport[]
  /** Connections open now. */
  readonly connections: number
  /**
   * Listens, and answers from then on.
   *
   * @throws DittoError DITTO_PORT_IN_USE, DITTO_PERMISSION, DITTO_CONFIG_INVALID (no address of this machine),
   *   DITTO_CLOSED (it was stopped)
   */
  serve(): Promise<GatewayAddress>
  /** Ends all connections, commits what was written through them, and frees the port. Idempotent. */
  stop(): Promise<void>
}
