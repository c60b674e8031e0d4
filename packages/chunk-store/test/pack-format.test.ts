import { type ChunkId, chunkId, spaceId } from '@dittofs/interface'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  decodeRecordHeader,
  encodePackHeader,
  encodeRecordHeader,
  isPackHeader,
  type PackRecord,
  packName,
  parsePackName,
  RECORD_HEADER_BYTES,
} from '../src/pack-format.ts'

const CHUNK: ChunkId = chunkId.parse('ab'.repeat(32))
const SPACE = spaceId.parse('cd'.repeat(32))

function encoded(record: PackRecord, pack = 7, offset = 16): Buffer {
  const header = Buffer.alloc(RECORD_HEADER_BYTES)
  encodeRecordHeader(record, pack, offset, header, 0)
  return header
}

/** Hex without the spaces that separate its fields. */
function hex(...fields: string[]): string {
  return fields.join('')
}

describe('the header of a pack', () => {
  test('is magic, format version, pack number and check', () => {
    const golden = hex('44465350', '00000001', '00000007', 'f5385962')
    expect(Buffer.from(encodePackHeader(7)).toString('hex')).toBe(golden)
    expect(isPackHeader(Buffer.from(golden, 'hex'), 7)).toBe(true)
  })

  test('is refused for another pack, cut short or with any bit flipped', () => {
    const header = encodePackHeader(7)
    expect(isPackHeader(header, 8)).toBe(false)
    expect(isPackHeader(header.subarray(0, 15), 7)).toBe(false)
    for (let bit = 0; bit < header.length * 8; bit++) expect(isPackHeader(flipped(header, bit), 7)).toBe(false)
  })

  test('of a newer format is not taken for damage', () => {
    const newer = Buffer.from(hex('44465350', '00000002', '00000007', 'b29823b2'), 'hex')
    expect(() => isPackHeader(newer, 7)).toThrow(expect.objectContaining({ code: 'DITTO_STORE_VERSION' }))
  })
})

describe('the header of a record', () => {
  test.each<[PackRecord, string]>([
    [
      { kind: 'chunk', id: CHUNK, space: 2, bytes: new Uint8Array(5) },
      hex('524543', '01', '00000005', '00000002', 'ab'.repeat(32), '648527e8'),
    ],
    [{ kind: 'grant', id: CHUNK, space: 3 }, hex('524543', '02', '00000000', '00000003', 'ab'.repeat(32), '5f9d4119')],
    [{ kind: 'space', id: SPACE, space: 3 }, hex('524543', '03', '00000000', '00000003', 'cd'.repeat(32), 'dee3e204')],
  ])('is "REC", kind, length, space, ID and check: %o', (record, golden) => {
    expect(encoded(record).toString('hex')).toBe(golden)
    const { kind, id, space } = record
    const length = record.kind === 'chunk' ? 5 : 0
    expect(decodeRecordHeader(Buffer.from(golden, 'hex'), 0, 7, 16)).toEqual({ kind, id, space, length })
  })

  test('is not recognised in another pack, at another offset or with any bit flipped', () => {
    const header = encoded({ kind: 'grant', id: CHUNK, space: 3 })
    expect(decodeRecordHeader(header, 0, 8, 16)).toBeUndefined()
    expect(decodeRecordHeader(header, 0, 7, 17)).toBeUndefined()
    for (let bit = 0; bit < header.length * 8; bit++) {
      expect(decodeRecordHeader(flipped(header, bit), 0, 7, 16)).toBeUndefined()
    }
  })

  test('is decoded from any bytes without failing', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat({ max: 60 }), (bytes, at) => {
        expect(decodeRecordHeader(Buffer.from(bytes), at, 7, 16)).toBeUndefined()
      }),
    )
  })
})

describe('the name of a pack', () => {
  test('is its number in eight digits', () => {
    expect(packName(7)).toBe('00000007.pack')
    expect(parsePackName('00000007.pack')).toBe(7)
    expect(parsePackName(packName(123_456_789))).toBe(123_456_789)
  })

  test.each(['7.pack', '00000000.pack', '00000007.pack~', '0000000x.pack', '', '123456789012.pack', '000000007.pack'])(
    'is not %j',
    (name) => {
      expect(parsePackName(name)).toBeUndefined()
    },
  )
})

function flipped(bytes: Uint8Array, bit: number): Buffer {
  const changed = Buffer.from(bytes)
  changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7))
  return changed
}
