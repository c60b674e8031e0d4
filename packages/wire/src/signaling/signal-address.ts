import { type Address, DittoError } from '@dittofs/interface'

/** Longest host name with its port that an address may name, in characters (RFC 1035 section 2.3.4, and a port). */
const MAX_HOST_CHARACTERS = 253 + 6
/** UTF-8 bytes of an origin: `wss://` and the host. */
export const MAX_ORIGIN_BYTES = 6 + MAX_HOST_CHARACTERS
const ADDRESS = /^webrtc:\/\/([0-9a-f]{64})(:plain)?@([^/?#@\\\s]+)$/

/** Where a device takes signals: a server, and the key by which it is registered there. */
export interface SignalAddress {
  /** Ed25519 public key in lower-case hex. */
  readonly key: string
  /** `wss://HOST[:PORT]`, or `ws://HOST[:PORT]` without TLS; lower case, no default port. */
  readonly origin: string
}

/** @throws DittoError DITTO_USAGE unless `address` is exactly what {@link formatSignalAddress} writes */
export function parseSignalAddress(address: Address): SignalAddress {
  const [, key, plain, host] = ADDRESS.exec(address) ?? []
  if (key !== undefined && host !== undefined) {
    const origin = canonicalOrigin(`${plain === undefined ? 'wss' : 'ws'}://${host}`)
    // One spelling for each place: equal addresses are equal strings, and both sides sign the same origin.
    if (origin?.endsWith(`://${host}`)) return { key, origin }
  }
  throw new DittoError('DITTO_USAGE', 'That is not an address of the form webrtc://KEY@SERVER.')
}

/** @throws DittoError DITTO_USAGE unless `origin` is one that {@link parseSignalOrigin} gives */
export function formatSignalAddress({ key, origin }: SignalAddress): Address {
  const canonical = parseSignalOrigin(origin)
  const host = canonical.slice(canonical.indexOf('//') + 2)
  return `webrtc://${key}${canonical.startsWith('wss:') ? '' : ':plain'}@${host}`
}

/**
 * The origin of a signaling server as both sides sign it.
 *
 * @param url - `wss://` or `ws://`, a host and maybe a port; nothing behind them but one `/`
 * @throws DittoError DITTO_USAGE
 */
export function parseSignalOrigin(url: string): string {
  const origin = canonicalOrigin(url)
  if (origin === undefined) {
    throw new DittoError('DITTO_USAGE', 'A signaling server is named as wss://HOST or ws://HOST:PORT, without a path.')
  }
  return origin
}

function canonicalOrigin(url: string): string | undefined {
  if (!/^wss?:\/\/[^/?#@\\\s]+\/?$/i.test(url) || !URL.canParse(url)) return undefined
  const { protocol, host } = new URL(url)
  return host === '' || host.length > MAX_HOST_CHARACTERS ? undefined : `${protocol}//${host}`
}
