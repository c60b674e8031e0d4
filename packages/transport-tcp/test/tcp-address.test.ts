import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatTcpAddress, parseTcpAddress, plainHost } from '../src/tcp-address.ts'

describe('parseTcpAddress', () => {
  it.each([
    ['tcp://192.0.2.7:4100', { host: '192.0.2.7', port: 4100 }],
    ['tcp://[2001:db8::7]:65535', { host: '2001:db8::7', port: 65_535 }],
    ['tcp://[fe80::1%25eth0]:1', { host: 'fe80::1%eth0', port: 1 }],
    ['tcp://nas.local:4100', { host: 'nas.local', port: 4100 }],
  ])('reads %s', (address, endpoint) => {
    expect(parseTcpAddress(address)).toEqual(endpoint)
    expect(formatTcpAddress(endpoint)).toBe(address)
  })

  it.each([
    'http://192.0.2.7:4100',
    'tcp://192.0.2.7',
    'tcp://192.0.2.7:0',
    'tcp://192.0.2.7:65536',
    'tcp://192.0.2.7:04100',
    'tcp://192.0.2.7:4100/',
    'tcp://user@192.0.2.7:4100',
    'tcp://2001:db8::7:4100',
    'tcp://[192.0.2.7]:4100',
    'tcp://[2001:db8::7]',
    'tcp://192.0.2.700:4100',
    'tcp://-host:4100',
    'tcp://ho st:4100',
    'tcp://host\n:4100',
    `tcp://${'a.'.repeat(127)}:4100`,
  ])('refuses %j', (address) => {
    expect(() => parseTcpAddress(address)).toThrow(expect.objectContaining({ code: 'DITTO_USAGE' }))
  })

  it('reads back what was formatted', () => {
    const host = fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain())
    fc.assert(
      fc.property(host, fc.integer({ min: 1, max: 65_535 }), (host, port) => {
        expect(parseTcpAddress(formatTcpAddress({ host, port }))).toEqual({ host, port })
      }),
    )
  })
})

it('plainHost shows an IPv4 peer of an IPv6 socket as IPv4', () => {
  expect(['::ffff:192.0.2.7', '::FFFF:192.0.2.7', '::1', '192.0.2.7'].map(plainHost)).toEqual([
    '192.0.2.7',
    '192.0.2.7',
    '::1',
    '192.0.2.7',
  ])
})
