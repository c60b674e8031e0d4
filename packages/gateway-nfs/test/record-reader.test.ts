import { isDittoError } from '@dittofs/interface'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MAX_FRAGMENTS, MAX_RECORD_BYTES } from '../src/limits.ts'
import { RecordReader } from '../src/rpc/record-reader.ts'

const mark = (length: number, isLast: boolean): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(((isLast ? 0x8000_0000 : 0) | length) >>> 0)
  return bytes
}

function readAll(reader: RecordReader): Buffer[] {
  const records: Buffer[] = []
  for (let record = reader.next(); record !== undefined; record = reader.next()) records.push(record)
  return records
}

describe('record marking (RFC 5531 section 11)', () => {
  it('puts a record together from its fragments', () => {
    const reader = new RecordReader()
    // Three bytes, more follows; none, more follows; two bytes, the last.
    reader.push(Buffer.from('00000003 616263 00000000 80000002 6465'.replaceAll(' ', ''), 'hex'))
    expect(readAll(reader).map(String)).toEqual(['abcde'])
    expect(reader.isPartial).toBe(false)
  })

  it('does not copy a record that lies whole in one piece', () => {
    const reader = new RecordReader()
    const data = Buffer.concat([mark(3, true), Buffer.from('abc')])
    reader.push(data)
    expect(reader.next()!.buffer).toBe(data.buffer)
  })

  it('gives the same records however the stream is cut', () => {
    const record = fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 5 })
    fc.assert(
      fc.property(fc.array(record, { maxLength: 6 }), fc.array(fc.nat(2000)), (records, cuts) => {
        const stream = Buffer.concat(
          records.flatMap((fragments) =>
            fragments.flatMap((fragment, i) => [mark(fragment.length, i === fragments.length - 1), fragment]),
          ),
        )
        const ends = [...cuts.map((cut) => Math.min(cut, stream.length)).sort((a, b) => a - b), stream.length]
        const reader = new RecordReader()
        const found: Buffer[] = []
        let start = 0
        for (const end of ends) {
          reader.push(stream.subarray(start, end))
          start = end
          // Not every piece is looked at before the next one comes.
          if (end % 3 !== 0) found.push(...readAll(reader))
        }
        found.push(...readAll(reader))
        expect(found).toEqual(records.map((fragments) => Buffer.concat(fragments)))
        expect(reader.isPartial).toBe(false)
      }),
    )
  })

  it('takes the largest record in pieces, and refuses a byte more', () => {
    const reader = new RecordReader()
    reader.push(mark(MAX_RECORD_BYTES, true))
    const piece = Buffer.alloc(65_536, 7)
    for (let left = MAX_RECORD_BYTES; left > 0; left -= piece.length) {
      expect(reader.next()).toBeUndefined()
      reader.push(piece.subarray(0, left))
    }
    expect(reader.next()!.length).toBe(MAX_RECORD_BYTES)
    reader.push(mark(MAX_RECORD_BYTES + 1, true))
    expect(() => reader.next()).toThrow(/larger than/)
  })

  it('puts the largest record together from as many fragments as it may have', () => {
    const reader = new RecordReader()
    const fragments = MAX_FRAGMENTS - 1
    const fragment = Buffer.concat([mark(1024, false), Buffer.alloc(1024, 7)])
    for (let i = 0; i < fragments; i++) {
      reader.push(fragment)
      expect(reader.next()).toBeUndefined()
    }
    reader.push(mark(0, true))
    expect(reader.next()!.equals(Buffer.alloc(fragments * 1024, 7))).toBe(true)
  })

  it('refuses a record that grows too large in fragments, and one of too many', () => {
    const grown = new RecordReader()
    grown.push(Buffer.concat([mark(1, false), Buffer.alloc(1), mark(MAX_RECORD_BYTES, true)]))
    expect(() => grown.next()).toThrow(/larger than/)
    const empty = new RecordReader()
    for (let fragment = 0; fragment <= MAX_FRAGMENTS; fragment++) empty.push(mark(0, false))
    expect(() => empty.next()).toThrow(/fragments/)
  })

  it('takes no memory on the word of a length alone', () => {
    const before = process.memoryUsage().arrayBuffers
    const readers = Array.from({ length: 500 }, () => {
      const reader = new RecordReader()
      reader.push(Buffer.concat([mark(MAX_RECORD_BYTES, true), Buffer.from('x')]))
      reader.next()
      return reader
    })
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(500 * 20_000)
    expect(readers.every((reader) => reader.isPartial)).toBe(true)
  })

  it('gives records or an error of DITTO_LIMIT for any bytes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 64 }), { maxLength: 20 }), (pieces) => {
        const reader = new RecordReader()
        try {
          for (const piece of pieces) {
            reader.push(Buffer.from(piece))
            readAll(reader)
          }
        } catch (error) {
          expect(isDittoError(error, 'DITTO_LIMIT')).toBe(true)
        }
      }),
    )
  })
})
