import { appendFile, copyFile, mkdir, open, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { Worker } from 'node:worker_threads'
import {
  type ChunkId,
  type ChunkRef,
  type ChunkStore,
  type ContentRef,
  type DittoError,
  type SpaceId,
  spaceId,
} from '@dittofs/interface'
import { chunkStoreSuite, pseudoRandomBytes, temporaryDirectory } from '@dittofs/testing'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  type PlacedChunks,
  type PlacedFiles,
  type PlacedRun,
  type PlaceKey,
  packChunkStore,
  placedChunkStore,
  readManifest,
} from '../src/index.ts'
import { damageChunk } from './support/damage-chunk.ts'

type Store = ChunkStore & PlacedChunks

const SPACE: SpaceId = spaceId.parse('a1'.repeat(32))
const OTHER: SpaceId = spaceId.parse('b0'.repeat(32))
const MIB = 1024 * 1024

/** Files by key, as a live folder would know them. */
class Files implements PlacedFiles {
  readonly paths = new Map<PlaceKey, string>()

  pathOf(key: PlaceKey) {
    return this.paths.get(key)
  }

  async open(key: PlaceKey) {
    const at = this.paths.get(key)
    if (at === undefined) return undefined
    const handle = await open(at).catch(() => undefined)
    if (handle === undefined) return undefined
    return {
      read: async (target: Uint8Array, position: number) =>
        (await handle.read(target, 0, target.length, position)).bytesRead,
      close: () => handle.close(),
    }
  }
}

function storeIn(directory: string, files: PlacedFiles): Store {
  const store = packChunkStore({ directory, maxPackBytes: 256 * 1024, workers: 2 })
  return placedChunkStore({ store, directory: path.join(directory, 'places'), files })
}

const directories = new WeakMap<ChunkStore, string>()
function suiteStore(directory: string): Store {
  const store = storeIn(directory, new Files())
  directories.set(store, directory)
  return store
}

chunkStoreSuite('placed chunk store', {
  setup: async () => suiteStore(await temporaryDirectory()),
  teardown: (store) => store.close(),
  damage: (store, id) => damageChunk(directories.get(store) as string, id),
  reopen: async (store) => suiteStore(directories.get(store) as string),
})

