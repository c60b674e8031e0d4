import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock, Logger } from '@dittofs/interface'
import type { LockHolder } from './lock-check.ts'
import type { LockTable } from './lock-table.ts'
import type { WantedPropertiesReader } from './properties/wanted-properties.ts'
import type { RequestPath } from './request-path.ts'
import type { ServedVolume } from './served-volume.ts'
import type { Spool } from './spool.ts'
import type { WriteGate } from './write-gate.ts'

/** What all requests of a gateway share. */
export interface GatewayState {
  readonly exports: ReadonlyMap<string, ServedVolume>
  readonly locks: LockTable
  readonly spool: Spool
  readonly gate: WriteGate
  readonly wantedProperties: WantedPropertiesReader
  readonly clock: Clock
  readonly logger: Logger
}

/** One request with what is known of it, and its response. */
export interface Exchange {
  readonly state: GatewayState
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly method: string
  readonly path: RequestPath
  /** `undefined`: the request is for the list of the exports. */
  readonly served: ServedVolume | undefined
  /** Whose locks are counted together. */
  readonly client: string
  readonly address: string
  readonly holder: LockHolder
  /** Aborted when the connection closes. */
  readonly signal: AbortSignal
}

/** Ends a response without a body, or with a short text. */
export function reply(
  { response }: Exchange,
  status: number,
  headers: Readonly<Record<string, string>> = {},
  body?: string,
): void {
  const isBodiless = status === 204 || status === 304
  response.writeHead(status, {
    ...(isBodiless ? {} : { 'Content-Length': String(Buffer.byteLength(body ?? '')) }),
    ...(body === undefined ? {} : { 'Content-Type': 'text/plain; charset=utf-8' }),
    ...headers,
  })
  response.end(body)
}
