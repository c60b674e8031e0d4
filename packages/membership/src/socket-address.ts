import { isIPv4, isIPv6 } from 'node:net'
import type { Address } from '@dittofs/interface'

/** An IP address, 4 or 16 bytes, and a TCP port. */
export interface SocketAddress {
  readonly ip: Uint8Array
  readonly port: number
}

/** @returns `undefined` for other schemes, host names, and IPv6 zones, which mean nothing on another machine */
export function parseSocketAddress(address: Address): SocketAddress | undefined {
  const parts = /^tcp:\/\/(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(address)
  if (parts === null) return undefined
  const [, v6, v4, portText] = parts
  const port = Number(portText)
  if (port < 1 || port > 65_535) return undefined
  if (v4 !== undefined) return isIPv4(v4) ? { ip: Uint8Array.from(v4.split('.').map(Number)), port } : undefined
  if (v6 === undefined || !isIPv6(v6) || v6.includes('%')) return undefined
  return { ip: ipv6Bytes(v6), port }
}

export function formatSocketAddress({ ip, port }: SocketAddress): Address {
  if (ip.length === 4) return `tcp://${ip.join('.')}:${port}`
  const groups = Array.from({ length: 8 }, (_, i) => (((ip[2 * i] ?? 0) << 8) | (ip[2 * i + 1] ?? 0)).toString(16))
  return `tcp://${canonicalIpv6(groups.join(':'))}:${port}`
}

function ipv6Bytes(text: string): Uint8Array {
  const [head = '', tail] = canonicalIpv6(text).slice(1, -1).split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const groups = [...left, ...new Array<string>(8 - left.length - right.length).fill('0'), ...right]
  return Uint8Array.from(groups.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255]))
}

/** The URL standard's host serializer gives the form of RFC 5952, in brackets, and turns an IPv4 tail into hex. */
function canonicalIpv6(text: string): string {
  return new URL(`http://[${text}]`).hostname
}
