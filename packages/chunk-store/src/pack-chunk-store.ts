import path from 'node:path'
import {
  type AbortOptions,
  type Chunk,
  type ChunkDamage,
  type ChunkId,
  type ChunkRef,
  type ChunkStore,
  type ChunkStoreStats,
  type Clock,
  DittoError,
  type ImportOptions,
  type ImportResult,
  type Logger,
  type PutOptions,
  type SpaceId,
  systemClock,
} from '@dittofs/interface'
import { type Blake3, type Blake3Kind, chunkIdOf, loadBlake3 } from './blake3.ts'
import { CallTracker } from './call-tracker.ts'
import type { WantedChunk } from './chunk-reader.ts'
import { ContentImport } from './content-import.ts'
import { cutFiles } from './cut-files.ts'
import { ExpectedChunksReader } from './expected-chunks.ts'
import type { CutFile, FileCutter } from './file-cutter.ts'
import { DEFAULT_IMPORT } from './file-import-queue.ts'
import { Gate } from './gate.ts'
import type { WriteOperation } from './group-commit.ts'
import type { OpenIndexDatabase } from './index-database.ts'
import { entriesByPack, liveBytesByPack } from './index-order.ts'
import { openLevelIndexDatabase } from './level-index-database.ts'
import { nodePackFileSystem } from './node-pack-file-system.ts'
import type { PackFileSystem } from './pack-file-system.ts'
import { packName, parsePackName } from './pack-format.ts'
import { storageError } from './storage-error.ts'
import { openStoreParts, packsDirectory, type StoreParts } from './store-parts.ts'
import { cutStream } from './stream-cutter.ts'
import { VerifiedPut } from './verified-put.ts'
import type { PartsRead, PartsToRead } from './worker-messages.ts'

export const DEFAULT_MAX_PACK_BYTES = 256 * 1024 * 1024
/** Offsets in packs are 32 bits wide, and the last record may pass the limit. */
const LARGEST_MAX_PACK_BYTES = 2 ** 31
/** IDs looked up at once by `getMany`. */
const LOOKUP_IDS = 4096

export interface PackChunkStoreInit {
  /** Has `packs` and `index`; made where it is missing, for its owner alone. */
  directory: string
  logger?: Logger
  /** Worker threads; 0 does their work on the calling thread. Default: the number of cores, 1 to 4. */
  workers?: number
  /** Size at which a pack is followed by the next, at most 2 GiB. Default 256 MiB. */
  maxPackBytes?: number
  clock?: Clock
  /** The implementation of BLAKE3 to insist on; the fastest available when absent. */
  blake3?: Blake3Kind | undefined
  /** Where packs are; tests put one here that fails. */
  fileSystem?: PackFileSystem
  /** Where the index is; LevelDB when absent. */
  openIndex?: OpenIndexDatabase
}

const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} }

/**
 * A chunk store on disk: bytes in append-only packs, the index in LevelDB, hashing and reading of files in worker
 * threads. One process at a time has it open.
 *
 * `open` brings the index up to the packs, making it anew from them where it is damaged, and throws DITTO_HOME_LOCKED
 * (another process has it open), DITTO_STORE_VERSION, DITTO_PERMISSION, DITTO_NO_SPACE or DITTO_IO.
 *
 * @see docs/storage-format.md
 */
export function packChunkStore(init: PackChunkStoreInit): ChunkStore & FileCutter {
  return new PackChunkStore(init)
}

class PackChunkStore implements ChunkStore, FileCutter {
  readonly #init: PackChunkStoreInit
  readonly #fileSystem: PackFileSystem
  readonly #logger: Logger
  readonly #packs: string
  readonly #blake3: Blake3
  readonly #calls = new CallTracker()
  readonly #puts: VerifiedPut
  readonly #collections = new Gate(1)
  readonly #expected = new ExpectedChunksReader(this)
  #parts!: StoreParts

  constructor(init: PackChunkStoreInit) {
    const { maxPackBytes = DEFAULT_MAX_PACK_BYTES } = init
    if (maxPackBytes < 1 || maxPackBytes > LARGEST_MAX_PACK_BYTES) {
      throw new RangeError(`maxPackBytes is 1 to ${LARGEST_MAX_PACK_BYTES}, not ${maxPackBytes}`)
    }
    this.#init = init
    this.#fileSystem = init.fileSystem ?? nodePackFileSystem
    this.#logger = init.logger ?? silentLogger
    this.#packs = packsDirectory(init.directory)
    this.#blake3 = loadBlake3(init.blake3)
    this.#puts = new VerifiedPut(this.#blake3, () => this.#parts.pool)
  }

