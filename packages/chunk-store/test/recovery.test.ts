import { appendFile, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { ChunkId, ChunkStore, Logger } from '@dittofs/interface'
import { ALICE_SPACE, BOB_SPACE, chunkOf, temporaryDirectory } from '@dittofs/testing'
import { beforeEach, describe, expect, test } from 'vitest'
import { nodePackFileSystem, packChunkStore } from '../src/index.ts'
import { damageChunk } from './support/damage-chunk.ts'

const MAX_PACK_BYTES = 64 * 1024

let directory: string
let messages: string[]

beforeEach(async () => {
  directory = await temporaryDirectory()
  messages = []
})

const note = (_fields: object, message: string) => {
  messages.push(message)
}
const logger: Logger = { debug: note, info: note, warn: note, error: note }

/** Opens the store, and closes it again after the work. */
async function withStore<T>(work: (store: ChunkStore) => Promise<T>): Promise<T> {
  const store = packChunkStore({ directory, maxPackBytes: MAX_PACK_BYTES, workers: 1, logger })
  await store.open()
  try {
    return await work(store)
  } finally {
    await store.close()
  }
}

const chunks = Array.from({ length: 60 }, (_, seed) => chunkOf(seed, 4000))
const ids = chunks.map(({ id }) => id)

/** Five packs or so: each call's chunks go into one pack together. */
async function fill(): Promise<void> {
  await withStore(async (store) => {
    for (let at = 0; at < chunks.length; at += 5) {
      await store.put(
        ALICE_SPACE,
        chunks.slice(at, at + 5).map(({ id, bytes }) => ({ id, bytes: bytes.slice() })),
      )
    }
    await store.put(
      BOB_SPACE,
      chunks.slice(5, 9).map(({ id, bytes }) => ({ id, bytes: bytes.slice() })),
    )
  })
}

async function heldBy(store: ChunkStore): Promise<{ alice: boolean[]; bob: boolean[] }> {
  return { alice: await store.has(ALICE_SPACE, ids), bob: await store.has(BOB_SPACE, ids) }
}

async function damageIn(store: ChunkStore): Promise<ChunkId[]> {
  const found: ChunkId[] = []
  for await (const { id } of store.verify()) found.push(id)
  return found
}

async function packFiles(): Promise<string[]> {
  return (await readdir(path.join(directory, 'packs'))).sort().map((name) => path.join(directory, 'packs', name))
}

const everything = { alice: ids.map(() => true), bob: ids.map((_, index) => index >= 5 && index < 9) }

describe('an index that is gone or damaged', () => {
  test('is made anew from the packs alone, equal to the one before', async () => {
    await fill()
    const before = await withStore((store) => store.stats())
    await rm(path.join(directory, 'index'), { recursive: true })
    await withStore(async (store) => {
      expect(await store.stats()).toEqual(before)
      expect(await heldBy(store)).toEqual(everything)
      expect(await damageIn(store)).toEqual([])
    })
    expect(messages).toContain('The index of the chunk store is missing or damaged and is made anew.')
  })

  test.each(['CURRENT', 'MANIFEST', 'log'])('is made anew when LevelDB finds its %s destroyed', async (kind) => {
    await fill()
    const index = path.join(directory, 'index')
    for (const name of await readdir(index)) {
      if (name.startsWith(kind) || name.endsWith(kind)) await writeFile(path.join(index, name), 'not what it was')
    }
    await withStore(async (store) => {
      expect(await heldBy(store)).toEqual(everything)
      expect(await damageIn(store)).toEqual([])
    })
  })

  test('keeps what a removed pack said about a chunk of another pack', async () => {
    const stays = chunkOf(100, 40_000)
    const goes = chunkOf(101, 60_000)
    await withStore(async (store) => {
      await store.put(ALICE_SPACE, [{ id: stays.id, bytes: stays.bytes.slice() }])
      await store.put(ALICE_SPACE, [{ id: goes.id, bytes: goes.bytes.slice() }])
      await store.put(BOB_SPACE, [{ id: stays.id, bytes: stays.bytes.slice() }])
      await store.put(ALICE_SPACE, [chunkOf(102, 60_000)])
      const packs = await packFiles()
      await store.collect(
        ALICE_SPACE,
        (async function* () {
          yield [stays.id]
        })(),
      )
      expect((await packFiles()).length).toBeLessThan(packs.length + 1)
      expect(await packFiles()).not.toContain(packs[1])
    })
    await rm(path.join(directory, 'index'), { recursive: true })
    await withStore(async (store) => {
      expect(await store.get(BOB_SPACE, stays.id)).toEqual(Uint8Array.from(stays.bytes))
    })
  })

  test('leaves a damaged part of a pack out and finds what comes after it', async () => {
    await fill()
    await rm(path.join(directory, 'index'), { recursive: true })
    const [first] = await packFiles()
    const bytes = await readFile(first as string)
    bytes.fill(0, 10_000, 12_000)
    await writeFile(first as string, bytes)
    await withStore(async (store) => {
      await damageIn(store)
      const { alice } = await heldBy(store)
      expect(alice.filter((isHeld) => !isHeld).length).toBeGreaterThanOrEqual(1)
      expect(alice.filter((isHeld) => !isHeld).length).toBeLessThanOrEqual(2)
      expect(
        await store.put(
          ALICE_SPACE,
          chunks.map(({ id, bytes }) => ({ id, bytes: bytes.slice() })),
        ),
      ).toEqual([])
      expect((await heldBy(store)).alice).toEqual(everything.alice)
      expect(await damageIn(store)).toEqual([])
    })
  })
})

describe('a pack', () => {
  test('whose last write was torn loses that write alone, and is written on', async () => {
    await fill()
    const last = (await packFiles()).at(-1) as string
    const { size } = await stat(last)
    await appendFile(last, Buffer.from('52454301000001', 'hex'))
    await withStore(async (store) => {
      expect(await heldBy(store)).toEqual(everything)
      expect((await stat(last)).size).toBe(size)
      await store.put(ALICE_SPACE, [chunkOf(100, 100)])
      expect((await stat(last)).size).toBeGreaterThan(size)
      expect(await damageIn(store)).toEqual([])
    })
    expect(messages).toContain('A write that was cut short was removed from the newest pack.')
  })

  test('that has become shorter costs the chunks it lost, which verify tells', async () => {
    await fill()
    const last = (await packFiles()).at(-2) as string
    await truncate(last, 100)
    await withStore(async (store) => {
      const lost = await damageIn(store)
      expect(lost.length).toBeGreaterThan(0)
      expect(await store.has(ALICE_SPACE, lost)).toEqual(lost.map(() => false))
      await store.put(
        ALICE_SPACE,
        chunks.map(({ id, bytes }) => ({ id, bytes: bytes.slice() })),
      )
      expect((await heldBy(store)).alice).toEqual(everything.alice)
    })
  })

  test('that is missing costs its chunks and nothing else', async () => {
    await fill()
    const [, second] = await packFiles()
    await rm(second as string)
    await withStore(async (store) => {
      const lost = await damageIn(store)
      expect(lost.length).toBeGreaterThan(5)
      expect(lost.length).toBeLessThan(20)
      expect((await heldBy(store)).alice.filter((isHeld) => !isHeld).length).toBe(lost.length)
    })
  })

  test('of a newer format is refused rather than cut', async () => {
    await fill()
    await rm(path.join(directory, 'index'), { recursive: true })
    const last = (await packFiles()).at(-1) as string
    const bytes = await readFile(last)
    bytes.writeUInt32BE(2, 4)
    bytes.writeUInt32BE((await import('node:zlib')).crc32(bytes.subarray(0, 12)), 12)
    await writeFile(last, bytes)
    await expect(withStore(async () => {})).rejects.toMatchObject({ code: 'DITTO_STORE_VERSION' })
    expect((await readFile(last)).equals(bytes)).toBe(true)
  })

  test('is for its owner alone', async () => {
    await fill()
    expect((await stat(path.join(directory, 'packs'))).mode & 0o777).toBe(0o700)
    for (const file of await packFiles()) expect((await stat(file)).mode & 0o777).toBe(0o600)
  })
})

describe('damage', () => {
  test('that was noticed and healed stays healed after the index is made anew', async () => {
    await fill()
    const [bad] = chunks as [(typeof chunks)[number]]
    await damageChunk(directory, bad.id)
    await withStore(async (store) => {
      expect(await damageIn(store)).toEqual([bad.id])
      await store.put(ALICE_SPACE, [{ id: bad.id, bytes: bad.bytes.slice() }])
    })
    await rm(path.join(directory, 'index'), { recursive: true })
    await withStore(async (store) => {
      expect(await damageIn(store)).toEqual([])
      expect(await heldBy(store)).toEqual(everything)
    })
  })

  test('heals for every space that had the chunk', async () => {
    await fill()
    const shared = chunks[6] as (typeof chunks)[number]
    await damageChunk(directory, shared.id)
    await withStore(async (store) => {
      await expect(store.get(ALICE_SPACE, shared.id)).rejects.toMatchObject({ code: 'DITTO_CHUNK_CORRUPT' })
      expect(await store.has(BOB_SPACE, [shared.id])).toEqual([false])
      await store.put(ALICE_SPACE, [{ id: shared.id, bytes: shared.bytes.slice() }])
      expect(await store.get(BOB_SPACE, shared.id)).toEqual(Uint8Array.from(shared.bytes))
    })
  })
})

describe('the directory of a store', () => {
  test('is refused to a second process', async () => {
    await withStore(async () => {
      await expect(withStore(async () => {})).rejects.toMatchObject({ code: 'DITTO_HOME_LOCKED' })
    })
  })

  test('that may not be written is refused with a code', async () => {
    const fileSystem = {
      ...nodePackFileSystem,
      create: async () => {
        throw Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' })
      },
    }
    const store = packChunkStore({ directory, fileSystem, workers: 1 })
    await store.open()
    await expect(store.put(ALICE_SPACE, [chunkOf(1)])).rejects.toMatchObject({ code: 'DITTO_PERMISSION' })
    await store.close()
  })
})

describe('collection', () => {
  test('gives the disk back what mostly dead packs took, and keeps the rest whole', async () => {
    await fill()
    await withStore(async (store) => {
      const before = await store.stats()
      const kept = ids.filter((_, index) => index % 6 === 0)
      const freed = await store.collect(
        ALICE_SPACE,
        (async function* () {
          yield kept
        })(),
      )
      const after = await store.stats()
      // Bob's space has four of the chunks as well, one of which is kept by both.
      expect(freed.chunks).toBe(60 - kept.length - 3)
      expect(after.chunks).toBe(60 - freed.chunks)
      expect(after.packBytes).toBeLessThan(before.packBytes / 2)
      expect(await damageIn(store)).toEqual([])
    })
    await withStore(async (store) => {
      expect((await heldBy(store)).alice).toEqual(ids.map((_, index) => index % 6 === 0))
      expect((await heldBy(store)).bob).toEqual(everything.bob)
    })
  })

  test('runs beside puts, imports and reads without taking anything from them', async () => {
    await fill()
    await withStore(async (store) => {
      const collecting = store.collect(
        ALICE_SPACE,
        (async function* () {
          yield []
        })(),
      )
      const content = Buffer.concat(chunks.slice(0, 15).map(({ bytes }) => bytes))
      const importing = store.importStream(
        ALICE_SPACE,
        (async function* () {
          yield content
        })(),
      )
      const putting = store.put(
        ALICE_SPACE,
        chunks.slice(0, 20).map(({ id, bytes }) => ({ id, bytes: bytes.slice() })),
      )
      const [, imported] = await Promise.all([collecting, importing, putting])
      if (imported.content.kind !== 'inline') throw new Error('a short stream has an inline manifest')
      const needed = [...imported.content.chunks.map(({ id }) => id), ...ids.slice(0, 20)]
      expect(await store.has(ALICE_SPACE, needed)).toEqual(needed.map(() => true))
      expect(await damageIn(store)).toEqual([])
    })
  })
})
