import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeTxt, encodeTxt, sightingOf } from '../../src/discovery/mdns-record.ts'

const nonce = Buffer.from('0001020304050607', 'hex')
const tags = [Buffer.alloc(8, 0xaa), Buffer.alloc(8, 0xbb)]
const txt = encodeTxt({ nonce, tags })
const neighbours = (address: string) => address.startsWith('192.0.2.') || address.startsWith('fe80')

describe('the TXT record', () => {
  it('has the form that is documented', () => {
    expect(txt).toEqual({ v: '1', n: 'AAECAwQFBgc', t: 'qqqqqqqqqqq7u7u7u7u7uw' })
    expect(decodeTxt(txt)).toEqual({ nonce, tags })
  })

  it('fits into the 255 bytes of one string with all 16 tags, and is read back', () => {
    const all = Array.from({ length: 16 }, (_, i) => Buffer.alloc(8, i))
    const full = encodeTxt({ nonce, tags: all })
    expect(`t=${full.t}`.length).toBeLessThanOrEqual(255)
    expect(decodeTxt(full)).toEqual({ nonce, tags: all })
  })

  it('may be without tags, as some libraries leave empty values out', () => {
    expect(decodeTxt({ v: '1', n: txt.n, t: undefined })).toEqual({ nonce, tags: [] })
    expect(decodeTxt(encodeTxt({ nonce, tags: [] }))).toEqual({ nonce, tags: [] })
  })

  it.each([
    ['another version', { ...txt, v: '2' }],
    ['no nonce', { v: '1', t: txt.t }],
    ['a short nonce', { ...txt, n: 'AAEC' }],
    ['a tag cut short', { ...txt, t: txt.t.slice(0, -2) }],
    ['17 tags', { ...txt, t: 'A'.repeat(182) }],
    ['other characters', { ...txt, t: 'qqqqqqqqq/s' }],
    ['nothing', undefined],
    ['null', null],
  ])('is refused with %s', (_what, record) => {
    expect(decodeTxt(record)).toBeUndefined()
  })
})

describe('sightingOf', () => {
  const service = { port: 4100, txt, addresses: ['192.0.2.9'], referer: { address: '192.0.2.8' } }

  it('gives the sender first, then the addresses listed', () => {
    expect(sightingOf(service, neighbours)).toEqual({
      nonce,
      tags,
      via: 'mdns',
      addresses: ['tcp://192.0.2.8:4100', 'tcp://192.0.2.9:4100'],
    })
  })

  it('leaves out addresses that are nobody next door, and repeats', () => {
    const addresses = ['8.8.8.8', '127.0.0.1', '192.0.2.8', 'no address', 7, '224.0.0.1', '0.0.0.0', '192.0.2.9']
    expect(sightingOf({ ...service, addresses }, neighbours)?.addresses).toEqual([
      'tcp://192.0.2.8:4100',
      'tcp://192.0.2.9:4100',
    ])
    expect(sightingOf({ ...service, addresses: ['8.8.8.8'], referer: undefined }, neighbours)).toBeUndefined()
  })

  it('puts link-local addresses on the interface the sender was heard on', () => {
    const heard = { ...service, addresses: ['fe80::2'], referer: { address: 'fe80::1%eth0' } }
    expect(sightingOf(heard, neighbours)?.addresses).toEqual([
      'tcp://[fe80::1%25eth0]:4100',
      'tcp://[fe80::2%25eth0]:4100',
    ])
  })

  it('takes at most 8 addresses', () => {
    const addresses = Array.from({ length: 1_000 }, (_, i) => `192.0.2.${i % 250}`)
    expect(sightingOf({ ...service, addresses }, neighbours)?.addresses).toHaveLength(8)
  })

  it('gives nothing, and never throws, whatever is in the record', () => {
    const anything = fc.record({
      port: fc.anything(),
      txt: fc.oneof(fc.anything(), fc.record({ v: fc.constant('1'), n: fc.string(), t: fc.string() })),
      addresses: fc.anything(),
      referer: fc.constantFrom(undefined, { address: '192.0.2.8' }),
    })
    fc.assert(
      fc.property(anything, (record) => {
        expect(sightingOf(record, neighbours)).toBeUndefined()
      }),
    )
  })
})
