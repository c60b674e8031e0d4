import { createHash } from 'node:crypto'
import { MAX_CHUNK_BYTES, MIN_CHUNK_BYTES, TARGET_CHUNK_BYTES } from '@dittofs/interface'
import { pseudoRandomBytes } from '@dittofs/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { findChunkEnd } from '../src/chunker.ts'
import { GEAR_TABLE } from '../src/gear-table.ts'

function cut(kind: 'fastcdc' | 'fixed', bytes: Uint8Array): number[] {
  const findEnd = findChunkEnd(kind)
  const lengths: number[] = []
  for (let at = 0; at < bytes.length; at += lengths.at(-1) as number)
    lengths.push(findEnd(bytes, at, bytes.length) - at)
  return lengths
}

/** Each chunk's content as text, so that two cuts can be compared. */
function pieces(bytes: Uint8Array): string[] {
  let at = 0
  return cut('fastcdc', bytes).map((length) => {
    at += length
    return createHash('sha256')
      .update(bytes.subarray(at - length, at))
      .digest('hex')
  })
}

describe('the gear table', () => {
  test('is the one of the format', () => {
    expect([0, 1, 127, 255].map((byte) => GEAR_TABLE[byte])).toEqual([-1353301978, -1735832217, 744073687, -531132620])
    const bytes = Buffer.alloc(1024)
    for (const [index, word] of GEAR_TABLE.entries()) bytes.writeInt32BE(word, index * 4)
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(GOLDEN_TABLE_SHA256)
  })
})

const GOLDEN_TABLE_SHA256 = '3c9297f1be38c4a8ac33d4b82e49a308e97f5a7e4b702648081037ffc8097e13'

describe('fastcdc', () => {
  test('cuts a mebibyte of pseudo-random bytes where every version has to', () => {
    expect(cut('fastcdc', pseudoRandomBytes(1, 1024 * 1024))).toEqual([
      97585, 35351, 79356, 32601, 90792, 64531, 84318, 76359, 61803, 26230, 65187, 65562, 73187, 67734, 73855, 41462,
      12663,
    ])
  })

  test('cuts bytes without any change at the largest size', () => {
    expect(cut('fastcdc', new Uint8Array(600_000))).toEqual([MAX_CHUNK_BYTES, MAX_CHUNK_BYTES, 75_712])
  })

  test('keeps every chunk but the last within its bounds, and the mean near the target', () => {
    const lengths = cut('fastcdc', pseudoRandomBytes(2, 16 * 1024 * 1024))
    for (const length of lengths.slice(0, -1)) {
      expect(length).toBeGreaterThanOrEqual(MIN_CHUNK_BYTES)
      expect(length).toBeLessThanOrEqual(MAX_CHUNK_BYTES)
    }
    const mean = (16 * 1024 * 1024) / lengths.length
    expect(mean).toBeGreaterThan(TARGET_CHUNK_BYTES * 0.8)
    expect(mean).toBeLessThan(TARGET_CHUNK_BYTES * 1.3)
  })

  test('an insertion or removal anywhere moves few boundaries', () => {
    const content = pseudoRandomBytes(3, 2 * 1024 * 1024)
    const before = pieces(content)
    fc.assert(
      fc.property(
        fc.nat({ max: content.length }),
        fc.uint8Array({ minLength: 0, maxLength: 5000 }),
        fc.nat({ max: 5000 }),
        (at, inserted, removed) => {
          const edited = Buffer.concat([content.subarray(0, at), inserted, content.subarray(at + removed)])
          const known = new Set(before)
          const changed = pieces(edited).filter((piece) => !known.has(piece))
          expect(changed.length).toBeLessThanOrEqual(6)
        },
      ),
      { numRuns: 40 },
    )
  })

  test('cuts alike whether it sees the whole content or only the largest chunk ahead', () => {
    const content = pseudoRandomBytes(4, 1024 * 1024)
    const findEnd = findChunkEnd('fastcdc')
    let at = 0
    for (const length of cut('fastcdc', content)) {
      expect(findEnd(content, at, Math.min(content.length, at + MAX_CHUNK_BYTES))).toBe(at + length)
      at += length
    }
  })
})

describe('where a chunk ends', () => {
  /** The rule of docs/storage-format.md, a byte at a time. */
  function findEndByTheRule(bytes: Uint8Array, start: number, end: number): number {
    if (end - start <= MIN_CHUNK_BYTES) return end
    let hash = 0
    for (let at = start + MIN_CHUNK_BYTES; at < Math.min(end, start + MAX_CHUNK_BYTES); at++) {
      // At the target the hash is made anew, of the 32 bytes before: what it is of anyway, as each byte shifts it by one.
      hash = ((hash << 1) + (GEAR_TABLE[bytes[at] as number] as number)) | 0
      const zeros = at < start + TARGET_CHUNK_BYTES ? 18 : 14
      if (hash >>> (32 - zeros) === 0) return at + 1
    }
    return Math.min(end, start + MAX_CHUNK_BYTES)
  }

  test('is the same as byte by byte, wherever the content lies in its buffer and ends', () => {
    const content = pseudoRandomBytes(5, 1024 * 1024)
    const findEnd = findChunkEnd('fastcdc')
    fc.assert(
      fc.property(fc.nat({ max: 9 }), fc.nat({ max: 700_000 }), fc.nat({ max: 300_000 }), (shift, start, length) => {
        const shifted = new Uint8Array(content.length + shift)
        shifted.set(content, shift)
        const bytes = shifted.subarray(shift)
        expect(findEnd(bytes, start, start + length)).toBe(findEndByTheRule(bytes, start, start + length))
      }),
      { numRuns: 200 },
    )
  })
})

describe('fixed', () => {
  test('cuts every 64 KiB', () => {
    expect(cut('fixed', new Uint8Array(2 * TARGET_CHUNK_BYTES + 1))).toEqual([
      TARGET_CHUNK_BYTES,
      TARGET_CHUNK_BYTES,
      1,
    ])
  })
})
