import { isIP, isIPv6 } from 'node:net'
import type { Announcement, Sighting } from '@dittofs/interface'
import { isLinkLocal } from '../interfaces.ts'
import { formatTcpAddress, plainHost } from '../tcp-address.ts'
import { checkAnnouncement, MAX_TAGS, NONCE_BYTES, splitTags, TAG_BYTES } from './beacon-packet.ts'

/** `_dittofs._tcp.local`. */
export const MDNS_SERVICE_TYPE = 'dittofs'

/** Addresses taken from one announcement: a device with more is played with. */
const MAX_ADDRESSES = 8

/** A service as the mDNS library has read it from the network: every field as hostile as missing. */
export interface FoundService {
  readonly port?: unknown
  readonly txt?: unknown
  readonly addresses?: unknown
  /** The sender of the packet. */
  readonly referer?: { readonly address: string } | undefined
}

/** The TXT record: version, nonce, and all tags joined, in base64url. */
export function encodeTxt({ nonce, tags }: Announcement): Record<'v' | 'n' | 't', string> {
  checkAnnouncement({ nonce, tags })
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64url')
  return { v: '1', n: text(nonce), t: text(Buffer.concat(tags)) }
}

/** @returns `undefined` for anything but a whole announcement of version 1 */
export function decodeTxt(txt: unknown): Announcement | undefined {
  if (typeof txt !== 'object' || txt === null) return undefined
  const { v, n, t = '' } = txt as Record<string, unknown>
  if (v !== '1' || typeof n !== 'string' || typeof t !== 'string') return undefined
  if (!/^[\w-]{11}$/.test(n) || !/^[\w-]*$/.test(t) || t.length > 171) return undefined
  const nonce = Buffer.from(n, 'base64url')
  const tags = Buffer.from(t, 'base64url')
  if (nonce.length !== NONCE_BYTES || tags.length % TAG_BYTES !== 0) return undefined
  return tags.length / TAG_BYTES > MAX_TAGS ? undefined : { nonce, tags: splitTags(tags) }
}

/**
 * Where and what a service found says it is: the sender's own address first, then those it lists, neighbours' only, so
 * that an announcement cannot send this device to dial hosts elsewhere.
 */
export function sightingOf(service: FoundService, isOnLink: (address: string) => boolean): Sighting | undefined {
  const announcement = decodeTxt(service.txt)
  const { port, referer } = service
  if (announcement === undefined || typeof port !== 'number') return undefined
  if (!Number.isInteger(port) || port < 1 || port > 65_535) return undefined
  const listed = Array.isArray(service.addresses) ? (service.addresses as readonly unknown[]) : []
  const hosts = [referer?.address, ...listed.slice(0, 4 * MAX_ADDRESSES)].flatMap((address) => {
    if (typeof address !== 'string' || isIP(address) === 0 || !isOnLink(address)) return []
    return [withZoneOf(referer?.address, plainHost(address))]
  })
  const addresses = [...new Set(hosts)].slice(0, MAX_ADDRESSES).map((host) => formatTcpAddress({ host, port }))
  return addresses.length === 0 ? undefined : { ...announcement, addresses, via: 'mdns' }
}

/** A link-local address is on the interface over which its sender was heard, where that is known. */
function withZoneOf(sender: string | undefined, host: string): string {
  const zone = sender?.split('%')[1]
  return zone !== undefined && isIPv6(host) && isLinkLocal(host) && !host.includes('%') ? `${host}%${zone}` : host
}
