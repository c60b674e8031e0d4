import type {
  AbortOptions,
  Chunk,
  ChunkDamage,
  ChunkId,
  ChunkStore,
  ChunkStoreStats,
  ImportOptions,
  ImportResult,
  PutOptions,
  SpaceId,
} from '@dittofs/interface'
import { isDittoError } from '@dittofs/interface'
import { type Blake3, loadBlake3 } from '../blake3.ts'
import type { FileCutter } from '../file-cutter.ts'
import type { OpenIndexDatabase } from '../index-database.ts'
import { openLevelIndexDatabase } from '../level-index-database.ts'
import type { Place } from './place-codec.ts'
import { PlaceReader, type WantedPlaces } from './place-reader.ts'
import { type PlacedRun, PlaceTable } from './place-table.ts'
import type { PlacedFiles, PlaceKey } from './placed-files.ts'
import { RunQueue } from './run-queue.ts'

/** Long files of one call that are read at once. */
const CONCURRENT_IMPORTS = 4
/** Bytes of placed chunks handed on at once. */
const BATCH_BYTES = 1024 * 1024

/** What a store can do with chunks that lie in files of the user's. */
export interface PlacedChunks {
  /**
   * Cuts a file as `importFile` does, but leaves the bytes where they are: from then on the file holds these chunks, and
   * only these. Manifest nodes are stored.
   *
   * @throws as `importFile`; the key then names what it named before
   */
  importPlaced(space: SpaceId, key: PlaceKey, path: string, options?: ImportOptions): Promise<ImportResult>
  /**
   * Does the same with many files: of small ones a handful of reads, messages and writes for some hundred.
   *
   * @param files - with keys that differ
   * @returns for each what `importPlaced` gives or throws
   * @throws where no file could be placed; the files of this call may then be placed or not
   */
  importAllPlaced(space: SpaceId, files: readonly FileToPlace[], options?: ImportOptions): Promise<readonly Placed[]>
  /** Says that a file holds these chunks one after the other, because they were just written there. */
  place(space: SpaceId, key: PlaceKey, chunks: AsyncIterable<PlacedRun>): Promise<void>
  isPlaced(key: PlaceKey): Promise<boolean>
  /** Reads a file. @returns whether it holds all that was said of it; `false` also where it cannot be had */
  holds(key: PlaceKey, options?: AbortOptions): Promise<boolean>
  /** The keys of all files, in batches. */
  placedKeys(options?: AbortOptions): AsyncIterable<readonly PlaceKey[]>
  /** Forgets a file. */
  unplace(key: PlaceKey): Promise<void>
  /**
   * Copies into the store what lies in this file, before it is overwritten or removed. That another file should hold
   * the same is not relied upon: it may have changed a moment ago.
   *
   * @returns the chunks that neither this file nor another holds any more
   */
  preserve(key: PlaceKey, options?: PutOptions): Promise<readonly ChunkId[]>
}

/** A file that is to be cut, and left where it is. */
export interface FileToPlace {
  readonly key: PlaceKey
  readonly path: string
}

/** What became of it. */
export type Placed = Pick<ImportResult, 'content' | 'size'> | { readonly error: unknown }

export interface PlacedChunkStoreInit {
  /** Holds all that lies in no file. Opened and closed with this store. */
  store: ChunkStore & FileCutter
  /** Of the table of places; made where it is missing. */
  directory: string
  files: PlacedFiles
  /** Asked at the start: files whose key it refuses are forgotten. */
  isKept?: (key: PlaceKey) => boolean
  blake3?: Blake3
  openDatabase?: OpenIndexDatabase
}

/**
 * A chunk store some of whose chunks lie in files of the user's, so that they are on disk once. Each is verified when it
 * is read; what a file no longer holds is not held.
 *
 * Order of writes: a file's bytes are durable before `place` is called; `collect` drops a chunk's other copy only after
 * its bytes were read from the file and matched.
 */
