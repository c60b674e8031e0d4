import { createHash } from 'node:crypto'
import { DittoError } from '@dittofs/interface'
import { databaseError } from './database-error.ts'
import { BlockFiller, decodeImageHead, encodeImageHead } from './image-head.ts'

/**
 * What is needed of a LevelDB, or of anything that behaves like one; each call names its encodings. Spelled out, as
 * the types of abstract-level fit each other or not by the order in which a compiler meets them.
 */
export interface Database {
  open(): Promise<void>
  close(): Promise<void>
  get(key: string, options: typeof ENCODING): Promise<Uint8Array | undefined>
  batch(operations: Operation[], options: typeof ENCODING & { sync: boolean }): Promise<void>
  iterator(options: typeof ENCODING & KeyRange): AsyncIterable<[string, Uint8Array]>
  clear(options: typeof ENCODING & KeyRange): Promise<void>
}

const STORE_FORMAT = '1'
/** Updates since the last snapshot that a store may hold before it is compacted, however small the snapshot is. */
const MIN_COMPACTION_BYTES = 1024 * 1024
/** Bytes of one record of an image. */
const IMAGE_RECORD_BYTES = 256 * 1024
const ENCODING = { keyEncoding: 'utf8', valueEncoding: 'view' } as const

type Operation = { type: 'put'; key: string; value: Uint8Array } | { type: 'del'; key: string }

interface KeyRange {
  gte: string
  lt: string
}

interface Commit {
  readonly operations: readonly Operation[]
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/**
 * A space's document on disk: a snapshot and the updates since.
 *
 * Keys: `format`, `clean` (see {@link takeCleanStop}), `generation`, `snapshot/G/N`, `update/G/N`, and of an image that
 * says nothing that these do not say `index` and `index/I/N`. The snapshot of the
 * generation named by `generation` counts, and the updates of that and later generations, in order. A compaction
 * opens the next generation for updates, writes a snapshot of all before, and then, in one write, switches
 * `generation`. A crash before the switch leaves everything as it was.
 *
 * @see docs/metadata.md#persistence
 */
export class MetadataDatabase {
  readonly #database: Database
  #generation = 0
  #updateGeneration = 0
  #nextUpdate = 0
  #imageNumber = 0
  #snapshotBytes = 0
  #updateBytes = 0
  #commits: Commit[] = []
  #committing: Promise<void> | undefined
  #failure: unknown

  constructor(database: Database) {
    this.#database = database
  }

