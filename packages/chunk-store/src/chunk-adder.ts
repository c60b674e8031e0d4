import type { Chunk, ChunkId, SpaceId } from '@dittofs/interface'
import type { ChunkIndex } from './chunk-index.ts'
import type { GroupCommit, WriteOperation } from './group-commit.ts'
import type { IdLock } from './id-lock.ts'
import type { IndexEntry } from './index-codec.ts'
import type { PackRecord } from './pack-format.ts'
import type { PackWriter } from './pack-writer.ts'
import type { SpaceTable } from './space-table.ts'

export interface ChunkAdderInit {
  index: ChunkIndex
  lock: IdLock
  writer: PackWriter
  group: GroupCommit
  spaces: SpaceTable
  /** Called with chunks that a call relies on, before it is decided whether they are held already. */
  onTouch: (space: number, ids: readonly ChunkId[]) => void
}

/** Bytes past which calls made together are written one after the other. */
const BATCH_BYTES = 2 * 1024 * 1024

interface Request {
  readonly space: number
  readonly chunks: readonly Chunk[]
  readonly operation: WriteOperation
  readonly resolve: (isNew: boolean[]) => void
  readonly reject: (reason: unknown) => void
}

/** Which record of a batch says what about an index entry. */
interface Change {
  readonly id: ChunkId
  readonly before: IndexEntry | undefined
  /** The entry's new state, given where its first record was written. */
  readonly after: (pack: number, offset: number) => IndexEntry
  /** Index of its first record in the batch. */
  readonly record: number
}

/** Stores chunks whose hash is known to match, each once, and makes them available in a space. */
export class ChunkAdder {
  readonly #init: ChunkAdderInit
  #requests: Request[] = []
  readonly #addingSpaces = new Map<SpaceId, Promise<number>>()

  constructor(init: ChunkAdderInit) {
    this.#init = init
  }

  /** The space's number, given to it now, and written to the pack, where it has none yet. */
  async spaceNumber(space: SpaceId, operation: WriteOperation): Promise<number> {
    const known = this.#init.spaces.number(space)
    const adding = this.#addingSpaces.get(space)
    if (adding === undefined && known !== undefined) return known
    operation.isDirty = true
    if (adding !== undefined) return adding
    const promise = this.#addSpace(space)
    this.#addingSpaces.set(space, promise)
    try {
      return await promise
    } finally {
      this.#addingSpaces.delete(space)
    }
  }

  /**
   * Adds chunks. Those of calls made in one tick are looked up and written together. Durable when the operation's
   * barrier has run.
   *
   * @returns for each whether its bytes were new to the store
   * @throws DittoError DITTO_NO_SPACE, DITTO_IO, DITTO_PERMISSION; none of them was added
   */
  add(space: number, chunks: readonly Chunk[], operation: WriteOperation): Promise<boolean[]> {
    return new Promise((resolve, reject) => {
      if (this.#requests.length === 0) queueMicrotask(() => this.#flush())
      this.#requests.push({ space, chunks, operation, resolve, reject })
    })
  }

  #flush(): void {
    const requests = this.#requests
    this.#requests = []
    let batch: Request[] = []
    let bytes = 0
    for (const [nth, request] of requests.entries()) {
      batch.push(request)
      bytes += request.chunks.reduce((sum, chunk) => sum + chunk.bytes.length, 0)
      const next = requests[nth + 1]
      if (next?.space === request.space && bytes < BATCH_BYTES) continue
      void this.#addBatch(request.space, batch)
      batch = []
      bytes = 0
    }
  }

  async #addBatch(space: number, requests: readonly Request[]): Promise<void> {
    try {
      const isNew = await this.#addChunks(
        space,
        requests.flatMap((request) => request.chunks),
        requests.map((request) => request.operation),
      )
      let from = 0
      for (const { chunks, resolve } of requests) {
        resolve(isNew.slice(from, from + chunks.length))
        from += chunks.length
      }
    } catch (error) {
      for (const { reject } of requests) reject(error)
    }
  }

  async #addChunks(space: number, chunks: readonly Chunk[], operations: readonly WriteOperation[]): Promise<boolean[]> {
    const { index, lock, writer, group, onTouch } = this.#init
    const firsts = new Map<ChunkId, Chunk>()
    for (const chunk of chunks) if (!firsts.has(chunk.id)) firsts.set(chunk.id, chunk)
    const distinct = [...firsts.values()]
    const ids = [...firsts.keys()]
    const markDirty = () => {
      for (const operation of operations) operation.isDirty = true
    }
    const release = await lock.acquire(ids)
    try {
      onTouch(space, ids)
      const entries = await index.lookup(ids)
      const { records, changes } = plan(space, distinct, entries)
      if (ids.some((id) => index.isUncommitted(id))) markDirty()
      if (records.length > 0) {
        markDirty()
        await writer.append(records, (places) => {
          for (const { id, before, after, record } of changes) {
            const { pack, offset } = places[record] as (typeof places)[number]
            index.set(id, before, after(pack, offset))
          }
        })
        group.onWritten()
      }
      const isNew = new Map(ids.map((id, nth) => [id, !isHeld(entries[nth])]))
      return chunks.map(({ id }) => isNew.get(id) === true && isNew.delete(id))
    } finally {
      release()
    }
  }

  async #addSpace(space: SpaceId): Promise<number> {
    const { spaces, writer, index } = this.#init
    const number = spaces.add(space)
    await writer.append([{ kind: 'space', id: space, space: number }], () => index.setSpace(number, space))
    return number
  }
}

function isHeld(entry: IndexEntry | undefined): boolean {
  return entry !== undefined && entry.pack !== 0
}

function plan(
  space: number,
  chunks: readonly Chunk[],
  entries: readonly (IndexEntry | undefined)[],
): { records: PackRecord[]; changes: Change[] } {
  const records: PackRecord[] = []
  const changes: Change[] = []
  for (const [nth, { id, bytes }] of chunks.entries()) {
    const before = entries[nth]
    const spaces = withSpace(before?.spaces ?? [], space)
    const record = records.length
    if (before === undefined || before.pack === 0) {
      records.push({ kind: 'chunk', id, space, bytes })
      // The spaces that had it before it was damaged have it again; a rebuild reads that from their own records.
      changes.push({ id, before, record, after: (pack, offset) => ({ pack, offset, length: bytes.length, spaces }) })
    } else if (!before.spaces.includes(space)) {
      records.push({ kind: 'grant', id, space })
      changes.push({ id, before, record, after: () => ({ ...before, spaces }) })
    }
  }
  return { records, changes }
}

function withSpace(spaces: readonly number[], space: number): readonly number[] {
  return spaces.includes(space) ? spaces : [...spaces, space].sort((a, b) => a - b)
}
