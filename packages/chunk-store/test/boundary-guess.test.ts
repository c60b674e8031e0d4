import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { ContentRef, ImportResult } from '@dittofs/interface'
import { ALICE_SPACE, pseudoRandomBytes, temporaryDirectory } from '@dittofs/testing'
import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { loadBlake3 } from '../src/blake3.ts'
import { BoundaryGuess } from '../src/boundary-guess.ts'
import type { FindChunkEnd } from '../src/chunker.ts'
import { FileImportJob } from '../src/file-import-job.ts'
import { packChunkStore } from '../src/index.ts'
import { SegmentBuffers } from '../src/segment-buffers.ts'
import type { ExpectedChunks } from '../src/worker-messages.ts'

const blake3 = loadBlake3()

/** Chunks named by one byte each. */
function guessOf(...chunks: readonly (readonly [name: number, length: number])[]): BoundaryGuess {
  const digests = new Uint8Array(chunks.length * 32)
  for (const [nth, [name]] of chunks.entries()) digests.set(digestOf(name), nth * 32)
  return new BoundaryGuess({ lengths: Uint32Array.from(chunks, ([, length]) => length), digests })
}

function digestOf(name: number): Uint8Array {
  return blake3.hash(Uint8Array.of(name))
}

describe('a guess', () => {
  test('goes from chunk to chunk as long as their hashes are the expected ones', () => {
    const guess = guessOf([1, 100], [2, 200], [3, 300])
    expect(guess.length(1000, false)).toBe(100)
    expect(guess.confirm(digestOf(1))).toBe(true)
    expect(guess.length(1000, false)).toBe(200)
    expect(guess.confirm(digestOf(9))).toBe(false)
  })

  test('is not made for a chunk that is longer than what is there', () => {
    expect(guessOf([1, 100], [2, 200]).length(99, true)).toBeUndefined()
  })

  test('is made for the last chunk only where the content ends with it: elsewhere the rule would not cut there', () => {
    const guess = guessOf([1, 100])
    expect(guess.length(100, false)).toBeUndefined()
    expect(guess.length(101, true)).toBeUndefined()
    expect(guess.length(100, true)).toBe(100)
  })

  test('is made again behind a chunk that is known, wherever it stood', () => {
    const guess = guessOf([1, 100], [2, 200], [3, 300], [4, 400])
    guess.confirm(digestOf(9))
    guess.follow(digestOf(9))
    expect(guess.length(1000, false)).toBeUndefined()
    guess.follow(digestOf(2))
    expect(guess.length(1000, false)).toBe(300)
  })

  test('is given up after so many wrong ones that they cost more than they save', () => {
    const guess = guessOf([1, 100], [2, 200], [3, 300])
    for (let miss = 0; miss < 65; miss++) {
      guess.follow(digestOf(1))
      guess.confirm(digestOf(9))
    }
    guess.follow(digestOf(1))
    expect(guess.length(1000, false)).toBeUndefined()
  })
})

describe('importing a file that is like known content', () => {
  const BYTES = 9 * 1024 * 1024
  const original = pseudoRandomBytes(1, BYTES)

  async function importer(): Promise<(bytes: Uint8Array, like?: ImportResult) => Promise<ImportResult>> {
    const directory = await temporaryDirectory()
    const store = packChunkStore({ directory: path.join(directory, 'store'), workers: 1 })
    await store.open()
    onTestFinished(() => store.close())
    let files = 0
    return async (bytes, like) => {
      const file = path.join(directory, String(files++))
      await writeFile(file, bytes)
      return store.importFile(ALICE_SPACE, file, { durability: 'none', ...(like && { like }) })
    }
  }

  test('gives the same content as without, whatever was changed in it', async () => {
    const add = await importer()
    const known = await add(original)
    const arbitraryPart = fc.oneof(
      fc.uint8Array({ maxLength: 100 }),
      fc.nat().map((seed) => pseudoRandomBytes(seed, 300_000)),
      fc.nat({ max: BYTES }).map((from) => original.subarray(from, from + 500_000)),
      fc.constant(new Uint8Array(600_000)),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.nat({ max: BYTES }),
        arbitraryPart,
        fc.nat({ max: 1_000_000 }),
        async (at, inserted, removed) => {
          const changed = Buffer.concat([original.subarray(0, at), inserted, original.subarray(at + removed)])
          const { content } = await add(changed, known)
          expect(content).toEqual((await add(changed)).content)
        },
      ),
      { numRuns: 12 },
    )
  })

  test.each([
    ['the same bytes', original],
    ['bytes added at the end', Buffer.concat([original, pseudoRandomBytes(2, 100_000)])],
    ['bytes missing at the end', original.subarray(0, BYTES - 100_000)],
    ['a file twice over', Buffer.concat([original, original])],
    ['nothing in common', pseudoRandomBytes(3, BYTES)],
    ['no bytes', new Uint8Array(0)],
  ])('gives the same content as without: %s', async (_, bytes) => {
    const add = await importer()
    const known = await add(original)
    expect((await add(bytes, known)).content).toEqual((await add(bytes)).content)
  })

  test('searches for boundaries only around what was changed', async () => {
    const directory = await temporaryDirectory()
    const file = path.join(directory, 'file')
    const cut = async (bytes: Uint8Array, expected?: ExpectedChunks) => {
      await writeFile(file, bytes)
      const buffers = SegmentBuffers.plain()
      let searches = 0
      const watched = {
        acquire: () => buffers.acquire(),
        findFastCdcEnd: (...call: Parameters<FindChunkEnd>) => {
          searches++
          return buffers.findFastCdcEnd(...call)
        },
      } as unknown as SegmentBuffers
      const lengths: number[] = []
      const digests: Uint8Array[] = []
      const job = new FileImportJob({
        blake3,
        buffers: watched,
        files: [{ path: file, chunker: 'fastcdc', expected }],
        onSegment: (segment) => {
          lengths.push(...segment.chunks.filter((_, nth) => nth % 3 === 2))
          digests.push(segment.digests)
          buffers.release(segment.buffer)
        },
      })
      await job.run()
      return { lengths: Uint32Array.from(lengths), digests: Buffer.concat(digests), searches }
    }
    const first = await cut(original)
    expect(first.searches).toBe(first.lengths.length)
    expect((await cut(original, first)).searches).toBe(0)
    const edited = Buffer.concat([original.subarray(0, BYTES / 2), Uint8Array.of(1), original.subarray(BYTES / 2)])
    expect((await cut(edited, first)).searches).toBeLessThanOrEqual(3)
  })

  test('takes no harm from content that is not held or lies about its size', async () => {
    const add = await importer()
    const known = await add(original)
    const content: ContentRef = { kind: 'manifest', root: '7'.repeat(64) as never, depth: 1, chunkCount: 120 }
    for (const like of [
      { ...known, content },
      { ...known, size: known.size + 1 },
    ]) {
      expect((await add(original, like)).content).toEqual(known.content)
    }
  })
})
