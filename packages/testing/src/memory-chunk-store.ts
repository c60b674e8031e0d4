import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { type Blake3, chunkIdOf, findChunkEnd, loadBlake3, ManifestBuilder } from '@dittofs/chunk-store'
import {
  type AbortOptions,
  type Chunk,
  type ChunkDamage,
  type ChunkId,
  type ChunkRef,
  type ChunkStore,
  type ChunkStoreStats,
  DittoError,
  type ImportOptions,
  type ImportResult,
  MAX_CHUNK_BYTES,
  type PutOptions,
  type SpaceId,
} from '@dittofs/interface'

/** What one batch of `getMany` holds at most, unless one chunk is larger. */
const BATCH_BYTES = 1024 * 1024

export interface MemoryChunkStoreInit {
  blake3?: Blake3
}

interface Held {
  bytes: Uint8Array
  readonly spaces: Set<SpaceId>
}

/** A chunk store in this process's memory, for tests: small content, hashed on the calling thread. */
export function memoryChunkStore(init: MemoryChunkStoreInit = {}): MemoryChunkStore {
  return new MemoryChunkStore(init)
}

export class MemoryChunkStore implements ChunkStore {
  readonly #blake3: Blake3
  readonly #chunks = new Map<ChunkId, Held>()
  /** For each collection under way, what became available or was found again since it began. */
  readonly #collections = new Set<{ readonly space: SpaceId; readonly touched: Set<ChunkId> }>()
  #state: 'new' | 'open' | 'closed' = 'new'

  constructor(init: MemoryChunkStoreInit) {
    this.#blake3 = init.blake3 ?? loadBlake3()
  }

  async open(): Promise<void> {
    this.#state = 'open'
  }

  async close(): Promise<void> {
    this.#state = 'closed'
  }

  /** Flips one bit of a chunk held, as a failing disk might. */
  damage(id: ChunkId): void {
    const held = this.#chunks.get(id)
    if (held === undefined) throw new TypeError('only a chunk that is held can be damaged')
    const bytes = held.bytes.slice()
    bytes[0] = (bytes[0] as number) ^ 1
    held.bytes = bytes
  }

