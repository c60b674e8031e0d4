import path from 'node:path'
import type { AbortOptions, ChunkId, Logger } from '@dittofs/interface'
import type { ChunkIndex } from './chunk-index.ts'
import type { ChunkReader, WantedChunk } from './chunk-reader.ts'
import { type CollectionGuard, FingerprintSet } from './collection-guard.ts'
import type { GroupCommit, WriteOperation } from './group-commit.ts'
import type { IdLock } from './id-lock.ts'
import { entriesByPack, liveBytesByPack } from './index-order.ts'
import type { PackFileSystem } from './pack-file-system.ts'
import { PACK_HEADER_BYTES, type PackRecord, packName, parsePackName, RECORD_HEADER_BYTES } from './pack-format.ts'
import type { PackHandles } from './pack-handles.ts'
import { scanPack } from './pack-scanner.ts'
import type { PackWriter } from './pack-writer.ts'
import { orStorageError } from './storage-error.ts'

/** A pack of which less than this share is still referred to is rewritten: at worst the disk holds twice the chunks. */
const MIN_LIVE_SHARE = 0.5
/** The pack that grows is ended, to be rewritten, only from this size on. */
const MIN_RETIRED_BYTES = 1024 * 1024
/** Entries changed under one lock. */
const SWEEP_ENTRIES = 256

export interface CollectorInit {
  index: ChunkIndex
  reader: ChunkReader
  guard: CollectionGuard
  group: GroupCommit
  lock: IdLock
  writer: PackWriter
  handles: PackHandles
  fileSystem: PackFileSystem
  directory: string
  logger: Logger
  markDamaged: (chunk: WantedChunk, problem: 'corrupt' | 'unreadable') => Promise<void>
}

/**
 * Mark and sweep of one space, then rewriting of packs that are mostly dead. The order makes every crash harmless:
 * index entries go first, bytes last; what is moved is durable in its new pack, then indexed there, and only then the
 * old pack goes.
 */
export class Collector {
  readonly #init: CollectorInit

  constructor(init: CollectorInit) {
    this.#init = init
  }