describe('chunks in files of the user', () => {
  let directory: string
  let files: Files
  let store: Store

  beforeEach(async () => {
    directory = await temporaryDirectory()
    files = new Files()
    store = storeIn(path.join(directory, 'chunks'), files)
    await store.open()
  })

  afterEach(() => store.close())

  async function addFile(key: PlaceKey, bytes: Uint8Array) {
    const at = path.join(directory, key)
    await writeFile(at, bytes)
    files.paths.set(key, at)
    return { at, ...(await store.importPlaced(SPACE, key, at)) }
  }

  async function chunksOf(content: Parameters<typeof readManifest>[2], size: number): Promise<ChunkRef[]> {
    const chunks: ChunkRef[] = []
    for await (const step of readManifest(store, SPACE, content, size)) {
      if (step.kind === 'chunks') chunks.push(...step.run.chunks)
    }
    return chunks
  }

  async function readAll(ids: readonly ChunkId[], space = SPACE): Promise<(Uint8Array | undefined)[]> {
    const found: (Uint8Array | undefined)[] = ids.map(() => undefined)
    for await (const batch of store.getMany(space, ids)) for (const { index, bytes } of batch) found[index] = bytes
    return found
  }

  async function packBytes(): Promise<number> {
    return (await store.stats()).packBytes
  }

  it('are the same chunks that importing the file gives, and take no room in packs', async () => {
    const bytes = pseudoRandomBytes(1, 5 * MIB)
    const before = await packBytes()
    const { content, size, at } = await addFile('film', bytes)
    expect(size).toBe(bytes.length)
    expect((await packBytes()) - before).toBeLessThan(64 * 1024)
    const chunks = await chunksOf(content, size)
    expect(Buffer.concat((await readAll(chunks.map(({ id }) => id))) as Uint8Array[]).equals(bytes)).toBe(true)
    expect((await store.importFile(OTHER, at)).content).toEqual(content)
  })

  it('of many files at once are the same chunks, whatever their sizes, and of those that cannot be read the reason', async () => {
    const sizes = [0, 1, 16 * 1024, 16 * 1024 + 1, 64 * 1024, 300_000, MIB, MIB + 1, 3 * MIB]
    const wanted = await Promise.all(
      sizes.map(async (size, nth) => {
        const at = path.join(directory, `file ${nth}`)
        await writeFile(at, pseudoRandomBytes(nth, size))
        files.paths.set(`k${nth}`, at)
        return { key: `k${nth}`, path: at }
      }),
    )
    await mkdir(path.join(directory, 'directory'))
    await symlink(wanted[1]?.path as string, path.join(directory, 'link'))
    const bad = ['missing', 'directory', 'link'].map((key) => ({ key, path: path.join(directory, key) }))
    const placed = await store.importAllPlaced(SPACE, [...wanted, ...bad])
    for (const [nth, size] of sizes.entries()) {
      const one = placed[nth] as { content: ContentRef; size: number }
      expect(one).toMatchObject({ size })
      expect(one.content).toEqual((await store.importFile(OTHER, wanted[nth]?.path as string)).content)
      const ids = (await chunksOf(one.content, size)).map(({ id }) => id)
      expect(Buffer.concat((await readAll(ids)) as Uint8Array[]).equals(pseudoRandomBytes(nth, size))).toBe(true)
    }
    expect(placed.slice(sizes.length).map((one) => ('error' in one ? (one.error as DittoError).code : ''))).toEqual([
      'DITTO_NOT_FOUND',
      'DITTO_UNSUPPORTED',
      'DITTO_UNSUPPORTED',
    ])
    expect(await Promise.all(bad.map(({ key }) => store.isPlaced(key)))).toEqual([false, false, false])
    expect(await Promise.all(wanted.map(({ key }) => store.isPlaced(key)))).toEqual(sizes.map(() => true))
  })

  it('of many files at once are cut with few messages to the workers', async () => {
    const wanted = await Promise.all(
      Array.from({ length: 200 }, async (_, nth) => {
        const at = path.join(directory, `file ${nth}`)
        await writeFile(at, pseudoRandomBytes(nth, 100))
        return { key: `k${nth}`, path: at }
      }),
    )
    const ask = vi.spyOn(Worker.prototype, 'postMessage')
    await store.importAllPlaced(SPACE, wanted)
    const asked = ask.mock.calls.length
    ask.mockRestore()
    expect(asked).toBeLessThanOrEqual(4)
  })

  it('are available in the space of their file only', async () => {
    const { content, size } = await addFile('film', pseudoRandomBytes(2, MIB))
    const ids = (await chunksOf(content, size)).map(({ id }) => id)
    expect(await store.has(SPACE, ids)).toEqual(ids.map(() => true))
    expect(await store.has(OTHER, ids)).toEqual(ids.map(() => false))
    expect(await readAll(ids, OTHER)).toEqual(ids.map(() => undefined))
    expect(await store.get(OTHER, ids[0] as ChunkId)).toBeUndefined()
  })

  it('are not given once the file holds other bytes there, and are held no more once that was checked', async () => {
    const { content, size, at } = await addFile('film', pseudoRandomBytes(3, MIB))
    const ids = (await chunksOf(content, size)).map(({ id }) => id)
    const handle = await open(at, 'r+')
    await handle.write(Buffer.alloc(10), 0, 10, 0)
    await handle.close()
    expect(await store.get(SPACE, ids[0] as ChunkId)).toBeUndefined()
    for await (const damage of store.verify()) expect(damage.id).toBe(ids[0])
    expect((await store.has(SPACE, ids)).slice(0, 2)).toEqual([false, true])
  })

  it('stay known while their file cannot be had, and are there again when it can', async () => {
    const { content, size, at } = await addFile('film', pseudoRandomBytes(4, MIB))
    const [first] = (await chunksOf(content, size)).map(({ id }) => id)
    files.paths.delete('film')
    expect(await store.get(SPACE, first as ChunkId)).toBeUndefined()
    // Nor when another file has come to its place and its owner does not know yet.
    const other = path.join(directory, 'other')
    await writeFile(other, 'something else')
    files.paths.set('film', other)
    expect(await store.get(SPACE, first as ChunkId)).toBeUndefined()
    files.paths.delete('film')
    const moved = `${at}-renamed`
    await rename(at, moved)
    files.paths.set('film', moved)
    expect(await store.get(SPACE, first as ChunkId)).toBeDefined()
  })

  it('are what the file holds now when it is placed again', async () => {
    const before = await addFile('log', pseudoRandomBytes(5, MIB))
    const old = (await chunksOf(before.content, before.size)).map(({ id }) => id)
    await appendFile(before.at, pseudoRandomBytes(6, MIB))
    const after = await store.importPlaced(SPACE, 'log', before.at)
    const now = (await chunksOf(after.content, after.size)).map(({ id }) => id)
    expect(await store.has(SPACE, now)).toEqual(now.map(() => true))
    // All but the last chunk of the shorter file are chunks of the longer one too.
    expect(await store.has(SPACE, old)).toEqual(old.map((_, nth) => nth < old.length - 1))
  })

  it('of two equal files are held until the last of them goes', async () => {
    const one = await addFile('one', pseudoRandomBytes(7, MIB))
    await copyFile(one.at, path.join(directory, 'two'))
    files.paths.set('two', path.join(directory, 'two'))
    await store.importPlaced(SPACE, 'two', path.join(directory, 'two'))
    const ids = (await chunksOf(one.content, one.size)).map(({ id }) => id)
    await store.unplace('one')
    expect(await store.has(SPACE, ids)).toEqual(ids.map(() => true))
    const keys: PlaceKey[] = []
    for await (const batch of store.placedKeys()) keys.push(...batch)
    expect(keys).toEqual(['two'])
    await store.unplace('two')
    expect(await store.has(SPACE, ids)).toEqual(ids.map(() => false))
  })

  it('are copied into the store before their file goes', async () => {
    const bytes = pseudoRandomBytes(8, 3 * MIB)
    const { content, size, at } = await addFile('film', bytes)
    const ids = (await chunksOf(content, size)).map(({ id }) => id)
    expect(await store.preserve('film')).toEqual([])
    await store.unplace('film')
    await rm(at)
    expect(Buffer.concat((await readAll(ids)) as Uint8Array[]).equals(bytes)).toBe(true)
  })

  it('are copied although another file should hold them too: that one may have changed a moment ago', async () => {
    const bytes = pseudoRandomBytes(16, MIB)
    const film = await addFile('film', bytes)
    const copy = await addFile('copy', bytes)
    const ids = (await chunksOf(film.content, film.size)).map(({ id }) => id)
    await writeFile(copy.at, 'something else')
    expect(await store.preserve('film')).toEqual([])
    await store.unplace('film')
    await rm(film.at)
    expect(Buffer.concat((await readAll(ids)) as Uint8Array[]).equals(bytes)).toBe(true)
  })

  it('are copied from another file that holds them where this one does no longer', async () => {
    const bytes = pseudoRandomBytes(17, MIB)
    const film = await addFile('film', bytes)
    const copy = await addFile('copy', bytes)
    await writeFile(film.at, 'something else')
    expect(await store.preserve('film')).toEqual([])
    await rm(copy.at)
    const ids = (await chunksOf(film.content, film.size)).map(({ id }) => id)
    expect(Buffer.concat((await readAll(ids)) as Uint8Array[]).equals(bytes)).toBe(true)
  })

  it('that are gone already are named when they should be copied', async () => {
    const { content, size, at } = await addFile('film', pseudoRandomBytes(9, MIB))
    const ids = (await chunksOf(content, size)).map(({ id }) => id)
    await writeFile(at, '')
    expect(new Set(await store.preserve('film'))).toEqual(new Set(ids))
  })

  it('need no copy in a pack: what was fetched and then written to a file leaves the packs', async () => {
    const bytes = pseudoRandomBytes(10, 3 * MIB)
    const at = path.join(directory, 'film')
    await writeFile(at, bytes)
    const { content, size } = await store.importFile(SPACE, at)
    const before = await packBytes()
    files.paths.set('film', at)
    const chunks = await chunksOf(content, size)
    await store.place(SPACE, 'film', runsOf(chunks))
    await store.collect(SPACE, keep(chunks))
    expect(await packBytes()).toBeLessThan(before / 2)
    expect(Buffer.concat((await readAll(chunks.map(({ id }) => id))) as Uint8Array[]).equals(bytes)).toBe(true)
  })

  it('keep their copy in a pack where the file does not hold them', async () => {
    const bytes = pseudoRandomBytes(11, MIB)
    const at = path.join(directory, 'film')
    await writeFile(at, bytes)
    const { content, size } = await store.importFile(SPACE, at)
    files.paths.set('film', at)
    const chunks = await chunksOf(content, size)
    await store.place(SPACE, 'film', runsOf(chunks))
    await writeFile(at, pseudoRandomBytes(12, MIB))
    await store.collect(SPACE, keep(chunks))
    expect(Buffer.concat((await readAll(chunks.map(({ id }) => id))) as Uint8Array[]).equals(bytes)).toBe(true)
  })

  it('are found damaged by a check of everything', async () => {
    const { content, size, at } = await addFile('film', pseudoRandomBytes(13, MIB))
    const ids = (await chunksOf(content, size)).map(({ id }) => id)
    const handle = await open(at, 'r+')
    await handle.write(Buffer.alloc(10), 0, 10, size - 20)
    await handle.close()
    const damaged: unknown[] = []
    for await (const damage of store.verify()) damaged.push(damage)
    expect(damaged).toEqual([{ id: ids.at(-1), problem: 'corrupt', pack: 0 }])
  })

  it('are known after a start, and a file whose placing was cut short is not', async () => {
    const bytes = pseudoRandomBytes(14, MIB)
    const { content, size } = await addFile('film', bytes)
    const ids = (await chunksOf(content, size)).map(({ id }) => id)
    const other = { id: ids[0] as ChunkId, length: 1 }
    const cut = store.place(
      SPACE,
      'half',
      (async function* () {
        yield { offset: 0, chunks: [other] }
        throw new Error('cut')
      })(),
    )
    await expect(cut).rejects.toThrow('cut')
    await store.close()
    store = storeIn(path.join(directory, 'chunks'), files)
    await store.open()
    expect(
      Buffer.concat((await readAll(ids)) as Uint8Array[]).equals(await readFile(files.paths.get('film') as string)),
    ).toBe(true)
  })

  it('of a file that changes while it is cut are not taken: what its key named stays', async () => {
    const { content, size } = await addFile('film', pseudoRandomBytes(15, MIB))
    const ids = (await chunksOf(content, size)).map(({ id }) => id)
    await expect(store.importPlaced(SPACE, 'film', path.join(directory, 'missing'))).rejects.toMatchObject({
      code: 'DITTO_NOT_FOUND',
    })
    expect(await store.has(SPACE, ids)).toEqual(ids.map(() => true))
  })
})

async function* runsOf(chunks: readonly ChunkRef[]): AsyncGenerator<PlacedRun> {
  yield { offset: 0, chunks }
}

async function* keep(chunks: readonly ChunkRef[]): AsyncGenerator<readonly ChunkId[]> {
  yield chunks.map(({ id }) => id)
}
