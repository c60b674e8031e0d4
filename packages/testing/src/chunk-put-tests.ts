import { type Chunk, type ChunkStore, MAX_CHUNK_BYTES } from '@dittofs/interface'
import { beforeEach, describe, expect, test } from 'vitest'
import { ALICE_SPACE, BOB_SPACE, chunkOf, contentOf, copyOf, fileOf, readAll } from './chunk-samples.ts'
import { pseudoRandomBytes } from './pseudo-random-bytes.ts'

/** Chunks that go in one by one and come out, in one space and in several. */
export function chunkPutTests(current: () => ChunkStore): void {
  let store: ChunkStore
  beforeEach(() => {
    store = current()
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
}
