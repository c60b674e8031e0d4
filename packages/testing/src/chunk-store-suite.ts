import type { Chunk, ChunkId, ChunkStore } from '@dittofs/interface'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { chunkImportTests } from './chunk-import-tests.ts'
import { chunkPutTests } from './chunk-put-tests.ts'
import { ALICE_SPACE, BOB_SPACE, chunkOf, copyOf, fileOf, first, inPieces, readAll } from './chunk-samples.ts'
import { pseudoRandomBytes } from './pseudo-random-bytes.ts'

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

    chunkPutTests(() => store)
    chunkImportTests(() => store)
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

async function verifyAll(store: ChunkStore) {
  const found = []
  for await (const damage of store.verify()) found.push(damage)
  return found
}

async function* keeping(...ids: ChunkId[]): AsyncGenerator<ChunkId[]> {
  yield ids
}

/** Byte arrays are equal by their bytes, Buffer or not; the general comparison takes seconds for a mebibyte. */
function areBytesEqual(a: unknown, b: unknown): boolean | undefined {
  return a instanceof Uint8Array && b instanceof Uint8Array ? Buffer.compare(a, b) === 0 : undefined
}
