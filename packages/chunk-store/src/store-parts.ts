import { availableParallelism } from 'node:os'
import path from 'node:path'
import type { ChunkDamage, Clock, Logger } from '@dittofs/interface'
import type { Blake3, Blake3Kind } from './blake3.ts'
import { CallingThreadPool } from './calling-thread-pool.ts'
import { ChunkAdder } from './chunk-adder.ts'
import type { ChunkIndex } from './chunk-index.ts'
import type { ChunkPool } from './chunk-pool.ts'
import { ChunkReader, type WantedChunk } from './chunk-reader.ts'
import { CollectionGuard } from './collection-guard.ts'
import { Collector } from './collector.ts'
import { FileImportQueue } from './file-import-queue.ts'
import { GroupCommit } from './group-commit.ts'
import { IdLock } from './id-lock.ts'
import type { OpenIndexDatabase } from './index-database.ts'
import type { PackFileSystem } from './pack-file-system.ts'
import { PackHandles } from './pack-handles.ts'
import { PackWriter } from './pack-writer.ts'
import { recover } from './recovery.ts'
import type { SpaceTable } from './space-table.ts'
import { storageError } from './storage-error.ts'
import { WorkerPool } from './worker-pool.ts'

const DEFAULT_MAX_WORKERS = 4

export interface StorePartsInit {
  directory: string
  logger: Logger
  workers: number | undefined
  maxPackBytes: number
  clock: Clock
  blake3: Blake3
  /** What the workers load. */
  blake3Kind: Blake3Kind | undefined
  fileSystem: PackFileSystem
  openIndex: OpenIndexDatabase
}

/** What an open store is made of. */
export interface StoreParts {
  readonly index: ChunkIndex
  readonly spaces: SpaceTable
  readonly writer: PackWriter
  readonly handles: PackHandles
  readonly group: GroupCommit
  readonly guard: CollectionGuard
  readonly adder: ChunkAdder
  readonly reader: ChunkReader
  readonly pool: ChunkPool
  readonly files: FileImportQueue
  readonly collector: Collector
  /** From then on the chunk is not held, so that it is fetched again; a `put` of it stores it anew. */
  readonly markDamaged: MarkDamaged
}

type MarkDamaged = (chunk: WantedChunk, problem: ChunkDamage['problem']) => Promise<void>

/** Where a store's packs are. */
export function packsDirectory(directory: string): string {
  return path.join(directory, 'packs')
}

/**
 * Brings the index up to the packs and puts the parts of a store together.
 *
 * @throws DittoError DITTO_HOME_LOCKED, DITTO_STORE_VERSION, DITTO_PERMISSION, DITTO_NO_SPACE, DITTO_IO
 */
export async function openStoreParts(init: StorePartsInit): Promise<StoreParts> {
  const { directory, logger, fileSystem, clock, maxPackBytes, blake3 } = init
  const packs = packsDirectory(directory)
  const recovered = await prepare(init).catch((error: unknown) => {
    throw storageError(error)
  })
  const { index, spaces } = recovered
  const handles = new PackHandles(fileSystem, packs)
  const writer: PackWriter = new PackWriter({
    fileSystem,
    directory: packs,
    maxPackBytes,
    logger,
    firstRecords: () => spaces.records(),
    onTailLost: (reason) => {
      index.dropPending()
      group.fail(reason)
    },
  })
  const group: GroupCommit = new GroupCommit({
    clock,
    commit: () =>
      index
        .commit(() => writer.sync())
        .catch((error: unknown) => {
          throw storageError(error)
        }),
    unsyncedBytes: () => writer.unsyncedBytes,
    pendingEntries: () => index.pendingEntries,
  })
  await writer.open(recovered.lastPack, recovered.resume)
  const width = init.workers ?? Math.max(1, Math.min(DEFAULT_MAX_WORKERS, availableParallelism()))
  const pool: ChunkPool =
    width === 0
      ? new CallingThreadPool(blake3)
      : new WorkerPool({ workers: width, blake3: init.blake3Kind, hasher: blake3, logger })
  const lock = new IdLock()
  const guard = new CollectionGuard()
  const adder = new ChunkAdder({
    index,
    lock,
    writer,
    group,
    spaces,
    onTouch: (space, ids) => guard.touch(space, ids),
  })
  const reader = new ChunkReader({ handles, pool, index })
  const markDamaged = damageMarker(index, lock, logger)
  const collector = new Collector({
    index,
    reader,
    guard,
    group,
    lock,
    writer,
    handles,
    fileSystem,
    directory: packs,
    logger,
    markDamaged,
  })
  const files = new FileImportQueue(pool)
  return { index, spaces, writer, handles, group, guard, adder, reader, pool, files, collector, markDamaged }
}

async function prepare({ directory, logger, fileSystem, openIndex, blake3 }: StorePartsInit) {
  await fileSystem.makeDirectory(directory)
  await fileSystem.makeDirectory(packsDirectory(directory))
  return recover({ fileSystem, directory, openIndex, blake3, logger })
}

function damageMarker(index: ChunkIndex, lock: IdLock, logger: Logger): MarkDamaged {
  return async ({ id, entry }, problem) => {
    const release = await lock.acquire([id])
    try {
      const [now] = await index.lookup([id])
      if (now === undefined || now.pack !== entry.pack || now.offset !== entry.offset) return
      index.set(id, now, { ...now, pack: 0, offset: 0 })
      logger.warn({ chunk: id, pack: entry.pack, problem }, 'A stored chunk is damaged and will be fetched again.')
    } finally {
      release()
    }
  }
}
