import { isIP, isIPv6 } from 'node:net'
import { type Address, DittoError } from '@dittofs/interface'

/** Where a TCP connection goes to. */
export interface TcpEndpoint {
  /** An IPv4 or IPv6 address, without brackets, or a host name. A link-local IPv6 address may carry `%zone`. */
  readonly host: string
  /** 1 to 65,535. */
  readonly port: number
}

const MAX_HOST_NAME_LENGTH = 253
const HOST_NAME = /^(?!-)[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*\.?$/
const ADDRESS = /^tcp:\/\/(?:\[([^[\]/]+)\]|([^:[\]/]+)):([1-9]\d{0,4})$/

/** `tcp://HOST:PORT`; an IPv6 address stands in brackets, and its zone after `%25` (RFC 6874). */
export function formatTcpAddress({ host, port }: TcpEndpoint): Address {
  return isIPv6(host) ? `tcp://[${host.replace('%', '%25')}]:${port}` : `tcp://${host}:${port}`
}

/** @throws DittoError DITTO_USAGE */
export function parseTcpAddress(address: Address): TcpEndpoint {
  const [, bracketed, plain, digits] = ADDRESS.exec(address) ?? []
  const port = Number(digits)
  const host = bracketed?.replace('%25', '%') ?? plain
  if (host !== undefined && port <= 65_535 && isHost(host, bracketed !== undefined)) return { host, port }
  throw new DittoError(
    'DITTO_USAGE',
    `${JSON.stringify(address)} is not a TCP address; write tcp://192.0.2.7:4100 or tcp://[2001:db8::7]:4100.`,
  )
}

function isHost(host: string, isBracketed: boolean): boolean {
  if (isBracketed) return isIPv6(host)
  // What looks like numbers and dots but is no address would be looked up as a name, to nobody's use.
  if (isIP(host) === 0 && /^[\d.]+$/.test(host)) return false
  return host.length <= MAX_HOST_NAME_LENGTH && HOST_NAME.test(host)
}

/** The address of a socket's other side: IPv4 as IPv4 even where it came in over an IPv6 socket. */
export function plainHost(host: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(host)
  return mapped?.[1] ?? host
}