  async collect(
    space: number,
    keep: AsyncIterable<readonly ChunkId[]>,
    options: AbortOptions,
  ): Promise<{ chunks: number; bytes: number }> {
    const { guard, group } = this.#init
    const collection = guard.begin(space)
    try {
      const kept = new FingerprintSet()
      for await (const ids of keep) {
        options.signal?.throwIfAborted()
        for (const id of ids) kept.add(id)
      }
      await collection.settled
      options.signal?.throwIfAborted()
      await group.flush()
      const freed = await this.#sweep(space, (id) => kept.has(id) || collection.isTouched(id), options)
      await this.#compact(options).catch((error: unknown) => {
        throw orStorageError(error)
      })
      if (freed.chunks > 0) await this.#init.index.compact()
      return freed
    } finally {
      collection.end()
    }
  }

  async #sweep(
    space: number,
    isKept: (id: ChunkId) => boolean,
    options: AbortOptions,
  ): Promise<{ chunks: number; bytes: number }> {
    const { index, group } = this.#init
    const freed = { chunks: 0, bytes: 0 }
    const operation = group.begin()
    operation.isDirty = true
    try {
      for await (const batch of index.entries(options)) {
        const doomed = batch.filter(({ id, entry }) => entry.spaces.includes(space) && !isKept(id)).map(({ id }) => id)
        for (let at = 0; at < doomed.length; at += SWEEP_ENTRIES) {
          await this.#drop(space, doomed.slice(at, at + SWEEP_ENTRIES), isKept, freed)
        }
      }
    } catch (error) {
      group.abandon(operation)
      throw error
    }
    await group.finish(operation, 'full')
    return freed
  }

  async #drop(
    space: number,
    ids: readonly ChunkId[],
    isKept: (id: ChunkId) => boolean,
    freed: { chunks: number; bytes: number },
  ): Promise<void> {
    const { index, lock, group } = this.#init
    const release = await lock.acquire(ids)
    try {
      const entries = await index.lookup(ids)
      for (const [nth, id] of ids.entries()) {
        const entry = entries[nth]
        if (entry === undefined || isKept(id)) continue
        const spaces = entry.spaces.filter((other) => other !== space)
        index.set(id, entry, spaces.length === 0 ? undefined : { ...entry, spaces })
        if (spaces.length > 0 || entry.pack === 0) continue
        freed.chunks++
        freed.bytes += entry.length
      }
    } finally {
      release()
    }
    group.onWritten()
  }

  async #compact(options: AbortOptions): Promise<void> {
    const { index, fileSystem, directory, writer, group } = this.#init
    const live = await liveBytesByPack(index, (length) => RECORD_HEADER_BYTES + length, options)
    const sparse = new Map<number, number>()
    for (const name of await fileSystem.list(directory)) {
      const pack = parsePackName(name)
      if (pack === undefined) continue
      const size = await this.#sizeOf(pack)
      const isSparse = (live.bytes.get(pack) ?? 0) < (size - PACK_HEADER_BYTES) * MIN_LIVE_SHARE
      if (!isSparse) continue
      if (pack === writer.currentPack) {
        if (size < MIN_RETIRED_BYTES) continue
        await writer.retire()
        // What was just written to it must be in the index before its entries are gone through.
        await group.flush()
      }
      sparse.set(pack, live.chunks.get(pack) ?? 0)
    }
    if (sparse.size === 0) return
    const operation = this.#init.group.begin()
    operation.isDirty = true
    try {
      for await (const chunks of entriesByPack(index, sparse, options)) await this.#move(chunks, operation, options)
      for (const pack of sparse.keys()) await this.#moveGrants(pack, options)
    } catch (error) {
      this.#init.group.abandon(operation)
      throw error
    }
    await this.#init.group.finish(operation, 'full')
    for (const pack of sparse.keys()) await this.#remove(pack)
    await fileSystem.syncDirectory(directory)
  }

  async #move(chunks: readonly WantedChunk[], operation: WriteOperation, options: AbortOptions): Promise<void> {
    const { reader, markDamaged, lock, index, writer, group } = this.#init
    for await (const batch of reader.read(chunks, options)) {
      const bytesOf = new Map<ChunkId, Uint8Array>()
      for (const { wanted, bytes, problem } of batch) {
        if (bytes !== undefined) bytesOf.set(wanted.id, bytes)
        else if (problem !== undefined) await markDamaged(wanted, problem)
      }
      const from = new Map(batch.map(({ wanted }) => [wanted.id, wanted.entry]))
      const ids = [...bytesOf.keys()]
      const release = await lock.acquire(ids)
      try {
        const records: PackRecord[] = []
        const moved: { readonly id: ChunkId; readonly record: number; readonly nth: number }[] = []
        const entries = await index.lookup(ids)
        for (const [nth, id] of ids.entries()) {
          const entry = entries[nth]
          if (entry?.pack !== from.get(id)?.pack || entry?.offset !== from.get(id)?.offset) continue
          moved.push({ id, record: records.length, nth })
          const [first = 0, ...others] = entry?.spaces ?? []
          records.push({ kind: 'chunk', id, space: first, bytes: bytesOf.get(id) as Uint8Array })
          for (const space of others) records.push({ kind: 'grant', id, space })
        }
        if (records.length === 0) continue
        operation.isDirty = true
        await writer.append(records, (places) => {
          for (const { id, record, nth } of moved) {
            const entry = entries[nth]
            if (entry !== undefined) index.set(id, entry, { ...entry, ...(places[record] as (typeof places)[number]) })
          }
        })
        group.onWritten()
      } finally {
        release()
      }
    }
  }

  /** Grants of a pack that is to go are written again, so that an index made anew from packs knows them. */
  async #moveGrants(pack: number, options: AbortOptions): Promise<void> {
    const { fileSystem, directory, index, writer } = this.#init
    const file = await fileSystem.open(path.join(directory, packName(pack)), 'read')
    try {
      let grants: (PackRecord & { kind: 'grant' })[] = []
      const flush = async () => {
        const entries = await index.lookup(grants.map((grant) => grant.id))
        const live = grants.filter((grant, nth) => entries[nth]?.spaces.includes(grant.space))
        grants = []
        if (live.length > 0) await writer.append(live, () => {})
      }
      for await (const { header } of scanPack(file, pack, { from: 0, onFault: 'search' })) {
        options.signal?.throwIfAborted()
        if (header.kind !== 'grant') continue
        grants.push({ kind: 'grant', id: header.id, space: header.space })
        if (grants.length >= SWEEP_ENTRIES) await flush()
      }
      await flush()
    } finally {
      await file.close()
    }
  }

  async #remove(pack: number): Promise<void> {
    const { handles, fileSystem, directory, logger } = this.#init
    handles.forget(pack)
    await fileSystem.remove(path.join(directory, packName(pack)))
    logger.info({ pack }, 'A pack whose chunks are no longer needed, or were moved, was removed.')
  }

  async #sizeOf(pack: number): Promise<number> {
    const { fileSystem, directory } = this.#init
    const file = await fileSystem.open(path.join(directory, packName(pack)), 'read')
    try {
      return await file.size()
    } finally {
      await file.close()
    }
  }
}
