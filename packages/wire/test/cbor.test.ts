import { DittoError } from '@dittofs/interface'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeCbor, encodeCbor, MAX_CBOR_DEPTH } from '../src/cbor.ts'

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')

describe('decodeCbor', () => {
  it('reads what encodeCbor wrote', () => {
    const value = new Map<string, unknown>([
      ['a', 1],
      ['b', [true, null, 'x', new Uint8Array([1, 2])]],
    ])
    expect(decodeCbor(encodeCbor(value))).toEqual(value)
  })

  it.each([
    ['duplicate keys', 'a2 61 61 01 61 61 02'],
    ['bytes left over', '01 02'],
    ['indefinite lengths', '9f 01 ff'],
    ['longer forms than needed', '18 01'],
    ['tags', 'c0 61 30'],
    ['integers past 2^53-1', '1b ff ff ff ff ff ff ff ff'],
    ['undefined', 'f7'],
    ['a truncated string', '63 61 62'],
    ['an array that claims 2^32-1 items', '9a ff ff ff ff'],
  ])('refuses %s', (_, bytes) => {
    expect(() => decodeCbor(hex(bytes))).toThrowError(DittoError)
  })

  it('refuses nesting deeper than the limit without recursing into it', () => {
    const nested = (depth: number) => Buffer.concat([Buffer.alloc(depth, 0x81), Buffer.from([1])])
    expect(decodeCbor(nested(MAX_CBOR_DEPTH))).toBeDefined()
    expect(() => decodeCbor(nested(MAX_CBOR_DEPTH + 1))).toThrowError(DittoError)
    expect(() => decodeCbor(nested(500_000))).toThrowError(DittoError)
  })

  it('answers any bytes with a value or a DittoError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          decodeCbor(bytes)
        } catch (error) {
          expect(error).toBeInstanceOf(DittoError)
        }
      }),
      { numRuns: 2000 },
    )
  })
})
