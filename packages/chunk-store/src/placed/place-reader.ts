import type { AbortOptions, ChunkId } from '@dittofs/interface'
import { type Blake3, chunkIdOf } from '../blake3.ts'
import type { Place } from './place-codec.ts'
import type { PlaceTable } from './place-table.ts'
import type { PlacedFile, PlacedFiles } from './placed-files.ts'

/** Files kept open while chunks are read: neighbours of one request mostly lie in one file. */
const MAX_OPEN_FILES = 8

/** A chunk to read and where it may lie. */
export interface WantedPlaces {
  readonly id: ChunkId
  readonly places: readonly Place[]
}

export interface ReadPlaced<Wanted> {
  readonly wanted: Wanted
  readonly bytes: Uint8Array | undefined
  /** Places that were looked at and hold something else. */
  readonly wrong: readonly Place[]
}

/**
 * Reads chunks out of files of the user's and verifies each. That other bytes are found says little: the file may have
 * been moved a moment ago, and its owner not know yet. So nothing is concluded from it, unless a check of everything asks.
 */
export class PlaceReader {
  readonly #table: PlaceTable
  readonly #files: PlacedFiles
  readonly #blake3: Blake3

  constructor(table: PlaceTable, files: PlacedFiles, blake3: Blake3) {
    this.#table = table
    this.#files = files
    this.#blake3 = blake3
  }

  /** Reads chunks one after the other. @returns for each its bytes, `undefined` where no file has them */
  async *read<Wanted extends WantedPlaces>(
    wanted: readonly Wanted[],
    options: AbortOptions = {},
  ): AsyncGenerator<ReadPlaced<Wanted>> {
    const open = new OpenFiles(this.#table, this.#files)
    try {
      for (const one of wanted) {
        options.signal?.throwIfAborted()
        yield { wanted: one, ...(await this.#readOne(open, one)) }
      }
    } finally {
      await open.close()
    }
  }

  async #readOne(open: OpenFiles, { id, places }: WantedPlaces): Promise<Omit<ReadPlaced<WantedPlaces>, 'wanted'>> {
    const wrong: Place[] = []
    for (const place of places) {
      const file = await open.get(place.file)
      if (file === undefined) {
        await this.#doubt(place)
        continue
      }
      const bytes = Buffer.allocUnsafeSlow(place.length)
      const isWhole = (await file.read(bytes, place.offset).catch(() => 0)) === place.length
      if (isWhole && chunkIdOf(this.#blake3, bytes) === id) return { bytes, wrong }
      wrong.push(place)
      await this.#doubt(place)
    }
    return { bytes: undefined, wrong }
  }

  async #doubt({ file }: Place): Promise<void> {
    if (this.#files.doubt === undefined) return
    const [row] = await this.#table.files([file])
    if (row !== undefined) this.#files.doubt(row.key)
  }
}

/** Files opened once for many reads. */
class OpenFiles {
  readonly #table: PlaceTable
  readonly #files: PlacedFiles
  readonly #open = new Map<number, PlacedFile | undefined>()

  constructor(table: PlaceTable, files: PlacedFiles) {
    this.#table = table
    this.#files = files
  }

  async get(number: number): Promise<PlacedFile | undefined> {
    if (this.#open.has(number)) return this.#open.get(number)
    const [oldest] = this.#open.keys()
    if (this.#open.size >= MAX_OPEN_FILES && oldest !== undefined) {
      await this.#open.get(oldest)?.close()
      this.#open.delete(oldest)
    }
    const [row] = await this.#table.files([number])
    const file = row === undefined ? undefined : await this.#files.open(row.key)
    this.#open.set(number, file)
    return file
  }

  async close(): Promise<void> {
    for (const file of this.#open.values()) await file?.close()
  }
}
