import { type AbortOptions, type ChunkId, type ChunkRef, DittoError, type SpaceId, spaceId } from '@dittofs/interface'
import { IdLock } from '../id-lock.ts'
import type { IndexDatabase, IndexWrite } from '../index-database.ts'
import { SpaceTable } from '../space-table.ts'
import { JoinedWrites } from './joined-writes.ts'
import {
  CHUNK_ROWS,
  chunkOfFileRow,
  chunkOfRow,
  chunkRow,
  decodeFile,
  decodeFileNumber,
  decodePlaces,
  decodeSpaceRow,
  encodeFile,
  encodeFileNumber,
  encodePlaces,
  type FileRow,
  fileChunkRow,
  fileChunkRows,
  fileOfNumberRow,
  keyRow,
  morePlacesRow,
  morePlacesRows,
  NUMBER_ROWS,
  numberRow,
  type Place,
  SPACE_ROWS,
  spaceRow,
} from './place-codec.ts'

/** Places of one chunk in its own row, which is read for every question; the rest have a row each and move up. */
const MAX_PLACES = 16
const MAX_KEY_BYTES = 64
/** Chunks changed under one lock, and in one write. */
const CHUNKS_PER_WRITE = 1024

/** A file and all of its chunks, in order. */
export interface PlacedWhole {
  readonly key: string
  readonly chunks: readonly ChunkRef[]
}

/** Chunks of a file with where they begin in it. */
export interface PlacedRun {
  readonly offset: number
  readonly chunks: readonly ChunkRef[]
}

/**
 * Which chunks lie in which files of the user's, on disk.
 *
 * A file that is placed anew gets a new number; its key names the new number only when all of its chunks are written,
 * and the old number's rows go last. What a crash leaves of a number that no key names is removed at the next start.
 */
export class PlaceTable {
  readonly #database: IndexDatabase
  readonly #writes: JoinedWrites
  readonly #lock = new IdLock()
  readonly #spaces = new SpaceTable()
  #lastFile = 0

  /**
   * Opens what is there and removes what a crash has left half done.
   *
   * @param isKept - files whose key it refuses are forgotten
   */
  static async open(database: IndexDatabase, isKept: (key: string) => boolean = () => true): Promise<PlaceTable> {
    const table = new PlaceTable(database)
    for await (const batch of database.entries(SPACE_ROWS.from, SPACE_ROWS.to)) {
      for (const [key, value] of batch) table.#spaces.set(...decodeSpaceRow(key, value))
    }
    for await (const batch of database.entries(NUMBER_ROWS.from, NUMBER_ROWS.to)) await table.#takeFiles(batch, isKept)
    return table
  }

  private constructor(database: IndexDatabase) {
    this.#database = database
    this.#writes = new JoinedWrites(database)
  }

  space(id: SpaceId): number | undefined {
    return this.#spaces.number(id)
  }

  spaceOf(number: number): SpaceId | undefined {
    return this.#spaces.id(number)
  }

  /** See {@link IndexDatabase.compact}. */
  compact(): Promise<void> {
    return this.#database.compact()
  }

  /** @returns the places of each chunk, in the order asked */
  async lookup(ids: readonly ChunkId[]): Promise<(readonly Place[])[]> {
    const values = await this.#database.getMany(ids.map(chunkRow))
    return values.map((value) => (value === undefined ? [] : decodePlaces(value)))
  }

  /** @returns the rows of files, `undefined` for one that is placed no more */
  async files(numbers: readonly number[]): Promise<(FileRow | undefined)[]> {
    const values = await this.#database.getMany(numbers.map(numberRow))
    return values.map((value) => (value === undefined ? undefined : decodeFile(value)))
  }

  /** The number that a key names, if any. */
  async numberOf(key: string): Promise<number | undefined> {
    const [value] = await this.#database.getMany([keyRow(key)])
    return value === undefined ? undefined : decodeFileNumber(value)
  }

  /**
   * Says that a file holds these chunks, and no others. `runs` may throw: the file then keeps what it had.
   *
   * @throws RangeError for a key that is empty or longer than 64 bytes
   */
  async place(space: SpaceId, key: string, runs: AsyncIterable<PlacedRun>): Promise<void> {
    checkKey(key)
    const spaceNumber = await this.#spaceNumber(space)
    const file = this.#nextFile()
    const begin: IndexWrite = { key: numberRow(file), value: encodeFile({ key, space: spaceNumber }) }
    const name: IndexWrite = { key: keyRow(key), value: encodeFileNumber(file) }
    const before = await this.numberOf(key)
    try {
      // All in one write where it is small: most files are.
      let held: ReadonlyMap<ChunkId, Place> | undefined
      let writes: readonly IndexWrite[] = [begin]
      for await (const part of partsOf(runs, spaceNumber, file)) {
        if (held !== undefined) {
          await this.#addPart(file, held, writes)
          writes = []
        }
        held = part
      }
      if (held === undefined) await this.#writes.write([...writes, name])
      else await this.#addPart(file, held, [...writes, name])
    } catch (error) {
      await this.#removeFile(file)
      throw error
    }
    if (before !== undefined) await this.#removeFile(before)
  }

