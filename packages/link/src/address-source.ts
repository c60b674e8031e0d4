import { isIPv4, isIPv6 } from 'node:net'
import type { Address } from '@dittofs/interface'

/**
 * What one attacker holds as a whole, so that limits per address mean something: an IPv4 address, or the /64 of an
 * IPv6 address. Link-local addresses count singly, for all of a network share their prefix. Other transports'
 * addresses count as they are.
 */
export function addressSource(remote: Address): string {
  const host = hostOf(remote)
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(host)?.[1]
  if (mapped !== undefined) return mapped
  if (isIPv4(host)) return host
  if (!isIPv6(host)) return remote
  const groups = ipv6Groups(host)
  const isLinkLocal = ((groups[0] as number) & 0xffc0) === 0xfe80
  const kept = isLinkLocal ? groups : groups.slice(0, 4)
  return kept.map((group) => group.toString(16)).join(':')
}

/** The host of `scheme://host:port`, without brackets and without the zone of a link-local address. */
function hostOf(remote: Address): string {
  const authority = remote.replace(/^[a-z][a-z0-9+.-]*:\/\//i, '')
  const bracketed = /^\[([^\]%]*)/.exec(authority)?.[1]
  if (bracketed !== undefined) return bracketed
  return authority.replace(/%.*$/, '').replace(/^([^:]*):\d+$/, '$1')
}

function ipv6Groups(host: string): number[] {
  const [head = '', tail] = host.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, toHexGroups).split('::')
  const before = parseGroups(head)
  if (tail === undefined) return before
  const after = parseGroups(tail)
  return [...before, ...new Array<number>(8 - before.length - after.length).fill(0), ...after]
}

function parseGroups(text: string): number[] {
  return text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16))
}

function toHexGroups(_match: string, ...octets: string[]): string {
  const [a = 0, b = 0, c = 0, d = 0] = octets.slice(0, 4).map(Number)
  return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`
}
