import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { XdrError } from '../src/xdr/xdr-error.ts'
import { XdrReader } from '../src/xdr/xdr-reader.ts'
import { XdrWriter } from '../src/xdr/xdr-writer.ts'

const hex = (text: string): Buffer => Buffer.from(text.replace(/\s/g, ''), 'hex')
const written = (write: (writer: XdrWriter) => void): Buffer => {
  const writer = new XdrWriter()
  write(writer)
  return Buffer.concat(writer.finish())
}

describe('XDR as RFC 4506 writes it down', () => {
  it('writes integers big-endian, and 64 bits as the upper half first', () => {
    const bytes = written((writer) => {
      writer.uint32(0xfedcba98)
      writer.uint64(0x0102030405060708n)
      writer.hyper(2 ** 53 - 1)
      writer.boolean(true)
      writer.boolean(false)
    })
    expect(bytes).toEqual(hex('fedcba98 0102030405060708 001fffffffffffff 00000001 00000000'))
  })

  it('pads opaque bytes and strings with zeros to a multiple of four', () => {
    // The string of section 7: "sillyprog", nine characters.
    expect(written((writer) => writer.string('sillyprog'))).toEqual(hex('00000009 73696c6c 7970726f 67000000'))
    expect(written((writer) => writer.opaque(hex('aabbcc')))).toEqual(hex('00000003 aabbcc00'))
    expect(written((writer) => writer.opaque(hex('')))).toEqual(hex('00000000'))
    expect(written((writer) => writer.fixedOpaque(hex('aabbccddee')))).toEqual(hex('aabbccdd ee000000'))
    expect(written((writer) => writer.gathered(hex('aabbccddee')))).toEqual(hex('00000005 aabbccdd ee000000'))
  })

  it('does not copy gathered bytes', () => {
    const bytes = new Uint8Array(4096)
    const writer = new XdrWriter()
    writer.uint32(1)
    writer.gathered(bytes)
    writer.uint32(2)
    const parts = writer.finish()
    bytes.fill(7)
    expect(parts.map((part) => part.length)).toEqual([8, 4096, 4])
    expect(parts[1]!.every((byte) => byte === 7)).toBe(true)
  })

  it('takes back what was written behind a point', () => {
    const bytes = written((writer) => {
      writer.uint32(1)
      writer.string('this is not so')
      writer.truncate(4)
      writer.uint32(2)
    })
    expect(bytes).toEqual(hex('00000001 00000002'))
  })
})

describe('reading XDR', () => {
  it('gives back whatever was written', () => {
    const value = fc.oneof(
      fc.record({ type: fc.constant('uint32' as const), value: fc.nat(0xffff_ffff) }),
      fc.record({ type: fc.constant('uint64' as const), value: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }) }),
      fc.record({ type: fc.constant('boolean' as const), value: fc.boolean() }),
      fc.record({ type: fc.constant('opaque' as const), value: fc.uint8Array({ maxLength: 999 }) }),
      fc.record({ type: fc.constant('gathered' as const), value: fc.uint8Array({ maxLength: 999 }) }),
      fc.record({ type: fc.constant('string' as const), value: fc.string({ unit: 'grapheme', maxLength: 99 }) }),
    )
    fc.assert(
      fc.property(fc.array(value, { maxLength: 50 }), (values) => {
        const writer = new XdrWriter(8)
        for (const { type, value } of values) (writer[type] as (value: unknown) => void)(value)
        const length = writer.length
        const bytes = Buffer.concat(writer.finish())
        expect(bytes.length).toBe(length)
        const reader = new XdrReader(bytes)
        for (const { type, value } of values) {
          if (type === 'opaque' || type === 'gathered') expect(reader.opaque(999)).toEqual(Buffer.from(value))
          else if (type === 'string') expect(reader.string(999)).toBe(value)
          else expect(reader[type]()).toBe(value)
        }
        expect(reader.remaining).toBe(0)
      }),
    )
  })

  it('refuses lengths that lie, before it takes any memory', () => {
    expect(() => new XdrReader(hex('ffffffff 00')).opaque(2 ** 32)).toThrow(XdrError)
    expect(() => new XdrReader(hex('00000005 0102030405')).opaque(8)).toThrow(XdrError)
    expect(() => new XdrReader(hex('00000009 000000000000000000000000')).opaque(8)).toThrow(XdrError)
  })

  it('refuses booleans that are neither, and strings that are no UTF-8', () => {
    expect(() => new XdrReader(hex('00000002')).boolean()).toThrow(XdrError)
    expect(() => new XdrReader(hex('00000002 c3280000')).string(8)).toThrow(XdrError)
  })

  it('gives a value or an XdrError for any bytes', () => {
    const reads = fc.array(fc.constantFrom('uint32', 'uint64', 'boolean', 'opaque', 'string'), { maxLength: 20 })
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), reads, (bytes, methods) => {
        const reader = new XdrReader(Buffer.from(bytes))
        try {
          for (const method of methods) {
            if (method === 'opaque' || method === 'string') expect(reader[method](64).length).toBeLessThanOrEqual(64)
            else reader[method]()
            expect(reader.remaining).toBeGreaterThanOrEqual(0)
          }
        } catch (error) {
          expect(error).toBeInstanceOf(XdrError)
        }
      }),
    )
  })
})