  open(): Promise<void> {
    const { directory, workers, clock = systemClock, maxPackBytes = DEFAULT_MAX_PACK_BYTES } = this.#init
    return this.#calls.open(async () => {
      this.#parts = await openStoreParts({
        directory,
        logger: this.#logger,
        workers,
        maxPackBytes,
        clock,
        blake3: this.#blake3,
        blake3Kind: this.#init.blake3,
        fileSystem: this.#fileSystem,
        openIndex: this.#init.openIndex ?? openLevelIndexDatabase,
      })
    })
  }

  close(): Promise<void> {
    return this.#calls.close(async () => {
      const { group, pool, writer, handles, index } = this.#parts
      try {
        await group.flush()
      } finally {
        await pool.close()
        await writer.close()
        await handles.close()
        await index.close()
      }
    })
  }

  has(space: SpaceId, ids: readonly ChunkId[]): Promise<boolean[]> {
    return this.#calls.run(async () => {
      const number = this.#parts.spaces.number(space)
      if (number === undefined) return ids.map(() => false)
      const entries = await this.#parts.index.lookup(ids)
      return entries.map((entry) => entry !== undefined && entry.pack !== 0 && entry.spaces.includes(number))
    })
  }

  get(space: SpaceId, id: ChunkId, options: AbortOptions = {}): Promise<Uint8Array | undefined> {
    return this.#calls.run(async () => {
      options.signal?.throwIfAborted()
      const [wanted] = await this.#find(space, [id])
      if (wanted === undefined) return undefined
      for await (const batch of this.#parts.reader.read([wanted], options)) {
        for (const { wanted: read, bytes, problem } of batch) {
          if (problem === undefined) return bytes
          await this.#parts.markDamaged(read, problem)
          throw new DittoError(
            'DITTO_CHUNK_CORRUPT',
            'A stored chunk is damaged; it is fetched again from a device that has it.',
            {
              details: { id, problem, pack: read.entry.pack },
            },
          )
        }
      }
      return undefined
    })
  }

  async *getMany(
    space: SpaceId,
    ids: readonly ChunkId[],
    options: AbortOptions = {},
  ): AsyncGenerator<readonly { readonly index: number; readonly bytes: Uint8Array | undefined }[]> {
    this.#calls.check()
    options.signal?.throwIfAborted()
    for (let from = 0; from < ids.length; from += LOOKUP_IDS) {
      yield* this.#getWindow(space, ids, from, options)
    }
  }

  async put(space: SpaceId, chunks: readonly Chunk[], options: PutOptions = {}): Promise<ChunkId[]> {
    return this.#write(space, options, (number, operation) =>
      this.#puts.run(chunks, (good) => this.#parts.adder.add(number, good, operation), options),
    )
  }

  importFile(space: SpaceId, filePath: string, options: ImportOptions = {}): Promise<ImportResult> {
    return this.#import(space, options, (content) => this.#readFile(space, filePath, content, options))
  }

  cutFile(
    space: SpaceId,
    filePath: string,
    onChunks: (chunks: readonly ChunkRef[]) => void,
    options: ImportOptions = {},
  ): Promise<ImportResult> {
    return this.#import(space, options, (content) => this.#readFile(space, filePath, content, options), onChunks)
  }

  cutFiles(
    space: SpaceId,
    paths: readonly string[],
    options: ImportOptions = {},
  ): Promise<readonly (CutFile | undefined)[]> {
    return this.#write(space, options, (number, operation) => {
      const { pool, adder } = this.#parts
      const idOf = (bytes: Uint8Array) => chunkIdOf(this.#blake3, bytes)
      return cutFiles({ pool, adder, space: number, operation, idOf, options }, paths)
    })
  }

  readParts(parts: PartsToRead): Promise<PartsRead> {
    return this.#calls.run(() => this.#parts.pool.readParts(parts))
  }

  importStream(space: SpaceId, source: AsyncIterable<Uint8Array>, options: ImportOptions = {}): Promise<ImportResult> {
    return this.#import(space, options, (content) =>
      cutStream(
        this.#parts.pool,
        source,
        options.chunker ?? DEFAULT_IMPORT.chunker,
        (chunks) => content.add(chunks),
        options,
      ),
    )
  }

  flush(): Promise<void> {
    return this.#calls.run(() => this.#parts.group.flush())
  }

  stats(): Promise<ChunkStoreStats> {
    return this.#calls.run(async () => {
      const sizes = await this.#packSizes().catch((error: unknown) => {
        throw storageError(error)
      })
      const packBytes = sizes.reduce((sum, size) => sum + size, 0)
      return { ...this.#parts.index.totals, packBytes, packs: sizes.length }
    })
  }

  async *verify(
    options: AbortOptions & { onProgress?: (bytes: number, total: number) => void } = {},
  ): AsyncGenerator<ChunkDamage> {
    this.#calls.check()
    options.signal?.throwIfAborted()
    const { index, group, reader } = this.#parts
    await group.flush()
    const total = index.totals.bytes
    let done = 0
    const { chunks } = await liveBytesByPack(index, (length) => length, options)
    for await (const wanted of entriesByPack(index, chunks, options)) {
      for await (const batch of reader.read(wanted, options)) {
        this.#calls.check()
        for (const { wanted: read, problem } of batch) {
          done += read.entry.length
          if (problem === undefined) continue
          await this.#parts.markDamaged(read, problem)
          yield { id: read.id, problem, pack: read.entry.pack }
        }
        options.onProgress?.(Math.min(done, total), total)
      }
    }
  }

  collect(
    space: SpaceId,
    keep: AsyncIterable<readonly ChunkId[]>,
    options: AbortOptions = {},
  ): Promise<{ chunks: number; bytes: number }> {
    return this.#calls.run(async () => {
      options.signal?.throwIfAborted()
      const number = this.#parts.spaces.number(space)
      if (number === undefined) return { chunks: 0, bytes: 0 }
      return this.#collections.run(() => this.#parts.collector.collect(number, keep, options), options)
    })
  }

  async #packSizes(): Promise<number[]> {
    const names = await this.#fileSystem.list(this.#packs)
    const sizes: number[] = []
    for (const pack of names.map(parsePackName).filter((number) => number !== undefined)) {
      const file = await this.#fileSystem.open(path.join(this.#packs, packName(pack)), 'read')
      sizes.push(await file.size().finally(() => file.close()))
    }
    return sizes
  }

  /** Runs a call that writes to a space, and waits until what it wrote is as durable as asked. */
  #write<T>(
    space: SpaceId,
    options: PutOptions,
    work: (number: number, operation: WriteOperation) => Promise<T>,
  ): Promise<T> {
    return this.#calls.run(async () => {
      options.signal?.throwIfAborted()
      const { group, adder } = this.#parts
      const operation = group.begin()
      let leave = () => {}
      try {
        const number = await adder.spaceNumber(space, operation)
        leave = this.#parts.guard.enter(number)
        const result = await work(number, operation)
        await group.finish(operation, options.durability ?? DEFAULT_IMPORT.durability)
        return result
      } catch (error) {
        group.abandon(operation)
        throw error
      } finally {
        leave()
      }
    })
  }

  #import(
    space: SpaceId,
    options: ImportOptions,
    run: (content: ContentImport) => Promise<void>,
    onCut?: (chunks: readonly ChunkRef[]) => void,
  ): Promise<ImportResult> {
    return this.#write(space, options, async (number, operation) => {
      const { adder } = this.#parts
      const idOf = (bytes: Uint8Array) => chunkIdOf(this.#blake3, bytes)
      const content = new ContentImport({ adder, space: number, operation, idOf, options, ...(onCut && { onCut }) })
      try {
        await run(content)
      } finally {
        await content.settled()
      }
      return content.finish()
    })
  }

  #readFile(space: SpaceId, filePath: string, content: ContentImport, options: ImportOptions): Promise<void> {
    return this.#expected.with(
      space,
      options,
      (expected) =>
        new Promise((resolve, reject) => {
          this.#parts.files.add({
            path: filePath,
            chunker: options.chunker ?? DEFAULT_IMPORT.chunker,
            expected,
            signal: options.signal,
            onChunks: (chunks) => content.add(chunks),
            onEnd: (error) => (error === undefined ? resolve() : reject(error)),
          })
        }),
    )
  }

  async *#getWindow(
    space: SpaceId,
    ids: readonly ChunkId[],
    from: number,
    options: AbortOptions,
  ): AsyncGenerator<readonly { readonly index: number; readonly bytes: Uint8Array | undefined }[]> {
    const window = ids.slice(from, from + LOOKUP_IDS)
    const positions = new Map<ChunkId, number[]>()
    for (const [nth, id] of window.entries()) {
      const known = positions.get(id)
      if (known === undefined) positions.set(id, [from + nth])
      else known.push(from + nth)
    }
    const found = await this.#find(space, [...positions.keys()])
    const isFound = new Set(found.map(({ id }) => id))
    const absent = [...positions].filter(([id]) => !isFound.has(id)).flatMap(([, indexes]) => indexes)
    if (absent.length > 0) yield absent.map((index) => ({ index, bytes: undefined }))
    for await (const batch of this.#parts.reader.read(found, options)) {
      this.#calls.check()
      const items: { index: number; bytes: Uint8Array | undefined }[] = []
      for (const { wanted, bytes, problem } of batch) {
        if (problem !== undefined) await this.#parts.markDamaged(wanted, problem)
        for (const [nth, index] of (positions.get(wanted.id) as number[]).entries()) {
          items.push({ index, bytes: nth === 0 ? bytes : bytes?.slice() })
        }
      }
      yield items
    }
  }

  /** Those of the chunks that the space has. */
  async #find(space: SpaceId, ids: readonly ChunkId[]): Promise<WantedChunk[]> {
    const number = this.#parts.spaces.number(space)
    if (number === undefined) return []
    const entries = await this.#parts.index.lookup(ids)
    const found: WantedChunk[] = []
    for (const [nth, id] of ids.entries()) {
      const entry = entries[nth]
      if (entry !== undefined && entry.pack !== 0 && entry.spaces.includes(number)) found.push({ id, entry })
    }
    return found
  }
}