  async has(space: SpaceId, ids: readonly ChunkId[]): Promise<boolean[]> {
    this.#check()
    return ids.map((id) => this.#chunks.get(id)?.spaces.has(space) ?? false)
  }

  async get(space: SpaceId, id: ChunkId, options: AbortOptions = {}): Promise<Uint8Array | undefined> {
    this.#check(options)
    const held = this.#chunks.get(id)
    if (held === undefined || !held.spaces.has(space)) return undefined
    if (!this.#isWhole(id, held)) throw new DittoError('DITTO_CHUNK_CORRUPT', 'A stored chunk is damaged.')
    return held.bytes.slice()
  }

  async *getMany(
    space: SpaceId,
    ids: readonly ChunkId[],
    options: AbortOptions = {},
  ): AsyncGenerator<readonly { readonly index: number; readonly bytes: Uint8Array | undefined }[]> {
    let batch: { index: number; bytes: Uint8Array | undefined }[] = []
    let batchBytes = 0
    for (const [index, id] of ids.entries()) {
      this.#check(options)
      const held = this.#chunks.get(id)
      const isReadable = held?.spaces.has(space) === true && this.#isWhole(id, held)
      const bytes = isReadable ? held.bytes.slice() : undefined
      if (batchBytes + (bytes?.length ?? 0) > BATCH_BYTES) {
        yield batch
        batch = []
        batchBytes = 0
      }
      batch.push({ index, bytes })
      batchBytes += bytes?.length ?? 0
    }
    this.#check(options)
    if (batch.length > 0) yield batch
  }

  async put(space: SpaceId, chunks: readonly Chunk[], options: PutOptions = {}): Promise<ChunkId[]> {
    this.#check(options)
    const refused: ChunkId[] = []
    for (const { id, bytes } of chunks) {
      const isLengthFine = bytes.length >= 1 && bytes.length <= MAX_CHUNK_BYTES
      if (isLengthFine && chunkIdOf(this.#blake3, bytes) === id) this.#store(space, id, bytes)
      else refused.push(id)
    }
    return refused
  }

  async importFile(space: SpaceId, path: string, options: ImportOptions = {}): Promise<ImportResult> {
    this.#check(options)
    let file: Awaited<ReturnType<typeof open>>
    try {
      file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    } catch (cause) {
      throw openError(path, cause)
    }
    try {
      if (!(await file.stat()).isFile()) throw notRegular(path)
      return this.#import(space, await file.readFile(), options)
    } finally {
      await file.close()
    }
  }

  async importStream(
    space: SpaceId,
    source: AsyncIterable<Uint8Array>,
    options: ImportOptions = {},
  ): Promise<ImportResult> {
    this.#check(options)
    const parts: Uint8Array[] = []
    for await (const part of source) {
      this.#check(options)
      parts.push(part.slice())
    }
    return this.#import(space, Buffer.concat(parts), options)
  }

  async flush(): Promise<void> {
    this.#check()
  }

  async stats(): Promise<ChunkStoreStats> {
    this.#check()
    let bytes = 0
    for (const held of this.#chunks.values()) bytes += held.bytes.length
    return { chunks: this.#chunks.size, bytes, packBytes: bytes, packs: this.#chunks.size === 0 ? 0 : 1 }
  }

  async *verify(
    options: AbortOptions & { onProgress?: (bytes: number, total: number) => void } = {},
  ): AsyncGenerator<ChunkDamage> {
    this.#check(options)
    const { bytes: total } = await this.stats()
    let done = 0
    for (const [id, held] of [...this.#chunks]) {
      this.#check(options)
      done += held.bytes.length
      if (!this.#isWhole(id, held)) yield { id, problem: 'corrupt', pack: 1 }
      options.onProgress?.(done, total)
    }
  }

  async collect(
    space: SpaceId,
    keep: AsyncIterable<readonly ChunkId[]>,
    options: AbortOptions = {},
  ): Promise<{ chunks: number; bytes: number }> {
    this.#check(options)
    const collection = { space, touched: new Set<ChunkId>() }
    this.#collections.add(collection)
    try {
      const kept = new Set<ChunkId>()
      for await (const ids of keep) {
        this.#check(options)
        for (const id of ids) kept.add(id)
      }
      const freed = { chunks: 0, bytes: 0 }
      for (const [id, held] of this.#chunks) {
        if (kept.has(id) || collection.touched.has(id)) continue
        held.spaces.delete(space)
        if (held.spaces.size > 0) continue
        this.#chunks.delete(id)
        freed.chunks++
        freed.bytes += held.bytes.length
      }
      return freed
    } finally {
      this.#collections.delete(collection)
    }
  }

  #import(space: SpaceId, bytes: Uint8Array, options: ImportOptions): ImportResult {
    this.#check(options)
    const findEnd = findChunkEnd(options.chunker ?? 'fastcdc')
    const manifest = new ManifestBuilder((node) => chunkIdOf(this.#blake3, node))
    let newChunks = 0
    let newBytes = 0
    for (let at = 0; at < bytes.length; ) {
      const end = findEnd(bytes, at, bytes.length)
      const chunk = bytes.subarray(at, end)
      const ref: ChunkRef = { id: chunkIdOf(this.#blake3, chunk), length: chunk.length }
      manifest.add(ref)
      if (this.#store(space, ref.id, chunk)) {
        newChunks++
        newBytes += chunk.length
      }
      at = end
    }
    const content = manifest.finish()
    for (const node of manifest.takeNodes()) this.#store(space, node.id, node.bytes)
    if (bytes.length > 0) options.onProgress?.(bytes.length)
    return { content, size: bytes.length, newChunks, newBytes }
  }

  /** @returns whether the bytes were not held before */
  #store(space: SpaceId, id: ChunkId, bytes: Uint8Array): boolean {
    for (const collection of this.#collections) if (collection.space === space) collection.touched.add(id)
    const held = this.#chunks.get(id)
    if (held !== undefined && this.#isWhole(id, held)) {
      held.spaces.add(space)
      return false
    }
    this.#chunks.set(id, { bytes: bytes.slice(), spaces: (held?.spaces ?? new Set()).add(space) })
    return true
  }

  /** A damaged chunk counts as not held from the moment somebody notices. */
  #isWhole(id: ChunkId, held: Held): boolean {
    if (chunkIdOf(this.#blake3, held.bytes) === id) return true
    this.#chunks.delete(id)
    return false
  }

  #check(options: AbortOptions = {}): void {
    options.signal?.throwIfAborted()
    if (this.#state !== 'open') throw new DittoError('DITTO_CLOSED', 'The chunk store is not open.')
  }
}

function openError(path: string, cause: unknown): DittoError {
  const { code } = cause as NodeJS.ErrnoException
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return new DittoError('DITTO_NOT_FOUND', `There is no file at ${path}.`, { cause })
  }
  if (code === 'EACCES' || code === 'EPERM') {
    return new DittoError('DITTO_PERMISSION', `The file ${path} may not be read.`, { cause })
  }
  if (code === 'ELOOP' || code === 'ENXIO') return notRegular(path)
  return new DittoError('DITTO_IO', `The file ${path} cannot be read.`, { cause })
}

function notRegular(path: string): DittoError {
  return new DittoError('DITTO_UNSUPPORTED', `${path} is no regular file.`)
}
