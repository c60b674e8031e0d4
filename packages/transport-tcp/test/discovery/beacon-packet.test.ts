import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeBeacon, encodeBeacon, MAX_BEACON_BYTES } from '../../src/discovery/beacon-packet.ts'

const bytes = (size: number) => fc.uint8Array({ minLength: size, maxLength: size })
const packets = fc.record({
  port: fc.integer({ min: 1, max: 65_535 }),
  nonce: bytes(8),
  tags: fc.array(bytes(8), { maxLength: 16 }),
})

const GOLDEN = [
  '44465342', // "DFSB"
  '01', // version
  '1004', // port 4100
  '0001020304050607', // nonce
  '02', // two tags
  'a0a1a2a3a4a5a6a7',
  'b0b1b2b3b4b5b6b7',
].join('')

describe('the beacon packet', () => {
  it('has the layout that is documented', () => {
    const packet = {
      port: 4100,
      nonce: Buffer.from('0001020304050607', 'hex'),
      tags: [Buffer.from('a0a1a2a3a4a5a6a7', 'hex'), Buffer.from('b0b1b2b3b4b5b6b7', 'hex')],
    }
    expect(encodeBeacon(packet).toString('hex')).toBe(GOLDEN)
    expect(decodeBeacon(Buffer.from(GOLDEN, 'hex'))).toEqual(packet)
  })

  it('needs no tag', () => {
    expect(encodeBeacon({ port: 1, nonce: Buffer.alloc(8), tags: [] }).toString('hex')).toBe(
      '44465342' + '01' + '0001' + '0000000000000000' + '00',
    )
  })

  it('is read back as it was written, and fits into any network', () => {
    fc.assert(
      fc.property(packets, (packet) => {
        const encoded = encodeBeacon(packet)
        expect(encoded.length).toBeLessThanOrEqual(MAX_BEACON_BYTES)
        const decoded = decodeBeacon(encoded)!
        expect(decoded.port).toBe(packet.port)
        expect(Buffer.from(decoded.nonce).equals(packet.nonce)).toBe(true)
        expect(decoded.tags.map((tag) => [...tag])).toEqual(packet.tags.map((tag) => [...tag]))
      }),
    )
  })

  it.each([
    ['nothing', ''],
    ['another magic', GOLDEN.replace('44465342', '44465343')],
    ['a later version', GOLDEN.replace('4201', '4202')],
    ['port 0', GOLDEN.replace('011004', '010000')],
    ['fewer tags than it counts', GOLDEN.slice(0, -16)],
    ['a tag cut short', GOLDEN.slice(0, -2)],
    ['something behind it', `${GOLDEN}00`],
    ['more than 16 tags', `${GOLDEN.slice(0, 30)}11${'00'.repeat(17 * 8)}`],
  ])('is refused with %s', (_what, hex) => {
    expect(decodeBeacon(Buffer.from(hex, 'hex'))).toBeUndefined()
  })

  it('is refused, never thrown at, whatever the bytes', () => {
    const hostile = fc.oneof(
      fc.uint8Array({ maxLength: 1_500 }),
      fc.uint8Array({ maxLength: 200 }).map((rest) => Buffer.concat([Buffer.from('DFSB\x01'), rest])),
      fc
        .tuple(packets, fc.nat(), fc.nat(255))
        .map(([packet, at, value]) => encodeBeacon(packet).fill(value, at % 16, (at % 16) + 1)),
    )
    fc.assert(
      fc.property(hostile, (bytes) => {
        const decoded = decodeBeacon(Buffer.from(bytes))
        if (decoded !== undefined) expect([...encodeBeacon(decoded)]).toEqual([...bytes])
      }),
      { numRuns: 2_000 },
    )
  })

  it('is not written from what no packet can carry', () => {
    const fine = { port: 1, nonce: Buffer.alloc(8), tags: [] }
    for (const wrong of [
      { port: 0 },
      { port: 65_536 },
      { nonce: Buffer.alloc(7) },
      { tags: [Buffer.alloc(9)] },
      { tags: Array.from({ length: 17 }, () => Buffer.alloc(8)) },
    ]) {
      expect(() => encodeBeacon({ ...fine, ...wrong })).toThrow(RangeError)
    }
  })
})
