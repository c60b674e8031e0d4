import { type ChunkId, type ChunkRef, type ChunkStore, DittoError, type SpaceId } from '@dittofs/interface'
import type { MissingContent } from './missing-content.ts'

export interface ChunkCacheInit {
  store: ChunkStore
  space: SpaceId
  missing: MissingContent
  maxBytes: number
}

/**
 * Verified chunks in memory, up to a number of bytes, those used last. What several readers want at once is read, and
 * fetched, once.
 */
export class ChunkCache {
  readonly #init: ChunkCacheInit
  /** The one used last at the end. */
  readonly #chunks = new Map<ChunkId, Uint8Array>()
  readonly #loading = new Map<ChunkId, Promise<Uint8Array>>()
  #bytes = 0

  constructor(init: ChunkCacheInit) {
    this.#init = init
  }

  /**
   * Begins to read chunks that are not in memory.
   *
   * @returns for each its bytes, which belong to the cache and are not to be changed; they reject with
   *   DITTO_CHUNK_MISSING, DITTO_MANIFEST_INVALID (a length that the manifest lied about)
   */
  load(refs: readonly ChunkRef[]): Promise<Uint8Array>[] {
    const lacking = new Map<ChunkId, ChunkRef>()
    for (const ref of refs) if (!this.#chunks.has(ref.id) && !this.#loading.has(ref.id)) lacking.set(ref.id, ref)
    if (lacking.size > 0) this.#begin([...lacking.values()])
    return refs.map(({ id, length }) => {
      const held = this.#chunks.get(id)
      if (held === undefined)
        return (this.#loading.get(id) as Promise<Uint8Array>).then((bytes) => fitting(bytes, length))
      this.#chunks.delete(id)
      this.#chunks.set(id, held)
      return settledWith(() => fitting(held, length))
    })
  }

  #begin(refs: readonly ChunkRef[]): void {
    const batch = this.#read(refs)
    // Each reader hears of a failure by the chunk it waits for.
    batch.catch(() => undefined)
    for (const { id } of refs) {
      const loading = batch.then((read) => {
        const bytes = read.get(id)
        if (bytes === undefined) throw missing()
        return bytes
      })
      this.#loading.set(id, loading)
      loading.then(
        (bytes) => this.#keep(id, bytes),
        () => this.#loading.delete(id),
      )
    }
  }

  async #read(refs: readonly ChunkRef[]): Promise<Map<ChunkId, Uint8Array>> {
    const read = new Map<ChunkId, Uint8Array>()
    const lacking = await this.#readHeld(
      refs.map(({ id }) => id),
      read,
    )
    if (lacking.length === 0) return read
    await this.#init.missing.fetch(lacking)
    await this.#readHeld(lacking, read)
    return read
  }

  /** @returns those that are not held, or damaged */
  async #readHeld(ids: readonly ChunkId[], read: Map<ChunkId, Uint8Array>): Promise<ChunkId[]> {
    const { store, space } = this.#init
    for await (const batch of store.getMany(space, ids)) {
      for (const { index, bytes } of batch) if (bytes !== undefined) read.set(ids[index] as ChunkId, bytes)
    }
    return ids.filter((id) => !read.has(id))
  }

  #keep(id: ChunkId, bytes: Uint8Array): void {
    this.#loading.delete(id)
    this.#chunks.set(id, bytes)
    this.#bytes += bytes.length
    for (const [oldest, { length }] of this.#chunks) {
      if (this.#bytes <= this.#init.maxBytes) break
      this.#chunks.delete(oldest)
      this.#bytes -= length
    }
  }
}

function settledWith<T>(make: () => T): Promise<T> {
  return new Promise((resolve) => resolve(make()))
}

function fitting(bytes: Uint8Array, length: number): Uint8Array {
  if (bytes.length === length) return bytes
  throw new DittoError('DITTO_MANIFEST_INVALID', 'A chunk of the file is not as long as its manifest says.')
}

function missing(): DittoError {
  return new DittoError('DITTO_CHUNK_MISSING', 'Bytes of the file are not on this device; try again later.')
}
