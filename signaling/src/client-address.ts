import { BlockList, isIP, isIPv6 } from 'node:net'

/** Addresses that may say on whose behalf they call. */
export class TrustedProxies {
  readonly #list = new BlockList()

  /** @param ranges - addresses or CIDR ranges; @throws RangeError for anything else */
  constructor(ranges: readonly string[]) {
    for (const range of ranges) {
      const [address = '', prefix, ...rest] = range.split('/')
      const family = isIP(address)
      const bits = prefix === undefined ? (family === 6 ? 128 : 32) : Number(prefix)
      const isPrefix = prefix === undefined || /^\d{1,3}$/.test(prefix)
      if (family === 0 || rest.length > 0 || !isPrefix || bits > (family === 6 ? 128 : 32)) {
        throw new RangeError(`"${range}" is not an address or a range such as 10.0.0.0/8`)
      }
      this.#list.addSubnet(address, bits, family === 6 ? 'ipv6' : 'ipv4')
    }
  }

  has(address: string): boolean {
    return this.#list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')
  }
}

/**
 * The address that a request is from: the socket's own, or, behind trusted proxies, the last one in X-Forwarded-For that
 * is no such proxy. What stands before that one was written by strangers.
 */
export function clientAddress(remote: string, forwardedFor: string | undefined, proxies: TrustedProxies): string {
  let address = plainAddress(remote)
  const hops = forwardedFor?.split(',') ?? []
  while (proxies.has(address)) {
    const next = plainAddress(hops.pop()?.trim() ?? '')
    if (isIP(next) === 0) break
    address = next
  }
  return address
}

/** What limits count by: an IPv4 address, or the /64 that one IPv6 subscriber has to himself. */
export function addressSource(address: string): string {
  return isIPv6(address) ? `${ipv6Groups(address).slice(0, 4).join(':')}::/64` : address
}

/** What a log may say of an address: the network, not the machine. */
export function maskedAddress(address: string): string {
  if (isIPv6(address)) return `${ipv6Groups(address).slice(0, 3).join(':')}::/48`
  return isIP(address) === 4 ? `${address.split('.').slice(0, 3).join('.')}.0/24` : 'unknown'
}

function plainAddress(address: string): string {
  const withoutZone = address.split('%')[0] as string
  return withoutZone.startsWith('::ffff:') && isIP(withoutZone.slice(7)) === 4 ? withoutZone.slice(7) : withoutZone
}

function ipv6Groups(address: string): string[] {
  // The URL parser writes the shortest form, with hex groups only.
  const short = new URL(`http://[${address}]`).hostname.slice(1, -1)
  const [before = '', after] = short.split('::')
  const head = before === '' ? [] : before.split(':')
  const tail = after === undefined || after === '' ? [] : after.split(':')
  return [...head, ...new Array<string>(8 - head.length - tail.length).fill('0'), ...tail]
}
