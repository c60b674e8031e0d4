import type { GatewayProtocol, SpaceId } from '@dittofs/interface'

/** What a gateway was asked to be: what is kept of one that serves whenever the daemon runs. */
export interface GatewayRow {
  readonly id: string
  readonly protocol: GatewayProtocol
  readonly space: SpaceId
  readonly host: string
  /** The one it got, so that clients find it again. */
  readonly port: number
  readonly isReadOnly: boolean
  readonly allowedAddresses?: readonly string[]
  readonly passwordFile?: string
  readonly tlsKey?: string
  readonly tlsCertificate?: string
}
