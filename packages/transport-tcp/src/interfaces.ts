import { BlockList, isIPv4 } from 'node:net'
import type { NetworkInterfaceInfo } from 'node:os'

/** As `os.networkInterfaces()` gives them. */
export type NetworkInterfaces = NodeJS.Dict<readonly NetworkInterfaceInfo[]>

/** One address of one interface that is up. */
export interface InterfaceAddress {
  readonly name: string
  /** What follows `%` in a link-local IPv6 address. */
  readonly zone: string
  readonly family: 'IPv4' | 'IPv6'
  /** Without a zone. */
  readonly address: string
  /** Length of the network's prefix in bits. */
  readonly prefixLength: number
  readonly isLoopback: boolean
  readonly isLinkLocal: boolean
}

/** More interfaces than any device has that is not being played with. */
const MAX_ADDRESSES = 64

/** Every address of every interface; the loopback ones only where there are no others. */
export function usableAddresses(interfaces: NetworkInterfaces): InterfaceAddress[] {
  const all = Object.entries(interfaces).flatMap(([name, infos]) =>
    (infos ?? []).map((info): InterfaceAddress => {
      const family = isIPv4(info.address) ? 'IPv4' : 'IPv6'
      return {
        name,
        // Windows knows zones by number only.
        zone: process.platform === 'win32' && info.family === 'IPv6' ? `${info.scopeid}` : name,
        family,
        address: info.address.split('%')[0]!,
        prefixLength: Number(info.cidr?.split('/')[1] ?? (family === 'IPv4' ? 32 : 128)),
        isLoopback: info.internal,
        isLinkLocal: isLinkLocal(info.address),
      }
    }),
  )
  const outward = all.filter((entry) => !entry.isLoopback)
  return (outward.length > 0 ? outward : all).slice(0, MAX_ADDRESSES)
}

/** What is left of the interfaces for a device that listens at one address alone. */
export function interfacesAt(interfaces: NetworkInterfaces, host: string | undefined): NetworkInterfaces {
  if (host === undefined || host === '::' || host === '0.0.0.0') return interfaces
  const [address] = host.split('%')
  return Object.fromEntries(
    Object.entries(interfaces).map(([name, infos]) => [
      name,
      (infos ?? []).filter((info) => info.address.split('%')[0] === address),
    ]),
  )
}

/**
 * The addresses to tell others: link-local ones only for an interface that has no other, for they mean nothing
 * without knowing on which of its interfaces the reader should try them. Without a zone: it is the reader's own.
 */
export function reachableAddresses(interfaces: NetworkInterfaces): string[] {
  const usable = usableAddresses(interfaces)
  const routed = new Set(usable.filter((entry) => !entry.isLinkLocal).map((entry) => entry.name))
  const told = usable.filter((entry) => !entry.isLinkLocal || !routed.has(entry.name))
  return [...new Set(told.map((entry) => entry.address))]
}

/** The zones on which a link-local IPv6 address without one may be tried. */
export function linkLocalZones(interfaces: NetworkInterfaces): string[] {
  const zoned = usableAddresses(interfaces).filter((entry) => entry.family === 'IPv6' && entry.isLinkLocal)
  return [...new Set(zoned.map((entry) => entry.zone))]
}

/** The broadcast address of each IPv4 network that has one: not of point-to-point links. */
export function broadcastAddresses(interfaces: NetworkInterfaces): string[] {
  const networks = usableAddresses(interfaces).filter((entry) => entry.family === 'IPv4' && entry.prefixLength < 31)
  const broadcasts = networks.map(({ address, prefixLength }) => {
    const value = address.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0)
    const last = (value | (2 ** (32 - prefixLength) - 1)) >>> 0
    return [24, 16, 8, 0].map((shift) => (last >>> shift) & 0xff).join('.')
  })
  return [...new Set(broadcasts)]
}

/** Whether an address is on a network this device has an interface on; zones are left aside. */
export function onLinkChecker(interfaces: NetworkInterfaces): (address: string) => boolean {
  const networks = new BlockList()
  for (const { address, prefixLength, family } of usableAddresses(interfaces)) {
    networks.addSubnet(address, prefixLength, family === 'IPv4' ? 'ipv4' : 'ipv6')
  }
  return (address) => networks.check(address.split('%')[0]!, isIPv4(address) ? 'ipv4' : 'ipv6')
}

/** fe80::/10 and 169.254.0.0/16. */
export function isLinkLocal(address: string): boolean {
  return /^fe[89ab]/i.test(address) || address.startsWith('169.254.')
}

/** Equal for equal sets of interfaces and addresses. */
export function interfacesFingerprint(interfaces: NetworkInterfaces): string {
  return usableAddresses(interfaces)
    .map(({ name, address, prefixLength }) => `${name} ${address}/${prefixLength}`)
    .sort()
    .join('\n')
}