  /** @throws DittoError DITTO_STORE_VERSION, DITTO_STORE_CORRUPT, DITTO_IO */
  async open(): Promise<void> {
    await this.#guarded(async () => {
      await this.#database.open()
      const format = await this.#get('format')
      if (format === undefined) await this.#write([put('format', text(STORE_FORMAT)), put('generation', text('0'))])
      else if (untext(format) !== STORE_FORMAT) {
        throw new DittoError('DITTO_STORE_VERSION', 'The metadata of this space was written by a newer DittoFS.')
      }
      this.#generation = Number(untext((await this.#get('generation')) ?? text('0')))
      this.#updateGeneration = this.#generation
      await this.#removeLeftovers()
    })
  }

  /** Every update, in order: those of the snapshot, then those since. */
  async *updates(): AsyncGenerator<Uint8Array> {
    this.#snapshotBytes = 0
    this.#updateBytes = 0
    const start = part(this.#generation)
    for await (const [key, value] of this.#entries(`snapshot/${start}/`, `snapshot/${start}0`)) {
      this.#snapshotBytes += key.length + value.length
      yield value
    }
    for await (const [key, value] of this.#entries(`update/${start}/`, 'update0')) {
      const [, generation, number] = key.split('/')
      this.#updateGeneration = Number(generation)
      this.#nextUpdate = Number(number) + 1
      this.#updateBytes += key.length + value.length
      yield value
    }
  }

  /**
   * What {@link close} was given by the last life of this store, and forgets it: only a store that was closed whole
   * may go on as the same writer.
   */
  async takeCleanStop(): Promise<Uint8Array | undefined> {
    return this.#guarded(async () => {
      const mark = await this.#get('clean')
      if (mark !== undefined) await this.#write([{ type: 'del', key: 'clean' }])
      return mark
    })
  }

  /**
   * Appends updates, all or none. What is appended while a write is under way goes to disk with the next one.
   *
   * @returns when they, and all before them, are on stable storage
   */
  append(updates: readonly Uint8Array[]): Promise<void> {
    const operations = updates.map((update) => {
      const key = `update/${part(this.#updateGeneration)}/${part(this.#nextUpdate)}`
      this.#nextUpdate += 1
      this.#updateBytes += key.length + update.length
      return put(key, update)
    })
    return this.#commit(operations)
  }

  get isCompactionDue(): boolean {
    return this.#updateBytes > Math.max(MIN_COMPACTION_BYTES, this.#snapshotBytes / 4)
  }

  /**
   * Replaces all updates so far by a snapshot. Updates appended after the call began stay.
   *
   * @param snapshot - read to its end, one record at a time
   * @param dropsImage - whether the image of the index is not of what the snapshot holds
   */
  async compact(snapshot: AsyncIterable<Uint8Array>, dropsImage = false): Promise<void> {
    const old = this.#generation
    const next = this.#updateGeneration + 1
    this.#updateGeneration = next
    this.#nextUpdate = 0
    this.#updateBytes = 0
    let bytes = 0
    let number = 0
    for await (const record of snapshot) {
      await this.#commit([put(`snapshot/${part(next)}/${part(number)}`, record)])
      number += 1
      bytes += record.length
    }
    // In order behind all appended so far: the snapshot may leave out what one of those replaced.
    const dropped: Operation[] = dropsImage ? [{ type: 'del', key: 'index' }] : []
    await this.#commit([put('generation', text(String(next))), ...dropped])
    this.#generation = next
    this.#snapshotBytes = bytes
    await this.#guarded(async () => {
      await this.#database.clear({ ...ENCODING, gte: `snapshot/${part(old)}/`, lt: `snapshot/${part(next)}/` })
      await this.#database.clear({ ...ENCODING, gte: `update/${part(old)}/`, lt: `update/${part(next)}/` })
    })
  }

  /** What {@link writeImage} was given last; `undefined` where there is none, or it is not whole. */
  async image(): Promise<readonly Uint8Array[] | undefined> {
    return this.#guarded(async () => {
      const head = decodeImageHead(await this.#get('index'))
      if (head === undefined) return undefined
      const blocks = head.lengths.map((length) => new Uint8Array(length))
      const filler = new BlockFiller(blocks)
      const number = part(head.number)
      for await (const [, value] of this.#entries(`index/${number}/`, `index/${number}0`)) filler.add(value)
      this.#imageNumber = head.number
      return filler.isWhole && filler.digest().equals(head.digest) ? blocks : undefined
    })
  }

  /**
   * Keeps an image of the index, in place of the one before. It counts from the last of its writes on.
   *
   * @param blocks - not changed until it is written
   */
  async writeImage(blocks: readonly Uint8Array[]): Promise<void> {
    this.#imageNumber += 1
    const number = part(this.#imageNumber)
    // A machine that stopped while it wrote one may have left records of that number.
    await this.#clearImages(`index/${number}/`, 'index0')
    const digest = createHash('sha256')
    let records = 0
    for (const block of blocks) {
      for (let at = 0; at < block.length; at += IMAGE_RECORD_BYTES) {
        const record = block.subarray(at, at + IMAGE_RECORD_BYTES)
        digest.update(record)
        await this.#commit([put(`index/${number}/${part(records)}`, record)])
        records += 1
      }
    }
    const lengths = blocks.map(({ length }) => length)
    await this.#commit([put('index', encodeImageHead({ number: this.#imageNumber, lengths, digest: digest.digest() }))])
    await this.#clearImages('index/', `index/${number}/`)
  }

  #clearImages(gte: string, lt: string): Promise<void> {
    return this.#guarded(() => this.#database.clear({ ...ENCODING, gte, lt }))
  }

  /** Waits for all that was appended, leaves a mark for {@link takeCleanStop} and closes. */
  async close(mark: Uint8Array | undefined): Promise<void> {
    try {
      if (mark !== undefined && this.#failure === undefined) await this.#commit([put('clean', mark)])
      await this.#committing
    } finally {
      await this.#database.close()
    }
  }

  async #removeLeftovers(): Promise<void> {
    const current = part(this.#generation)
    await this.#database.clear({ ...ENCODING, gte: 'snapshot/', lt: `snapshot/${current}/` })
    await this.#database.clear({ ...ENCODING, gte: `snapshot/${current}0`, lt: 'snapshot0' })
    await this.#database.clear({ ...ENCODING, gte: 'update/', lt: `update/${current}/` })
  }

  #get(key: string): Promise<Uint8Array | undefined> {
    return this.#database.get(key, ENCODING)
  }

  async *#entries(gte: string, lt: string): AsyncGenerator<readonly [string, Uint8Array]> {
    try {
      yield* this.#database.iterator({ ...ENCODING, gte, lt })
    } catch (error) {
      throw databaseError(error)
    }
  }

  #commit(operations: readonly Operation[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#commits.push({ operations, resolve, reject })
      this.#committing ??= this.#runCommits()
    })
  }

  async #runCommits(): Promise<void> {
    while (this.#commits.length > 0) {
      const commits = this.#commits
      this.#commits = []
      try {
        // After a failed write nobody knows what is on disk: nothing may follow it.
        if (this.#failure !== undefined) throw this.#failure
        await this.#write(commits.flatMap(({ operations }) => operations))
        for (const { resolve } of commits) resolve()
      } catch (error) {
        this.#failure ??= databaseError(error)
        for (const { reject } of commits) reject(this.#failure)
      }
    }
    // In the same turn as the last look at the list: a commit made later starts a new run.
    this.#committing = undefined
  }

  async #write(operations: readonly Operation[]): Promise<void> {
    const options = { ...ENCODING, sync: true }
    await this.#database.batch([...operations], options)
  }

  async #guarded<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      throw databaseError(error)
    }
  }
}

function put(key: string, value: Uint8Array): Operation {
  return { type: 'put', key, value }
}

/** Numbers in keys have twelve digits, so that their order is that of the text. */
function part(number: number): string {
  return String(number).padStart(12, '0')
}

function text(value: string): Uint8Array {
  return Buffer.from(value)
}

function untext(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString()
}
