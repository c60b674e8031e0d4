import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodePdu, encodePdu, MAX_OUTSTANDING_PDUS, type Pdu } from '../src/pdu.ts'

/** Each PDU of docs/protocol.md, as bytes: type, then its fields, separated for the eye. */
const VECTORS: readonly { readonly name: string; readonly hex: string; readonly pdu: Pdu }[] = [
  { name: 'opens stream 1', hex: '01 0001', pdu: { type: 'open', stream: 1 } },
  { name: 'accepts stream 1', hex: '02 0001', pdu: { type: 'accept', stream: 1 } },
  {
    name: 'carries "ditto" on stream 258',
    hex: '03 0102 646974746f',
    pdu: { type: 'data', stream: 258, bytes: Buffer.from('ditto') },
  },
  { name: 'ends stream 65,535', hex: '04 ffff', pdu: { type: 'end', stream: 0xffff } },
  { name: 'cuts stream 3', hex: '05 0003', pdu: { type: 'reset', stream: 3 } },
  { name: 'gives 16 credits for stream 3', hex: '06 0003 10', pdu: { type: 'credit', stream: 3, count: 16 } },
  {
    name: 'counts 305,419,896 sent and 4,294,967,295 received',
    hex: '10 12345678 ffffffff',
    pdu: { type: 'count', sent: 0x12345678, received: 0xffffffff },
  },
]

const stream = fc.integer({ min: 1, max: 0xffff })
const u32 = fc.integer({ min: 0, max: 0xffffffff })
const anyPdu: fc.Arbitrary<Pdu> = fc.oneof(
  fc.record({ type: fc.constantFrom('open', 'accept', 'end', 'reset'), stream }),
  fc.record({ type: fc.constant('data' as const), stream, bytes: fc.uint8Array({ minLength: 1, maxLength: 509 }) }),
  fc.record({ type: fc.constant('credit' as const), stream, count: fc.integer({ min: 1, max: MAX_OUTSTANDING_PDUS }) }),
  fc.record({ type: fc.constant('count' as const), sent: u32, received: u32 }),
)

function bytesOf(hex: string): Buffer {
  return Buffer.from(hex.replaceAll(' ', ''), 'hex')
}

describe('a PDU', () => {
  it.each(VECTORS)('$name: $hex', ({ hex, pdu }) => {
    expect(encodePdu(pdu).toString('hex')).toBe(bytesOf(hex).toString('hex'))
    expect(decodePdu(bytesOf(hex))).toEqual(pdu)
  })

  it('is decoded to what was encoded', () => {
    fc.assert(
      fc.property(anyPdu, (pdu) => {
        const expected = pdu.type === 'data' ? { ...pdu, bytes: Buffer.from(pdu.bytes) } : pdu
        expect(decodePdu(encodePdu(pdu))).toEqual(expected)
      }),
    )
  })

  it.each([
    ['nothing at all', ''],
    ['a type that does not exist', '07 0001'],
    ['a type of 0', '00 0001'],
    ['half a stream number', '01 00'],
    ['stream 0', '03 0000 00'],
    ['an open with something behind it', '01 0001 00'],
    ['an end with something behind it', '04 0001 00'],
    ['data without bytes', '03 0001'],
    ['no credits', '06 0001 00'],
    ['more credits than there are', '06 0001 41'],
    ['credits without a count', '06 0001'],
    ['a count that is cut short', '10 00000001 000000'],
    ['a count with something behind it', '10 00000001 00000001 00'],
    ['more than an attribute holds', `03 0001 ${'00'.repeat(510)}`],
  ])('is refused: %s', (_, hex) => {
    expect(decodePdu(bytesOf(hex))).toBeUndefined()
  })

  it('is refused or stands for exactly its bytes, whatever they are', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 600 }),
      fc
        .tuple(fc.constantFrom(1, 2, 3, 4, 5, 6, 0x10), fc.uint8Array({ maxLength: 12 }))
        .map(([type, rest]) => Uint8Array.from([type, ...rest])),
    )
    fc.assert(
      fc.property(bytes, (any) => {
        const pdu = decodePdu(Buffer.from(any))
        if (pdu !== undefined) expect(encodePdu(pdu).equals(any)).toBe(true)
      }),
      { numRuns: 2_000 },
    )
  })

  it.each([
    ['stream 0', { type: 'open', stream: 0 }],
    ['data without bytes', { type: 'data', stream: 1, bytes: Buffer.alloc(0) }],
    ['too many bytes', { type: 'data', stream: 1, bytes: Buffer.alloc(510) }],
    ['too many credits', { type: 'credit', stream: 1, count: 65 }],
    ['a stream past the last one', { type: 'end', stream: 0x10000 }],
  ] satisfies [string, Pdu][])('cannot be made with %s', (_, pdu) => {
    expect(() => encodePdu(pdu)).toThrow(RangeError)
  })
})
