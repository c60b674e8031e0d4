import { type AbortOptions, type ChunkId, type SpaceId, spaceId } from '@dittofs/interface'
import {
  CHUNK_KEYS,
  decodeChunkKey,
  decodeEntry,
  encodeChunkKey,
  encodeEntry,
  encodeSpaceKey,
  encodeState,
  type IndexEntry,
  STATE_KEY,
} from './index-codec.ts'
import type { IndexDatabase, IndexWrite } from './index-database.ts'
import type { PackPosition } from './pack-writer.ts'

interface Batch {
  readonly entries: Map<ChunkId, IndexEntry | undefined>
  readonly spaces: Map<number, SpaceId>
  chunks: number
  bytes: number
}

/**
 * The index, with what is written to packs but not committed yet laid over what the database has.
 *
 * Whoever changes an entry holds its lock (`IdLock`) from the lookup to the change.
 */
export class ChunkIndex {
  readonly #database: IndexDatabase
  /** Changed since the last commit began. */
  #pending: Batch = emptyBatch()
  /** What a commit under way writes. */
  #committing: Batch | undefined
  #chunks: number
  #bytes: number

  constructor(database: IndexDatabase, totals: { readonly chunks: number; readonly bytes: number }) {
    this.#database = database
    this.#chunks = totals.chunks
    this.#bytes = totals.bytes
  }

  /** Chunks held and their bytes, uncommitted ones included. */
  get totals(): { readonly chunks: number; readonly bytes: number } {
    const committing = this.#committing
    return {
      chunks: this.#chunks + this.#pending.chunks + (committing?.chunks ?? 0),
      bytes: this.#bytes + this.#pending.bytes + (committing?.bytes ?? 0),
    }
  }

  get pendingEntries(): number {
    return this.#pending.entries.size
  }

  /** Whether the newest state of the entry is not durable yet. */
  isUncommitted(id: ChunkId): boolean {
    return this.#pending.entries.has(id) || this.#committing?.entries.has(id) === true
  }

  async lookup(ids: readonly ChunkId[]): Promise<(IndexEntry | undefined)[]> {
    const found: (IndexEntry | undefined)[] = []
    const unknown: number[] = []
    for (const [index, id] of ids.entries()) {
      const overlay = [this.#pending, this.#committing].find((batch) => batch?.entries.has(id) === true)
      if (overlay === undefined) unknown.push(index)
      found.push(overlay?.entries.get(id))
    }
    const values = await this.#database.getMany(unknown.map((index) => encodeChunkKey(ids[index] as ChunkId)))
    for (const [nth, index] of unknown.entries()) {
      const value = values[nth]
      if (value !== undefined) found[index] = decodeEntry(value)
    }
    return found
  }

  /** @param before - the entry as it was looked up under the lock */
  set(id: ChunkId, before: IndexEntry | undefined, after: IndexEntry | undefined): void {
    this.#pending.entries.set(id, after)
    this.#pending.chunks += isHeld(after) - isHeld(before)
    this.#pending.bytes += heldBytes(after) - heldBytes(before)
  }

  setSpace(space: number, id: SpaceId): void {
    this.#pending.spaces.set(space, id)
  }

  /**
   * Takes all changes so far and writes them to the database when `makeDurable` says how far the packs are durable.
   * Called again only after the last call settled. When it fails the changes are gone, as if never made.
   */
  async commit(makeDurable: () => Promise<PackPosition>): Promise<void> {
    const batch = this.#pending
    this.#pending = emptyBatch()
    this.#committing = batch
    try {
      const position = await makeDurable()
      const totals = { chunks: this.#chunks + batch.chunks, bytes: this.#bytes + batch.bytes }
      await this.#database.write(writesOf(batch, encodeState({ ...position, ...totals })))
      this.#chunks = totals.chunks
      this.#bytes = totals.bytes
    } finally {
      this.#committing = undefined
    }
  }

  /** Forgets the changes that no commit has taken yet: the packs have lost what they refer to. */
  dropPending(): void {
    this.#pending = emptyBatch()
  }

  /** All entries that are committed, in batches, in the order of their IDs. */
  async *entries(options: AbortOptions = {}): AsyncGenerator<{ readonly id: ChunkId; readonly entry: IndexEntry }[]> {
    for await (const batch of this.#database.entries(CHUNK_KEYS.from, CHUNK_KEYS.to, options)) {
      yield batch.map(([key, value]) => ({ id: decodeChunkKey(key), entry: decodeEntry(value) }))
    }
  }

  /** See {@link IndexDatabase.compact}. */
  compact(): Promise<void> {
    return this.#database.compact()
  }

  close(): Promise<void> {
    return this.#database.close()
  }
}

function emptyBatch(): Batch {
  return { entries: new Map(), spaces: new Map(), chunks: 0, bytes: 0 }
}

function isHeld(entry: IndexEntry | undefined): number {
  return entry !== undefined && entry.pack !== 0 ? 1 : 0
}

function heldBytes(entry: IndexEntry | undefined): number {
  return entry !== undefined && entry.pack !== 0 ? entry.length : 0
}

function writesOf(batch: Batch, state: Uint8Array): IndexWrite[] {
  const writes: IndexWrite[] = [{ key: STATE_KEY, value: state }]
  for (const [space, id] of batch.spaces) writes.push({ key: encodeSpaceKey(space), value: spaceId.toBytes(id) })
  for (const [id, entry] of batch.entries) {
    const key = encodeChunkKey(id)
    writes.push(entry === undefined ? { key } : { key, value: encodeEntry(entry) })
  }
  return writes
}
