import { mkdir, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { chunkIdOf, findChunkEnd, loadBlake3, readManifest } from '@dittofs/chunk-store'
import {
  type Chunk,
  type ChunkerKind,
  type ChunkId,
  type ChunkStore,
  MAX_CHUNK_BYTES,
  MAX_INLINE_CHUNKS,
  MIN_CHUNK_BYTES,
  type SpaceId,
  spaceId,
  TARGET_CHUNK_BYTES,
} from '@dittofs/interface'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { pseudoRandomBytes } from './pseudo-random-bytes.ts'
import { temporaryDirectory } from './temporary-directory.ts'

export interface ChunkStoreSuiteInit<Store extends ChunkStore> {
  /** Makes a new, empty store that has not been opened. */
  setup: () => Promise<Store>
  /** Closes it and removes what it left. */
  teardown: (store: Store) => Promise<void>
  /** Changes a stored chunk's bytes, as a failing disk would. */
  damage: (store: Store, id: ChunkId) => Promise<void>
  /** A new store over the same data, for stores that outlive their process; the old one is closed. */
  reopen?: (store: Store) => Promise<Store>
}

const blake3 = loadBlake3()
export const ALICE_SPACE: SpaceId = spaceId.parse('a1'.repeat(32))
export const BOB_SPACE: SpaceId = spaceId.parse('b0'.repeat(32))

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

/** A chunk of pseudo-random bytes. */
export function chunkOf(seed: number, bytes = 1000): Chunk {
  const content = pseudoRandomBytes(seed, bytes)
  return { id: chunkIdOf(blake3, content), bytes: content }
}

async function readAll(
  store: ChunkStore,
  space: SpaceId,
  ids: readonly ChunkId[],
): Promise<(Uint8Array | undefined)[]> {
  const found: (Uint8Array | undefined)[] = ids.map(() => undefined)
  for await (const batch of store.getMany(space, ids)) for (const { index, bytes } of batch) found[index] = bytes
  return found
}

/** Holds an implementation of ChunkStore to its contract. */
export function chunkStoreSuite<Store extends ChunkStore>(name: string, init: ChunkStoreSuiteInit<Store>): void {
  describe(`${name}, as a chunk store`, () => {
    let store: Store
    expect.addEqualityTesters([areBytesEqual])

    beforeEach(async () => {
      store = await init.setup()
      await store.open()
    })
    afterEach(async () => {
      await init.teardown(store)
    })

    describe('put and get', () => {
      test('gives back what was put', async () => {
        const chunks = [chunkOf(1, 1), chunkOf(2), chunkOf(3, MAX_CHUNK_BYTES)]
        expect(await store.put(ALICE_SPACE, chunks.map(copyOf))).toEqual([])
        for (const { id, bytes } of chunks) expect(await store.get(ALICE_SPACE, id)).toEqual(bytes)
      })

      test('refuses bytes that do not match their ID and stores the others', async () => {
        const [good, other] = [chunkOf(1), chunkOf(2)]
        const lie = { id: other.id, bytes: chunkOf(3).bytes }
        expect(await store.put(ALICE_SPACE, [copyOf(good), lie])).toEqual([other.id])
        expect(await store.has(ALICE_SPACE, [good.id, other.id])).toEqual([true, false])
      })

      test('refuses an empty chunk and one over the limit', async () => {
        const empty = chunkOf(1, 0)
        const large = chunkOf(2, MAX_CHUNK_BYTES + 1)
        expect(await store.put(ALICE_SPACE, [empty, large])).toEqual([empty.id, large.id])
        expect((await store.stats()).chunks).toBe(0)
      })

      test('stores a chunk once that is put a thousand times at once', async () => {
        const chunk = chunkOf(1)
        await Promise.all(Array.from({ length: 1000 }, () => store.put(ALICE_SPACE, [copyOf(chunk)])))
        expect(await store.stats()).toMatchObject({ chunks: 1, bytes: chunk.bytes.length })
      })

      test('answers a thousand gets at once', async () => {
        const chunks = Array.from({ length: 20 }, (_, seed) => chunkOf(seed))
        await store.put(ALICE_SPACE, chunks.map(copyOf))
        const found = await Promise.all(
          Array.from({ length: 1000 }, (_, index) => store.get(ALICE_SPACE, (chunks[index % 20] as Chunk).id)),
        )
        for (const [index, bytes] of found.entries()) expect(bytes).toEqual((chunks[index % 20] as Chunk).bytes)
      })

      test('gives undefined for a chunk that is not held', async () => {
        expect(await store.get(ALICE_SPACE, chunkOf(1).id)).toBeUndefined()
      })

      test('gives the caller bytes of its own', async () => {
        const chunk = chunkOf(1)
        await store.put(ALICE_SPACE, [copyOf(chunk)])
        const first = await store.get(ALICE_SPACE, chunk.id)
        first?.fill(0)
        expect(await store.get(ALICE_SPACE, chunk.id)).toEqual(chunk.bytes)
      })

      test.each(['full', 'group', 'none'] as const)(
        'reads back at once what was put with durability %s',
        async (durability) => {
          const chunk = chunkOf(1)
          await store.put(ALICE_SPACE, [copyOf(chunk)], { durability })
          expect(await store.get(ALICE_SPACE, chunk.id)).toEqual(chunk.bytes)
        },
      )
    })

    describe('getMany', () => {
      test('answers each position asked, repeated and absent ones included', async () => {
        const chunks = [chunkOf(1), chunkOf(2), chunkOf(3)]
        await store.put(ALICE_SPACE, chunks.map(copyOf))
        const [a, b, c] = chunks as [Chunk, Chunk, Chunk]
        const found = await readAll(store, ALICE_SPACE, [c.id, chunkOf(9).id, a.id, c.id, b.id])
        expect(found).toEqual([c.bytes, undefined, a.bytes, c.bytes, b.bytes])
      })

      test('yields batches of about a mebibyte, each position once', async () => {
        const chunks = Array.from({ length: 40 }, (_, seed) => chunkOf(seed, 100_000))
        await store.put(ALICE_SPACE, chunks.map(copyOf))
        const seen: number[] = []
        for await (const batch of store.getMany(
          ALICE_SPACE,
          chunks.map((chunk) => chunk.id),
        )) {
          const bytes = batch.reduce((sum, item) => sum + (item.bytes?.length ?? 0), 0)
          expect(bytes).toBeLessThanOrEqual(1024 * 1024 + MAX_CHUNK_BYTES)
          seen.push(...batch.map((item) => item.index))
        }
        expect(seen.sort((a, b) => a - b)).toEqual(chunks.map((_, index) => index))
      })

      test('leaves nothing behind when the reader stops early', async () => {
        const chunks = Array.from({ length: 40 }, (_, seed) => chunkOf(seed, 100_000))
        await store.put(ALICE_SPACE, chunks.map(copyOf))
        for await (const batch of store.getMany(
          ALICE_SPACE,
          chunks.map((chunk) => chunk.id),
        )) {
          expect(batch.length).toBeGreaterThan(0)
          break
        }
        await store.close()
      })

      test('yields nothing for no IDs', async () => {
        expect(await readAll(store, ALICE_SPACE, [])).toEqual([])
      })
    })

    describe('spaces', () => {
      test('shows a space nothing of another', async () => {
        const chunk = chunkOf(1)
        await store.put(ALICE_SPACE, [copyOf(chunk)])
        expect(await store.has(BOB_SPACE, [chunk.id])).toEqual([false])
        expect(await store.get(BOB_SPACE, chunk.id)).toBeUndefined()
        expect(await readAll(store, BOB_SPACE, [chunk.id])).toEqual([undefined])
      })

      test('stores a chunk once that two spaces put, and shows it to both', async () => {
        const chunk = chunkOf(1)
        await Promise.all([ALICE_SPACE, BOB_SPACE].map((space) => store.put(space, [copyOf(chunk)])))
        expect((await store.stats()).chunks).toBe(1)
        for (const space of [ALICE_SPACE, BOB_SPACE]) {
          expect(await store.get(space, chunk.id)).toEqual(chunk.bytes)
        }
      })

      test('does not take the name of a chunk that another space holds for its bytes', async () => {
        const chunk = chunkOf(1)
        await store.put(ALICE_SPACE, [copyOf(chunk)])
        expect(await store.put(BOB_SPACE, [{ id: chunk.id, bytes: chunkOf(2).bytes }])).toEqual([chunk.id])
        expect(await store.has(BOB_SPACE, [chunk.id])).toEqual([false])
      })

      test('makes a file imported into a second space available there without new chunks', async () => {
        const file = await fileOf(200_000)
        const first = await store.importFile(ALICE_SPACE, file)
        const second = await store.importFile(BOB_SPACE, file)
        expect(second).toEqual({ ...first, newChunks: 0, newBytes: 0 })
        expect(await contentOf(store, BOB_SPACE, second)).toEqual(pseudoRandomBytes(7, 200_000))
      })
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

    describe('damage', () => {
      test('is told by get, once: afterwards the chunk is not held', async () => {
        const chunk = chunkOf(1)
        await store.put(ALICE_SPACE, [copyOf(chunk)])
        await init.damage(store, chunk.id)
        await expect(store.get(ALICE_SPACE, chunk.id)).rejects.toMatchObject({ code: 'DITTO_CHUNK_CORRUPT' })
        expect(await store.has(ALICE_SPACE, [chunk.id])).toEqual([false])
        expect(await store.get(ALICE_SPACE, chunk.id)).toBeUndefined()
      })

      test('is left out by getMany, and the others come', async () => {
        const [bad, good] = [chunkOf(1), chunkOf(2)]
        await store.put(ALICE_SPACE, [copyOf(bad), copyOf(good)])
        await init.damage(store, bad.id)
        expect(await readAll(store, ALICE_SPACE, [bad.id, good.id])).toEqual([undefined, good.bytes])
        expect(await store.has(ALICE_SPACE, [bad.id, good.id])).toEqual([false, true])
      })

      test('is found by verify and healed by the next put', async () => {
        const chunks = [chunkOf(1), chunkOf(2), chunkOf(3)]
        await store.put(ALICE_SPACE, chunks.map(copyOf))
        const bad = chunks[1] as Chunk
        await init.damage(store, bad.id)
        expect((await verifyAll(store)).map((damage) => damage.id)).toEqual([bad.id])
        expect(await store.has(ALICE_SPACE, [bad.id])).toEqual([false])
        expect(await store.put(ALICE_SPACE, [copyOf(bad)])).toEqual([])
        expect(await store.get(ALICE_SPACE, bad.id)).toEqual(bad.bytes)
        expect(await verifyAll(store)).toEqual([])
      })
    })

    describe('collect', () => {
      test('drops what is not kept and keeps the rest', async () => {
        const [kept, dropped] = [chunkOf(1), chunkOf(2, 2000)]
        await store.put(ALICE_SPACE, [copyOf(kept), copyOf(dropped)])
        expect(await store.collect(ALICE_SPACE, keeping(kept.id))).toEqual({ chunks: 1, bytes: 2000 })
        expect(await store.has(ALICE_SPACE, [kept.id, dropped.id])).toEqual([true, false])
        expect(await store.get(ALICE_SPACE, kept.id)).toEqual(kept.bytes)
        expect(await store.stats()).toMatchObject({ chunks: 1, bytes: 1000 })
      })

      test('leaves a chunk to the other spaces that have it', async () => {
        const chunk = chunkOf(1)
        await store.put(ALICE_SPACE, [copyOf(chunk)])
        await store.put(BOB_SPACE, [copyOf(chunk)])
        expect(await store.collect(ALICE_SPACE, keeping())).toEqual({ chunks: 0, bytes: 0 })
        expect(await store.has(ALICE_SPACE, [chunk.id])).toEqual([false])
        expect(await store.get(BOB_SPACE, chunk.id)).toEqual(chunk.bytes)
      })

      test('keeps what is put, or put again, after the call began', async () => {
        const [again, fresh] = [chunkOf(1), chunkOf(2)]
        await store.put(ALICE_SPACE, [copyOf(again)])
        const keep = async function* (): AsyncGenerator<ChunkId[]> {
          await store.put(ALICE_SPACE, [copyOf(again), copyOf(fresh)])
          yield []
        }
        expect(await store.collect(ALICE_SPACE, keep())).toEqual({ chunks: 0, bytes: 0 })
        expect(await store.has(ALICE_SPACE, [again.id, fresh.id])).toEqual([true, true])
      })

      test('drops nothing when it is aborted while it marks', async () => {
        const chunk = chunkOf(1)
        await store.put(ALICE_SPACE, [copyOf(chunk)])
        const controller = new AbortController()
        const keep = async function* (): AsyncGenerator<ChunkId[]> {
          controller.abort()
          yield []
        }
        await expect(store.collect(ALICE_SPACE, keep(), { signal: controller.signal })).rejects.toThrow('abort')
        expect(await store.has(ALICE_SPACE, [chunk.id])).toEqual([true])
      })

      test('stores again what it has dropped', async () => {
        const chunk = chunkOf(1)
        await store.put(ALICE_SPACE, [copyOf(chunk)])
        await store.collect(ALICE_SPACE, keeping())
        expect(await store.put(ALICE_SPACE, [copyOf(chunk)])).toEqual([])
        expect(await store.get(ALICE_SPACE, chunk.id)).toEqual(chunk.bytes)
      })
    })

    describe('abort', () => {
      test('rejects every call at once with the reason of a signal already aborted', async () => {
        const signal = AbortSignal.abort(new Error('not wanted'))
        const chunk = chunkOf(1)
        await expect(store.put(ALICE_SPACE, [copyOf(chunk)], { signal })).rejects.toThrow('not wanted')
        await expect(store.get(ALICE_SPACE, chunk.id, { signal })).rejects.toThrow('not wanted')
        await expect(first(store.getMany(ALICE_SPACE, [chunk.id], { signal }))).rejects.toThrow('not wanted')
        await expect(store.importFile(ALICE_SPACE, await fileOf(10), { signal })).rejects.toThrow('not wanted')
        await expect(store.importStream(ALICE_SPACE, inPieces(chunk.bytes), { signal })).rejects.toThrow('not wanted')
        await expect(first(store.verify({ signal }))).rejects.toThrow('not wanted')
        await expect(store.collect(ALICE_SPACE, keeping(), { signal })).rejects.toThrow('not wanted')
        expect(await store.has(ALICE_SPACE, [chunk.id])).toEqual([false])
      })

      test('stops an import under way and leaves the store usable', async () => {
        const controller = new AbortController()
        const source = async function* () {
          yield pseudoRandomBytes(1, 100_000)
          controller.abort(new Error('not wanted'))
          yield pseudoRandomBytes(2, 100_000)
        }
        await expect(store.importStream(ALICE_SPACE, source(), { signal: controller.signal })).rejects.toThrow(
          'not wanted',
        )
        expect(await store.put(ALICE_SPACE, [chunkOf(1)])).toEqual([])
      })
    })

    describe('open and close', () => {
      test('every call is refused before open and after close', async () => {
        const unopened = await init.setup()
        await expectClosed(unopened)
        await init.teardown(unopened)
        await store.close()
        await expectClosed(store)
      })

      test('close may be called twice', async () => {
        await store.close()
        await expect(store.close()).resolves.toBeUndefined()
      })

      test('close finishes what was accepted', async () => {
        const chunk = chunkOf(1)
        const putting = store.put(ALICE_SPACE, [copyOf(chunk)])
        await store.close()
        expect(await putting).toEqual([])
      })

      if (init.reopen !== undefined) {
        const reopen = init.reopen
        test.each(['full', 'group', 'none'] as const)(
          'a closed store still has what was put with durability %s',
          async (durability) => {
            const chunks = Array.from({ length: 30 }, (_, seed) => chunkOf(seed, 20_000))
            await store.put(ALICE_SPACE, chunks.map(copyOf), { durability })
            await store.put(BOB_SPACE, chunks.slice(0, 3).map(copyOf), { durability })
            const before = await store.stats()
            await store.close()
            store = await reopen(store)
            await store.open()
            expect(await store.stats()).toEqual(before)
            const ids = chunks.map((chunk) => chunk.id)
            expect(await readAll(store, ALICE_SPACE, ids)).toEqual(chunks.map((chunk) => chunk.bytes))
            expect(await store.has(BOB_SPACE, ids.slice(0, 4))).toEqual([true, true, true, false])
          },
        )
      }
    })
  })
}

async function expectClosed(store: ChunkStore): Promise<void> {
  const closed = { code: 'DITTO_CLOSED' }
  const { id, bytes } = chunkOf(1)
  await expect(store.has(ALICE_SPACE, [id])).rejects.toMatchObject(closed)
  await expect(store.get(ALICE_SPACE, id)).rejects.toMatchObject(closed)
  await expect(first(store.getMany(ALICE_SPACE, [id]))).rejects.toMatchObject(closed)
  await expect(store.put(ALICE_SPACE, [{ id, bytes }])).rejects.toMatchObject(closed)
  await expect(store.importFile(ALICE_SPACE, '/absent')).rejects.toMatchObject(closed)
  await expect(store.importStream(ALICE_SPACE, inPieces(bytes))).rejects.toMatchObject(closed)
  await expect(store.flush()).rejects.toMatchObject(closed)
  await expect(store.stats()).rejects.toMatchObject(closed)
  await expect(first(store.verify())).rejects.toMatchObject(closed)
  await expect(store.collect(ALICE_SPACE, keeping())).rejects.toMatchObject(closed)
}

async function first<T>(iterable: AsyncIterable<T>): Promise<T | undefined> {
  for await (const value of iterable) return value
  return undefined
}

async function verifyAll(store: ChunkStore) {
  const found = []
  for await (const damage of store.verify()) found.push(damage)
  return found
}

async function* keeping(...ids: ChunkId[]): AsyncGenerator<ChunkId[]> {
  yield ids
}

async function* inPieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 70_001) yield bytes.subarray(at, at + 70_001)
}

async function fileOf(size: number): Promise<string> {
  const file = path.join(await temporaryDirectory(), 'file')
  await writeFile(file, pseudoRandomBytes(7, size))
  return file
}

function expectedLengths(chunker: ChunkerKind, size: number): number[] {
  const bytes = pseudoRandomBytes(7, size)
  const findEnd = findChunkEnd(chunker)
  const lengths: number[] = []
  for (let at = 0; at < size; at += lengths.at(-1) as number) lengths.push(findEnd(bytes, at, size) - at)
  return lengths
}

type Imported = Awaited<ReturnType<ChunkStore['importFile']>>

async function chunksOf(store: ChunkStore, space: SpaceId, { content, size }: Imported) {
  const chunks = []
  for await (const step of readManifest(store, space, content, size)) {
    if (step.kind === 'missing') throw new Error('a manifest node is missing')
    chunks.push(...step.run.chunks)
  }
  return chunks
}

async function lengthsOf(store: ChunkStore, imported: Imported): Promise<number[]> {
  return (await chunksOf(store, ALICE_SPACE, imported)).map((chunk) => chunk.length)
}

async function contentOf(store: ChunkStore, space: SpaceId, imported: Imported): Promise<Uint8Array> {
  const ids = (await chunksOf(store, space, imported)).map((chunk) => chunk.id)
  const parts = await readAll(store, space, ids)
  return Buffer.concat(parts.map((part) => part ?? new Uint8Array()))
}

/** `put` takes its buffers over, so tests that compare afterwards give it copies. */
function copyOf({ id, bytes }: Chunk): Chunk {
  return { id, bytes: bytes.slice() }
}

/** Byte arrays are equal by their bytes, Buffer or not; the general comparison takes seconds for a mebibyte. */
function areBytesEqual(a: unknown, b: unknown): boolean | undefined {
  return a instanceof Uint8Array && b instanceof Uint8Array ? Buffer.compare(a, b) === 0 : undefined
}
