import { DittoError } from '@dittofs/interface'

/** Ports where a URL names none (RFC 7064 section 3.2, RFC 7065 section 3.2). */
const DEFAULT_PORT = 3478
const DEFAULT_TLS_PORT = 5349
const URL_FORM = /^(stuns?|turns?):(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]{1,253}))(?::(\d{1,5}))?(?:\?transport=([a-z]+))?$/i

/** A STUN or TURN server, and how it is spoken to. */
export interface IceUrl {
  readonly kind: 'stun' | 'turn'
  readonly transport: 'udp' | 'tcp' | 'tls'
  /** A name or an address, IPv6 without brackets. */
  readonly host: string
  readonly port: number
}

/**
 * Reads the URL of a STUN or TURN server (RFC 7064, RFC 7065): `stun:HOST[:PORT]`, `turn:HOST[:PORT]`, the latter with
 * `?transport=tcp` over TCP, and `turns:HOST[:PORT]`, which is over TLS.
 *
 * @throws DittoError DITTO_USAGE for anything else, STUN over TLS and TURN over DTLS included
 */
export function parseIceUrl(url: string): IceUrl {
  const [, scheme, bracketed, name, digits, wanted] = URL_FORM.exec(url) ?? []
  const host = bracketed ?? name
  if (scheme === undefined || host === undefined) {
    throw refused(url, 'is none of stun:HOST:PORT, turn:HOST:PORT, turn:HOST:PORT?transport=tcp and turns:HOST:PORT')
  }
  const isTls = scheme.toLowerCase().endsWith('s')
  const kind = scheme.toLowerCase().startsWith('stun') ? 'stun' : 'turn'
  const port = digits === undefined ? (isTls ? DEFAULT_TLS_PORT : DEFAULT_PORT) : Number(digits)
  if (port < 1 || port > 65_535) throw refused(url, 'has no port from 1 to 65535')
  if (kind === 'stun' && (isTls || (wanted !== undefined && wanted !== 'udp'))) {
    throw refused(url, 'asks for STUN over TCP or TLS, which does not tell a device its address for UDP; name it stun:')
  }
  if (isTls && wanted !== undefined && wanted !== 'tcp') {
    throw refused(url, 'asks for TURN over DTLS, which is not supported; leave the transport out for TLS')
  }
  if (wanted !== undefined && wanted !== 'udp' && wanted !== 'tcp') throw refused(url, 'names no known transport')
  return { kind, transport: isTls ? 'tls' : wanted === 'tcp' ? 'tcp' : 'udp', host, port }
}

function refused(url: string, reason: string): DittoError {
  return new DittoError('DITTO_USAGE', `${JSON.stringify(url)} ${reason}.`)
}