  /**
   * Says of many small files at once which chunks they hold: one read and one write for some hundred of them.
   *
   * @param files - of keys that differ
   * @throws RangeError as `place`; of a group whose write fails the files keep what they had
   */
  async placeAll(space: SpaceId, files: readonly PlacedWhole[]): Promise<void> {
    for (const { key } of files) checkKey(key)
    const spaceNumber = await this.#spaceNumber(space)
    for (const group of groupsOf(files)) await this.#placeGroup(spaceNumber, group)
  }

  /** Forgets a file. */
  async unplace(key: string): Promise<void> {
    const file = await this.numberOf(key)
    if (file === undefined) return
    await this.#writes.write([{ key: keyRow(key) }])
    await this.#removeFile(file)
  }

  /** The keys of all files, in batches. */
  async *keys(options: AbortOptions = {}): AsyncGenerator<readonly string[]> {
    for await (const batch of this.#database.entries(NUMBER_ROWS.from, NUMBER_ROWS.to, options)) {
      yield batch.map(([, value]) => decodeFile(value).key)
    }
  }

  /** The chunks of a file, each once, in batches in the order of their IDs. */
  async *chunksOf(file: number, options: AbortOptions = {}): AsyncGenerator<readonly ChunkId[]> {
    const { from, to } = fileChunkRows(file)
    for await (const batch of this.#database.entries(from, to, options)) {
      yield batch.map(([key]) => chunkOfFileRow(key))
    }
  }

  /** All chunks that lie in files, in batches. */
  async *all(options: AbortOptions = {}): AsyncGenerator<readonly { id: ChunkId; places: readonly Place[] }[]> {
    for await (const batch of this.#database.entries(CHUNK_ROWS.from, CHUNK_ROWS.to, options)) {
      yield batch.map(([key, value]) => ({ id: chunkOfRow(key), places: decodePlaces(value) }))
    }
  }

  /** Forgets that a chunk lies at a place: its bytes are not there. */
  async drop(id: ChunkId, place: Place): Promise<void> {
    await this.#remove([id], place.file)
  }

  close(): Promise<void> {
    return this.#database.close()
  }

