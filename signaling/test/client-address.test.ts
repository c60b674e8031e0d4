import { describe, expect, it } from 'vitest'
import { addressSource, clientAddress, maskedAddress, TrustedProxies } from '../src/client-address.ts'

const proxies = new TrustedProxies(['10.0.0.0/8', '192.0.2.1', '2001:db8::/32'])

describe('clientAddress', () => {
  it.each([
    ['a stranger, whatever he claims', '198.51.100.7', '203.0.113.9', '198.51.100.7'],
    ['a proxy', '10.1.2.3', '203.0.113.9', '203.0.113.9'],
    ['a proxy behind another', '10.1.2.3', '203.0.113.9, 192.0.2.1', '203.0.113.9'],
    ['a proxy, of a client that claims to be another', '10.1.2.3', '127.0.0.1, 203.0.113.9', '203.0.113.9'],
    ['a proxy that says nothing', '10.1.2.3', undefined, '10.1.2.3'],
    ['a proxy that says nonsense', '10.1.2.3', '203.0.113.9, nonsense', '10.1.2.3'],
    ['proxies only', '10.1.2.3', '10.0.0.9', '10.0.0.9'],
    ['a proxy by IPv6', '2001:db8::1', '2001:4860::8', '2001:4860::8'],
    ['a proxy by IPv4 in IPv6', '::ffff:10.1.2.3', '::ffff:203.0.113.9', '203.0.113.9'],
    ['a link-local address with its zone', 'fe80::1%eth0', undefined, 'fe80::1'],
  ])('of %s', (_, remote, forwardedFor, address) => {
    expect(clientAddress(remote, forwardedFor, proxies)).toBe(address)
  })
})

describe('TrustedProxies', () => {
  it.each([
    '',
    'proxy.example.org',
    '10.0.0.0/33',
    '10.0.0.0/8/8',
    '10.0.0.0/',
    '::/129',
    '10.0.0.0/-1',
    '10.0.0.0/1e1',
  ])('refuses %s', (range) => {
    expect(() => new TrustedProxies([range])).toThrow(RangeError)
  })

  it('trusts nobody by itself', () => {
    expect(new TrustedProxies([]).has('127.0.0.1')).toBe(false)
  })
})

describe('addressSource', () => {
  it('takes a /64 for one subscriber', () => {
    expect(addressSource('2001:db8:1:2:3:4:5:6')).toBe('2001:db8:1:2::/64')
    expect(addressSource('2001:db8::1')).toBe('2001:db8:0:0::/64')
    expect(addressSource('::1')).toBe('0:0:0:0::/64')
    expect(addressSource('192.0.2.7')).toBe('192.0.2.7')
  })
})

describe('maskedAddress', () => {
  it('names the network only', () => {
    expect(['192.0.2.7', '2001:db8:1:2::3', ''].map(maskedAddress)).toEqual([
      '192.0.2.0/24',
      '2001:db8:1::/48',
      'unknown',
    ])
  })
})
