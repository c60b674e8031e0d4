import { describe, expect, it } from 'vitest'
import {
  broadcastAddresses,
  interfacesAt,
  interfacesFingerprint,
  linkLocalZones,
  type NetworkInterfaces,
  onLinkChecker,
  reachableAddresses,
} from '../src/interfaces.ts'

const entry = (cidr: string, internal = false) => {
  const address = cidr.split('/')[0]!
  const base = { address, netmask: '', mac: '02:00:00:00:00:01', internal, cidr }
  return address.includes(':') ? { ...base, family: 'IPv6' as const, scopeid: 0 } : { ...base, family: 'IPv4' as const }
}

const lo = [entry('127.0.0.1/8', true), entry('::1/128', true)]
const laptop: NetworkInterfaces = {
  lo,
  wlan0: [entry('192.0.2.7/24'), entry('2001:db8::7/64'), entry('fe80::7/64')],
  eth0: [entry('fe80::8/64')],
  tun0: [entry('10.8.0.2/32')],
}

describe('reachableAddresses', () => {
  it('leaves out the loopback, and link-local addresses of interfaces that have others', () => {
    expect(reachableAddresses(laptop)).toEqual(['192.0.2.7', '2001:db8::7', 'fe80::8', '10.8.0.2'])
  })

  it('gives the loopback where that is all there is', () => {
    expect(reachableAddresses({ lo })).toEqual(['127.0.0.1', '::1'])
    expect(reachableAddresses({})).toEqual([])
  })
})

describe('interfacesAt', () => {
  it('leaves the one address that is listened at', () => {
    expect(reachableAddresses(interfacesAt(laptop, '192.0.2.7'))).toEqual(['192.0.2.7'])
    expect(reachableAddresses(interfacesAt(laptop, 'fe80::8%eth0'))).toEqual(['fe80::8'])
    expect(reachableAddresses(interfacesAt(laptop, '127.0.0.1'))).toEqual(['127.0.0.1'])
  })

  it.each([undefined, '::', '0.0.0.0'])('leaves all for %s', (host) => {
    expect(interfacesAt(laptop, host)).toBe(laptop)
  })
})

describe('broadcastAddresses', () => {
  it('gives the last address of each IPv4 network that is no point-to-point link', () => {
    expect(broadcastAddresses(laptop)).toEqual(['192.0.2.255'])
    expect(broadcastAddresses({ a: [entry('10.1.2.3/20'), entry('10.1.2.9/31')] })).toEqual(['10.1.15.255'])
    expect(broadcastAddresses({ lo })).toEqual(['127.255.255.255'])
  })
})

describe('onLinkChecker', () => {
  it('tells neighbours from strangers', () => {
    const isOnLink = onLinkChecker(laptop)
    expect(['192.0.2.200', '2001:db8::1', 'fe80::99', 'fe80::99%eth0', '10.8.0.2'].every(isOnLink)).toBe(true)
    expect(['192.0.3.1', '127.0.0.1', '2001:db9::1', '10.8.0.3', '8.8.8.8'].some(isOnLink)).toBe(false)
  })
})

it('linkLocalZones names each interface with a link-local IPv6 address', () => {
  expect(linkLocalZones(laptop)).toEqual(['wlan0', 'eth0'])
})

it('interfacesFingerprint changes with an address and not with the order', () => {
  const { lo: first, ...rest } = laptop
  expect(interfacesFingerprint({ ...rest, lo: first })).toBe(interfacesFingerprint(laptop))
  expect(interfacesFingerprint({ ...laptop, tun0: [entry('10.8.0.3/32')] })).not.toBe(interfacesFingerprint(laptop))
})