  async #takeFiles(
    batch: readonly (readonly [Uint8Array, Uint8Array])[],
    isKept: (key: string) => boolean,
  ): Promise<void> {
    for (const [row, value] of batch) {
      const file = fileOfNumberRow(row)
      this.#lastFile = Math.max(this.#lastFile, file)
      const { key } = decodeFile(value)
      if (!isKept(key)) await this.unplace(key)
      else if ((await this.numberOf(key)) !== file) await this.#removeFile(file)
    }
  }

  #nextFile(): number {
    if (this.#lastFile >= 0xffff_fffe) throw new DittoError('DITTO_LIMIT', 'The table of placed files is full.')
    this.#lastFile += 1
    return this.#lastFile
  }

  async #spaceNumber(space: SpaceId): Promise<number> {
    const known = this.#spaces.number(space)
    if (known !== undefined) return known
    const number = this.#spaces.add(space)
    await this.#writes.write([{ key: spaceRow(number), value: spaceId.toBytes(space) }])
    return number
  }

  async #placeGroup(space: number, files: readonly PlacedWhole[]): Promise<void> {
    const before = await this.#database.getMany(files.map(({ key }) => keyRow(key)))
    const added = new Map<ChunkId, Place[]>()
    const writes: IndexWrite[] = []
    for (const { key, chunks } of files) {
      const file = this.#nextFile()
      writes.push({ key: numberRow(file), value: encodeFile({ key, space }) })
      writes.push({ key: keyRow(key), value: encodeFileNumber(file) })
      let offset = 0
      for (const { id, length } of chunks) {
        const places = added.get(id)
        const place = { space, file, offset, length }
        if (places === undefined) added.set(id, [place])
        else if (places.at(-1)?.file !== file) places.push(place)
        offset += length
      }
    }
    await this.#change([...added.keys()], writes, async (id, places) => {
      const fresh = added.get(id) as Place[]
      const room = Math.max(0, MAX_PLACES - places.length)
      return [
        { key: chunkRow(id), value: encodePlaces([...places, ...fresh.slice(0, room)]) },
        ...fresh.slice(room).map((place) => ({ key: morePlacesRow(id, place.file), value: encodePlaces([place]) })),
        ...fresh.map(({ file }) => ({ key: fileChunkRow(file, id), value: Buffer.of(0) })),
      ]
    })
    for (const value of before) if (value !== undefined) await this.#removeFile(decodeFileNumber(value))
  }

  #addPart(file: number, part: ReadonlyMap<ChunkId, Place>, also: readonly IndexWrite[]): Promise<void> {
    return this.#change([...part.keys()], also, async (id, places) => {
      if (places.some((place) => place.file === file)) return []
      const place = part.get(id) as Place
      const isFull = places.length >= MAX_PLACES
      return [
        isFull
          ? { key: morePlacesRow(id, file), value: encodePlaces([place]) }
          : { key: chunkRow(id), value: encodePlaces([...places, place]) },
        { key: fileChunkRow(file, id), value: Buffer.of(0) },
      ]
    })
  }

  async #removeFile(file: number): Promise<void> {
    for await (const ids of this.chunksOf(file)) await this.#remove(ids, file)
    await this.#writes.write([{ key: numberRow(file) }])
  }

  /** Forgets that chunks lie in a file. A place that had to wait for room in a chunk's row takes the one that is free. */
  #remove(ids: readonly ChunkId[], file: number): Promise<void> {
    return this.#change(ids, [], async (id, places) => {
      const writes: IndexWrite[] = [{ key: fileChunkRow(file, id) }]
      const after = places.filter((place) => place.file !== file)
      if (after.length === places.length) return [...writes, { key: morePlacesRow(id, file) }]
      const next = places.length < MAX_PLACES ? undefined : await this.#nextPlace(id)
      if (next !== undefined) {
        after.push(next)
        writes.push({ key: morePlacesRow(id, next.file) })
      }
      const value = after.length === 0 ? {} : { value: encodePlaces(after) }
      return [...writes, { key: chunkRow(id), ...value }]
    })
  }

  /** A place of a chunk that its own row has no room for. */
  async #nextPlace(id: ChunkId): Promise<Place | undefined> {
    const { from, to } = morePlacesRows(id)
    for await (const batch of this.#database.entries(from, to)) {
      for (const [, value] of batch) return decodePlaces(value)[0]
    }
    return undefined
  }

  /**
   * Changes the rows of chunks, one write for all.
   *
   * @param change - what to write, by the places in the chunk's row
   * @param also - goes with the same write
   */
  async #change(
    ids: readonly ChunkId[],
    also: readonly IndexWrite[],
    change: (id: ChunkId, places: readonly Place[]) => Promise<readonly IndexWrite[]>,
  ): Promise<void> {
    const release = await this.#lock.acquire(ids)
    try {
      const writes: IndexWrite[] = [...also]
      for (const [nth, places] of (await this.lookup(ids)).entries()) {
        writes.push(...(await change(ids[nth] as ChunkId, places)))
      }
      if (writes.length > 0) await this.#writes.write(writes)
    } finally {
      release()
    }
  }
}

function checkKey(key: string): void {
  const bytes = Buffer.byteLength(key)
  if (bytes === 0 || bytes > MAX_KEY_BYTES) throw new RangeError('a place key has 1 to 64 bytes')
}

/** As many files together as name some CHUNKS_PER_WRITE chunks, or as there are rows of their own. */
function* groupsOf(files: readonly PlacedWhole[]): Generator<readonly PlacedWhole[]> {
  let group: PlacedWhole[] = []
  let rows = 0
  for (const file of files) {
    group.push(file)
    rows += 1 + file.chunks.length
    if (rows < CHUNKS_PER_WRITE) continue
    yield group
    group = []
    rows = 0
  }
  if (group.length > 0) yield group
}

/** The places of a file's chunks, each chunk once a part, as many as are written together. */
async function* partsOf(
  runs: AsyncIterable<PlacedRun>,
  space: number,
  file: number,
): AsyncGenerator<ReadonlyMap<ChunkId, Place>> {
  let part = new Map<ChunkId, Place>()
  for await (const run of runs) {
    let { offset } = run
    for (const { id, length } of run.chunks) {
      if (!part.has(id)) part.set(id, { space, file, offset, length })
      offset += length
      if (part.size < CHUNKS_PER_WRITE) continue
      yield part
      part = new Map()
    }
  }
  if (part.size > 0) yield part
}
