import { MAX_CHUNK_BYTES } from '@dittofs/interface'
import { pseudoRandomBytes } from '@dittofs/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fastCdc, findBoundaryBy, findChunkEnd } from '../src/chunker.ts'
import { gearKernel, KERNEL_BYTES } from '../src/gear-kernel.ts'
import { GEAR_TABLE } from '../src/gear-table.ts'

const MEMORY_BYTES = 2 * 1024 * 1024
const kernel = gearKernel(MEMORY_BYTES)
const findPlain = findChunkEnd('fastcdc')
const findByKernel = fastCdc(findBoundaryBy(kernel))

/** The content in the kernel's memory, `shift` bytes behind its own. */
function inKernel(content: Uint8Array, shift = 0): Uint8Array {
  const bytes = new Uint8Array(kernel.memory, KERNEL_BYTES + shift, content.length)
  bytes.set(content)
  return bytes
}

function ends(find: typeof findPlain, bytes: Uint8Array): number[] {
  const found: number[] = []
  for (let at = 0; at < bytes.length; found.push(at)) at = find(bytes, at, bytes.length)
  return found
}

/** Bytes after which the rolling hash stays small, or never becomes so, wherever it began. */
function repeated(pattern: Uint8Array, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, at) => pattern[at % pattern.length] as number)
}

const PATTERNS: readonly (readonly [name: string, content: Uint8Array])[] = [
  ['no bytes', new Uint8Array(0)],
  ['one byte', Uint8Array.of(1)],
  ['zeros', new Uint8Array(700_001)],
  ['the byte 255', new Uint8Array(700_001).fill(255)],
  [
    'every byte in turn',
    repeated(
      new Uint8Array(256).map((_, byte) => byte),
      700_003,
    ),
  ],
  ['alternating bits', repeated(Uint8Array.of(0x55, 0xaa), 700_007)],
  ['text', new Uint8Array(Buffer.from('The quick brown fox jumps over the lazy dog.\n'.repeat(20_000)))],
  ['counters', new Uint8Array(Uint32Array.from({ length: 200_000 }, (_, nth) => nth).buffer)],
  ['the gear table itself', repeated(new Uint8Array(GEAR_TABLE.buffer), 600_000)],
]

describe('the kernel', () => {
  test.each(PATTERNS)('cuts %s where JavaScript does', (_, content) => {
    expect(ends(findByKernel, inKernel(content))).toEqual(ends(findPlain, content))
  })

  test.each([1, 2, 3, 4])('cuts two mebibytes of pseudo-random bytes where JavaScript does (seed %i)', (seed) => {
    const content = pseudoRandomBytes(seed, MEMORY_BYTES)
    expect(ends(findByKernel, inKernel(content))).toEqual(ends(findPlain, content))
  })

  test('cuts where JavaScript does, wherever the content begins, ends and repeats itself', () => {
    const arbitraryPattern = fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 64 }),
      fc.nat().map((seed) => pseudoRandomBytes(seed, 50_000)),
    )
    fc.assert(
      fc.property(
        arbitraryPattern,
        fc.nat({ max: 600_000 }),
        fc.nat({ max: 40 }),
        fc.nat({ max: 300_000 }),
        (pattern, length, shift, start) => {
          const content = repeated(pattern, length)
          const from = Math.min(start, length)
          const end = findPlain(content, from, length)
          expect(findByKernel(inKernel(content, shift), from, length)).toBe(end)
        },
      ),
      { numRuns: 60 },
    )
  })

  test('finds the first byte whose hash is below the limit, as an unsigned number', () => {
    const content = pseudoRandomBytes(9, 4096)
    const bytes = inKernel(content)
    for (const limit of [0, 1, 0x0010_0000, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff]) {
      let hash = 5
      const hashes = Array.from(content, (byte) => {
        hash = ((hash << 1) + (GEAR_TABLE[byte] as number)) | 0
        return hash >>> 0
      })
      const nth = hashes.findIndex((value) => value < limit)
      const found = kernel.findBelow(bytes.byteOffset, bytes.byteOffset + bytes.length, 5, limit)
      expect(found).toBe(nth < 0 ? 0 : bytes.byteOffset + nth + 1)
    }
  })

  test('sees nothing before or behind the bytes it is given', () => {
    const content = pseudoRandomBytes(11, MAX_CHUNK_BYTES)
    const bytes = inKernel(content, 64)
    const whole = findByKernel(bytes, 0, bytes.length)
    new Uint8Array(kernel.memory, KERNEL_BYTES, 64).fill(7)
    new Uint8Array(kernel.memory, KERNEL_BYTES + 64 + content.length, 64).fill(7)
    expect(findByKernel(bytes, 0, bytes.length)).toBe(whole)
  })

  test('leaves bytes that lie elsewhere to JavaScript', () => {
    const content = pseudoRandomBytes(12, 600_000)
    expect(ends(findByKernel, content)).toEqual(ends(findPlain, content))
  })
})
