import { BlockList, isIP, isIPv6 } from 'node:net'
import { DittoError } from '@dittofs/interface'

/** IP addresses and CIDR ranges that something is for. */
export class AddressList {
  readonly #list = new BlockList()
  /** As they were given. */
  readonly ranges: readonly string[]

  /** @throws DittoError DITTO_USAGE: a range is none */
  constructor(ranges: readonly string[]) {
    this.ranges = ranges
    for (const range of ranges) this.#add(range)
  }

  has(address: string): boolean {
    return this.#list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')
  }

  #add(range: string): void {
    const [address = '', prefix, ...rest] = range.split('/')
    const version = isIP(address)
    const maxPrefix = version === 6 ? 128 : 32
    const isPrefix = prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= maxPrefix)
    if (version === 0 || !isPrefix || rest.length > 0) {
      throw new DittoError(
        'DITTO_USAGE',
        `${JSON.stringify(range)} is no address or range of addresses; write 192.0.2.7 or 192.0.2.0/24.`,
      )
    }
    this.#list.addSubnet(address, prefix === undefined ? maxPrefix : Number(prefix), version === 6 ? 'ipv6' : 'ipv4')
  }
}
