import { mkdir, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { findChunkEnd } from '@dittofs/chunk-store'
import {
  type ChunkerKind,
  type ChunkStore,
  MAX_CHUNK_BYTES,
  MAX_INLINE_CHUNKS,
  MIN_CHUNK_BYTES,
  TARGET_CHUNK_BYTES,
} from '@dittofs/interface'
import { beforeEach, describe, expect, test } from 'vitest'
import { ALICE_SPACE, chunkOf, chunksOf, contentOf, fileOf, type Imported, inPieces } from './chunk-samples.ts'
import { pseudoRandomBytes } from './pseudo-random-bytes.ts'
import { temporaryDirectory } from './temporary-directory.ts'

/** Sizes at which something changes, with the reason. */
const BOUNDARY_SIZES: readonly (readonly [bytes: number, reason: string])[] = [
  [0, 'no chunk at all'],
  [1, 'the smallest chunk'],
  [MIN_CHUNK_BYTES, 'the longest file that content never cuts'],
  [MIN_CHUNK_BYTES + 1, 'one past it'],
  [TARGET_CHUNK_BYTES, 'exactly one fixed chunk'],
  [TARGET_CHUNK_BYTES + 1, 'a second fixed chunk of one byte'],
  [MAX_CHUNK_BYTES, 'the largest chunk'],
  [MAX_CHUNK_BYTES + 1, 'one past it'],
  [MAX_INLINE_CHUNKS * TARGET_CHUNK_BYTES, 'the longest inline list of fixed chunks'],
  [MAX_INLINE_CHUNKS * TARGET_CHUNK_BYTES + 1, 'the shortest manifest of fixed chunks'],
  [5 * 1024 * 1024 + 3, 'more than one read buffer'],
]

/** Files and streams that are cut into chunks. */
export function chunkImportTests(current: () => ChunkStore): void {
  let store: ChunkStore
  beforeEach(() => {
    store = current()
  })

  describe('importFile and importStream', () => {
    describe.each(['fastcdc', 'fixed'] as const)('with the chunker %s', (chunker) => {
      test.each(BOUNDARY_SIZES)('keeps a file of %d bytes: %s', async (size) => {
        const file = await fileOf(size)
        const result = await store.importFile(ALICE_SPACE, file, { chunker })
        expect(result.size).toBe(size)
        expect(await lengthsOf(store, result)).toEqual(expectedLengths(chunker, size))
        expect(await contentOf(store, ALICE_SPACE, result)).toEqual(pseudoRandomBytes(7, size))
        expect(result.content.kind).toBe(
          expectedLengths(chunker, size).length > MAX_INLINE_CHUNKS ? 'manifest' : 'inline',
        )
        expect(result.newBytes).toBe(size)
      })

      test('cuts a stream where it cuts the same bytes in a file', async () => {
        const size = 5 * 1024 * 1024 + 3
        const fromFile = await store.importFile(ALICE_SPACE, await fileOf(size), { chunker })
        const fromStream = await store.importStream(ALICE_SPACE, inPieces(pseudoRandomBytes(7, size)), { chunker })
        expect(fromStream).toEqual({ ...fromFile, newChunks: 0, newBytes: 0 })
      })
    })

    test('keeps an empty stream', async () => {
      const result = await store.importStream(ALICE_SPACE, inPieces(new Uint8Array()))
      expect(result).toEqual({ content: { kind: 'inline', chunks: [] }, size: 0, newChunks: 0, newBytes: 0 })
    })

    test('tells how far it is, never falling and up to the size', async () => {
      const seen: number[] = []
      const size = 5 * 1024 * 1024
      await store.importFile(ALICE_SPACE, await fileOf(size), { onProgress: (bytes) => seen.push(bytes) })
      expect(seen.at(-1)).toBe(size)
      expect(seen).toEqual([...seen].sort((a, b) => a - b))
    })

    test('imports five hundred small files at once', async () => {
      const directory = await temporaryDirectory()
      const files = Array.from({ length: 500 }, (_, seed) => path.join(directory, String(seed)))
      await Promise.all(files.map((file, seed) => writeFile(file, pseudoRandomBytes(seed, 50 + seed))))
      const results = await Promise.all(files.map((file) => store.importFile(ALICE_SPACE, file)))
      for (const [seed, result] of results.entries()) {
        expect(await contentOf(store, ALICE_SPACE, result)).toEqual(pseudoRandomBytes(seed, 50 + seed))
      }
    })

    test('refuses with a code what is no readable regular file', async () => {
      const directory = await temporaryDirectory()
      const file = await fileOf(10)
      await symlink(file, path.join(directory, 'link'))
      await mkdir(path.join(directory, 'directory'))
      const failure = (name: string) => store.importFile(ALICE_SPACE, path.join(directory, name))
      await expect(failure('absent')).rejects.toMatchObject({ code: 'DITTO_NOT_FOUND' })
      await expect(failure('link')).rejects.toMatchObject({ code: 'DITTO_UNSUPPORTED' })
      await expect(failure('directory')).rejects.toMatchObject({ code: 'DITTO_UNSUPPORTED' })
    })

    test('passes on the failure of a source and stays usable', async () => {
      const source = async function* () {
        yield pseudoRandomBytes(1, 1000)
        throw new Error('the source broke')
      }
      await expect(store.importStream(ALICE_SPACE, source())).rejects.toThrow('the source broke')
      expect(await store.put(ALICE_SPACE, [chunkOf(1)])).toEqual([])
    })
  })
}

function expectedLengths(chunker: ChunkerKind, size: number): number[] {
  const bytes = pseudoRandomBytes(7, size)
  const findEnd = findChunkEnd(chunker)
  const lengths: number[] = []
  for (let at = 0; at < size; at += lengths.at(-1) as number) lengths.push(findEnd(bytes, at, size) - at)
  return lengths
}

async function lengthsOf(store: ChunkStore, imported: Imported): Promise<number[]> {
  return (await chunksOf(store, ALICE_SPACE, imported)).map((chunk) => chunk.length)
}
