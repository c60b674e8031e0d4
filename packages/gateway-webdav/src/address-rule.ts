import { BlockList, isIP } from 'node:net'
import { DittoError } from '@dittofs/interface'

export function isLoopback(address: string): boolean {
  return address === '::1' || (isIP(address) === 4 && address.startsWith('127.'))
}

/**
 * Whether an address is one of those allowed.
 *
 * @param allowed - addresses and CIDR ranges; `undefined`: everybody
 * @throws DittoError DITTO_CONFIG_INVALID for what is neither
 */
export function addressRule(allowed: readonly string[] | undefined): (address: string) => boolean {
  if (allowed === undefined) return () => true
  const list = new BlockList()
  for (const one of allowed) {
    const [address = '', bits] = one.split('/')
    const version = isIP(address)
    const prefix = bits === undefined ? (version === 4 ? 32 : 128) : /^\d{1,3}$/.test(bits) ? Number(bits) : -1
    if (version === 0 || prefix < 0 || prefix > (version === 4 ? 32 : 128)) {
      throw new DittoError('DITTO_CONFIG_INVALID', `"${one}" is neither an IP address nor a range of them.`)
    }
    list.addSubnet(address, prefix, version === 4 ? 'ipv4' : 'ipv6')
  }
  return (address) => {
    const version = isIP(address)
    return version !== 0 && list.check(address, version === 4 ? 'ipv4' : 'ipv6')
  }
}