export function placedChunkStore(init: PlacedChunkStoreInit): ChunkStore & PlacedChunks {
  return new PlacedChunkStore(init)
}

class PlacedChunkStore implements ChunkStore, PlacedChunks {
  readonly #init: PlacedChunkStoreInit
  readonly #store: ChunkStore & FileCutter
  readonly #blake3: Blake3
  #table!: PlaceTable
  #reader!: PlaceReader

  constructor(init: PlacedChunkStoreInit) {
    this.#init = init
    this.#store = init.store
    this.#blake3 = init.blake3 ?? loadBlake3()
  }

  async open(): Promise<void> {
    await this.#store.open()
    if (this.#table !== undefined) return
    this.#table = await PlaceTable.open(await this.#openDatabase(), this.#init.isKept)
    this.#reader = new PlaceReader(this.#table, this.#init.files, this.#blake3, this.#store)
  }

  async close(): Promise<void> {
    await this.#store.close()
    await this.#table?.close()
  }

  async has(space: SpaceId, ids: readonly ChunkId[]): Promise<boolean[]> {
    const held = await this.#store.has(space, ids)
    const number = this.#table.space(space)
    const lacking = number === undefined ? [] : ids.filter((_, nth) => held[nth] !== true)
    if (lacking.length === 0) return held
    const places = await this.#table.lookup(lacking)
    const isPlaced = new Set(lacking.filter((_, nth) => places[nth]?.some((place) => place.space === number) === true))
    return held.map((isHeld, nth) => isHeld || isPlaced.has(ids[nth] as ChunkId))
  }

  async get(space: SpaceId, id: ChunkId, options: AbortOptions = {}): Promise<Uint8Array | undefined> {
    let damage: unknown
    try {
      const bytes = await this.#store.get(space, id, options)
      if (bytes !== undefined) return bytes
    } catch (error) {
      if (!isDittoError(error, 'DITTO_CHUNK_CORRUPT')) throw error
      damage = error
    }
    for (const wanted of await this.#placed(space, [id])) {
      for await (const { bytes } of this.#reader.read([wanted], options)) if (bytes !== undefined) return bytes
    }
    if (damage !== undefined) throw damage
    return undefined
  }

  async *getMany(
    space: SpaceId,
    ids: readonly ChunkId[],
    options: AbortOptions = {},
  ): AsyncGenerator<readonly { readonly index: number; readonly bytes: Uint8Array | undefined }[]> {
    for await (const batch of this.#store.getMany(space, ids, options)) {
      const found = batch.filter(({ bytes }) => bytes !== undefined)
      if (found.length > 0) yield found
      const lacking = batch.flatMap(({ index, bytes }) => (bytes === undefined ? [index] : []))
      if (lacking.length > 0) yield* this.#getPlaced(space, ids, lacking, options)
    }
  }

  put(space: SpaceId, chunks: readonly Chunk[], options?: PutOptions): Promise<ChunkId[]> {
    return this.#store.put(space, chunks, options)
  }

  importFile(space: SpaceId, path: string, options?: ImportOptions): Promise<ImportResult> {
    return this.#store.importFile(space, path, options)
  }

  importStream(space: SpaceId, source: AsyncIterable<Uint8Array>, options?: ImportOptions): Promise<ImportResult> {
    return this.#store.importStream(space, source, options)
  }

  async importPlaced(space: SpaceId, key: PlaceKey, path: string, options: ImportOptions = {}): Promise<ImportResult> {
    const runs = new RunQueue()
    const cutting = this.#store
      .cutFile(space, path, (chunks) => runs.add(chunks), options)
      .then(
        (result) => {
          runs.end()
          return result
        },
        (error: unknown) => {
          runs.fail(error)
          throw error
        },
      )
    const [result] = await Promise.all([cutting, this.#table.place(space, key, runs)])
    return result
  }

  async importAllPlaced(
    space: SpaceId,
    files: readonly FileToPlace[],
    options: ImportOptions = {},
  ): Promise<readonly Placed[]> {
    const paths = files.map(({ path }) => path)
    const cut = await this.#store.cutFiles(space, paths, options)
    const small = files.flatMap(({ key }, nth) => {
      const file = cut[nth]
      return file !== undefined && 'chunks' in file ? [{ key, chunks: file.chunks }] : []
    })
    await this.#table.placeAll(space, small)
    const placed: Placed[] = []
    let next = 0
    const run = async () => {
      while (next < files.length) {
        const nth = next++
        placed[nth] = cut[nth] ?? (await this.#importOne(space, files[nth] as FileToPlace, options))
      }
    }
    await Promise.all(Array.from({ length: CONCURRENT_IMPORTS }, run))
    return placed
  }

  place(space: SpaceId, key: PlaceKey, chunks: AsyncIterable<PlacedRun>): Promise<void> {
    return this.#table.place(space, key, chunks)
  }

  async isPlaced(key: PlaceKey): Promise<boolean> {
    return (await this.#table.numberOf(key)) !== undefined
  }

  async holds(key: PlaceKey, options: AbortOptions = {}): Promise<boolean> {
    const file = await this.#table.numberOf(key)
    if (file === undefined) return false
    for await (const ids of this.#table.chunksOf(file, options)) {
      const places = await this.#table.lookup(ids)
      const wanted = ids.map((id, nth) => ({ id, places: (places[nth] ?? []).filter((place) => place.file === file) }))
      for await (const { bytes } of this.#reader.read(wanted, options)) if (bytes === undefined) return false
    }
    return true
  }

  placedKeys(options?: AbortOptions): AsyncIterable<readonly PlaceKey[]> {
    return this.#table.keys(options)
  }

  unplace(key: PlaceKey): Promise<void> {
    return this.#table.unplace(key)
  }

  async preserve(key: PlaceKey, options: PutOptions = {}): Promise<readonly ChunkId[]> {
    const file = await this.#table.numberOf(key)
    if (file === undefined) return []
    const [row] = await this.#table.files([file])
    const space = row === undefined ? undefined : this.#table.spaceOf(row.space)
    if (space === undefined) return []
    const lost: ChunkId[] = []
    for await (const ids of this.#table.chunksOf(file, options)) {
      const held = await this.#store.has(space, ids)
      const places = await this.#table.lookup(ids)
      const wanted = ids.flatMap((id, nth): WantedPlaces[] => {
        return held[nth] === true ? [] : [{ id, places: ownFirst(places[nth] ?? [], file) }]
      })
      let batch: Chunk[] = []
      let bytesInBatch = 0
      for await (const { wanted: one, bytes } of this.#reader.read(wanted, options)) {
        if (bytes === undefined) {
          lost.push(one.id)
          continue
        }
        batch.push({ id: one.id, bytes })
        bytesInBatch += bytes.length
        if (bytesInBatch < BATCH_BYTES) continue
        await this.#store.put(space, batch, options)
        batch = []
        bytesInBatch = 0
      }
      if (batch.length > 0) await this.#store.put(space, batch, options)
    }
    return lost
  }

  flush(): Promise<void> {
    return this.#store.flush()
  }

  stats(): Promise<ChunkStoreStats> {
    return this.#store.stats()
  }

  async *verify(
    options: AbortOptions & { onProgress?: (bytes: number, total: number) => void } = {},
  ): AsyncGenerator<ChunkDamage> {
    yield* this.#store.verify(options)
    for await (const batch of this.#table.all(options)) {
      for await (const { wanted, bytes, wrong } of this.#reader.read(batch, options)) {
        for (const place of wrong) await this.#table.drop(wanted.id, place)
        // A file that cannot be had now is no damage.
        if (bytes !== undefined || wrong.length === 0 || (await this.#isStored(wanted))) continue
        yield { id: wanted.id, problem: 'corrupt', pack: 0 }
      }
    }
  }

  /** What a file holds needs no other copy: chunks that lie in a file, verified now, are not kept in the store. */
  async collect(
    space: SpaceId,
    keep: AsyncIterable<readonly ChunkId[]>,
    options: AbortOptions = {},
  ): Promise<{ readonly chunks: number; readonly bytes: number }> {
    const freed = await this.#store.collect(space, this.#notPlaced(space, keep, options), options)
    await this.#table.compact()
    return freed
  }

  #importOne(space: SpaceId, { key, path }: FileToPlace, options: ImportOptions): Promise<Placed> {
    return this.importPlaced(space, key, path, options).catch((error: unknown) => {
      options.signal?.throwIfAborted()
      return { error }
    })
  }

  async *#notPlaced(
    space: SpaceId,
    keep: AsyncIterable<readonly ChunkId[]>,
    options: AbortOptions,
  ): AsyncGenerator<readonly ChunkId[]> {
    for await (const ids of keep) {
      const held = await this.#store.has(space, ids)
      const stored = ids.filter((_, nth) => held[nth] === true)
      const inFile = new Set<ChunkId>()
      for await (const { wanted, bytes } of this.#reader.read(await this.#placed(space, stored), options)) {
        if (bytes !== undefined) inFile.add(wanted.id)
      }
      yield inFile.size === 0 ? ids : ids.filter((id) => !inFile.has(id))
    }
  }

  async *#getPlaced(
    space: SpaceId,
    ids: readonly ChunkId[],
    indexes: readonly number[],
    options: AbortOptions,
  ): AsyncGenerator<readonly { readonly index: number; readonly bytes: Uint8Array | undefined }[]> {
    const wanted = await this.#placed(
      space,
      indexes.map((index) => ids[index] as ChunkId),
    )
    const placesOf = new Map(wanted.map(({ id, places }) => [id, places]))
    const all = indexes.map((index) => {
      const id = ids[index] as ChunkId
      return { index, id, places: placesOf.get(id) ?? [] }
    })
    let batch: { index: number; bytes: Uint8Array | undefined }[] = []
    let bytesInBatch = 0
    for await (const { wanted: one, bytes } of this.#reader.read(all, options)) {
      batch.push({ index: one.index, bytes })
      bytesInBatch += bytes?.length ?? 0
      if (bytesInBatch < BATCH_BYTES) continue
      yield batch
      batch = []
      bytesInBatch = 0
    }
    if (batch.length > 0) yield batch
  }

  /** Those of the chunks that lie in files of the space. */
  async #placed(space: SpaceId, ids: readonly ChunkId[]): Promise<WantedPlaces[]> {
    const number = this.#table.space(space)
    if (number === undefined || ids.length === 0) return []
    const found = await this.#table.lookup(ids)
    return ids.flatMap((id, nth) => {
      const places = found[nth] ?? []
      return places.some((place) => place.space === number) ? [{ id, places }] : []
    })
  }

  async #isStored({ id, places }: WantedPlaces): Promise<boolean> {
    for (const number of new Set(places.map((place) => place.space))) {
      const space = this.#table.spaceOf(number)
      if (space !== undefined && (await this.#store.has(space, [id]))[0] === true) return true
    }
    return false
  }

  async #openDatabase() {
    const open = this.#init.openDatabase ?? openLevelIndexDatabase
    try {
      return await open(this.#init.directory, false)
    } catch (error) {
      // What it knows is found again by looking at the files.
      if (!isDittoError(error, 'DITTO_STORE_CORRUPT')) throw error
      return open(this.#init.directory, true)
    }
  }
}

function ownFirst(places: readonly Place[], file: number): readonly Place[] {
  return [...places].sort((a, b) => Number(b.file === file) - Number(a.file === file))
}
