import { type AbortOptions, type ChunkId, chunkId } from '@dittofs/interface'
import { type Blake3, chunkIdOf } from '../blake3.ts'
import type { FileCutter } from '../file-cutter.ts'
import type { Place } from './place-codec.ts'
import type { PlaceTable } from './place-table.ts'
import type { PlacedFile, PlacedFiles } from './placed-files.ts'

/** Files kept open while chunks are read: neighbours of one request mostly lie in one file. */
const MAX_OPEN_FILES = 8
/** Bytes and chunks read together; while some are used, the next are read. */
const BATCH_BYTES = 1024 * 1024
const BATCH_CHUNKS = 128

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
  readonly #store: Pick<FileCutter, 'readParts'>

  constructor(table: PlaceTable, files: PlacedFiles, blake3: Blake3, store: Pick<FileCutter, 'readParts'>) {
    this.#table = table
    this.#files = files
    this.#blake3 = blake3
    this.#store = store
  }

  /** Reads chunks, in their order. @returns for each its bytes, `undefined` where no file has them */
  async *read<Wanted extends WantedPlaces>(
    wanted: readonly Wanted[],
    options: AbortOptions = {},
  ): AsyncGenerator<ReadPlaced<Wanted>> {
    const open = new OpenFiles(this.#table, this.#files)
    const batches = batchesOf(wanted)
    let next = this.#start(batches[0])
    try {
      for (const [nth, batch] of batches.entries()) {
        const found = await next
        next = this.#start(batches[nth + 1])
        for (const [at, one] of batch.entries()) {
          options.signal?.throwIfAborted()
          const bytes = found[at]
          yield { wanted: one, ...(bytes === undefined ? await this.#readOne(open, one) : { bytes, wrong: [] }) }
        }
      }
    } finally {
      await next.catch(() => undefined)
      await open.close()
    }
  }

  #start(batch: readonly WantedPlaces[] | undefined): Promise<readonly (Uint8Array | undefined)[]> {
    const reading = batch === undefined ? Promise.resolve([]) : this.#readTogether(batch)
    // It is awaited one batch later; until then a failure must not count as unhandled.
    reading.catch(() => undefined)
    return reading
  }

  /** Reads each chunk from its first place. What is not there is looked for with more care by whoever asked. */
  async #readTogether(batch: readonly WantedPlaces[]): Promise<readonly (Uint8Array | undefined)[]> {
    const found: (Uint8Array | undefined)[] = batch.map(() => undefined)
    if (this.#files.pathOf === undefined) return found
    const paths = await this.#pathsOf(batch)
    const known = [...batch.keys()].filter((nth) => paths.has(batch[nth]?.places[0]?.file ?? 0))
    if (known.length === 0) return found
    const names = [...paths.keys()]
    const nthOf = new Map(names.map((file, nth) => [file, nth]))
    const parts = new Float64Array(known.length * 3)
    const digests = new Uint8Array(known.length * 32)
    for (const [at, nth] of known.entries()) {
      const { id, places } = batch[nth] as WantedPlaces
      const { file, offset, length } = places[0] as Place
      parts.set([nthOf.get(file) as number, offset, length], at * 3)
      digests.set(chunkId.toBytes(id), at * 32)
    }
    const lengths = known.map((nth) => batch[nth]?.places[0]?.length ?? 0)
    const { bytes, isGood } = await this.#store.readParts({ paths: [...paths.values()], parts, digests })
    let from = 0
    for (const [at, nth] of known.entries()) {
      const length = lengths[at] as number
      if (isGood[at] === 1) found[nth] = bytes.subarray(from, from + length)
      from += length
    }
    return found
  }

  /** Where the files are that the first places are in, by number. */
  async #pathsOf(batch: readonly WantedPlaces[]): Promise<ReadonlyMap<number, string>> {
    const numbers = [...new Set(batch.flatMap(({ places }) => places[0]?.file ?? []))]
    const paths = new Map<number, string>()
    for (const [nth, row] of (await this.#table.files(numbers)).entries()) {
      const path = row === undefined ? undefined : this.#files.pathOf?.(row.key)
      if (path !== undefined) paths.set(numbers[nth] as number, path)
    }
    return paths
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

function batchesOf<Wanted extends WantedPlaces>(wanted: readonly Wanted[]): readonly (readonly Wanted[])[] {
  const batches: Wanted[][] = []
  let bytes = Number.POSITIVE_INFINITY
  for (const one of wanted) {
    const length = one.places[0]?.length ?? 0
    if (bytes + length > BATCH_BYTES || batches.at(-1)?.length === BATCH_CHUNKS) {
      batches.push([])
      bytes = 0
    }
    bytes += length
    batches.at(-1)?.push(one)
  }
  return batches
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
