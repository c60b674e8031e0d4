import type {
  AbortOptions,
  ChunkDamage,
  ChunkId,
  ChunkStore,
  Clock,
  Logger,
  ProgressOptions,
  ReadManifest,
  VerifyResult,
} from '@dittofs/interface'
import { ProgressReporter } from '../progress-reporter.ts'
import type { OpenSpace } from '../spaces/open-space.ts'
import { pathsOfChunks } from './paths-of-chunks.ts'

/** Fetches chunks of a space from other devices. Rejects when some of them could not be had. */
export type RepairChunks = (space: OpenSpace, ids: readonly ChunkId[], options: AbortOptions) => Promise<void>

export interface VerifyStoreInit {
  store: ChunkStore
  readManifest: ReadManifest
  clock: Clock
  logger: Logger
  spaces: readonly OpenSpace[]
  /** Absent on a device that uses no network. */
  repair?: RepairChunks
}

/** Reads every chunk, says which files are damaged and, where wished, fetches good copies from other devices. */
export async function verifyStore(
  init: VerifyStoreInit,
  options: ProgressOptions & { repair?: boolean } = {},
): Promise<VerifyResult> {
  const { store, readManifest } = init
  const signal: AbortOptions = options.signal === undefined ? {} : { signal: options.signal }
  const progress = new ProgressReporter(init.clock, options.onProgress)
  const { chunks, bytes } = await store.stats()
  const damage = await findDamage(store, progress, bytes, signal)
  const ids = new Set(damage.map(({ id }) => id))
  const paths = new Map<ChunkId, string[]>()
  let repaired = 0
  if (options.repair === true) progress.begin('repair', { files: ids.size })
  for (const space of ids.size > 0 ? init.spaces : []) {
    const found = await pathsOfChunks(store, readManifest, space, ids, signal)
    for (const [id, at] of found) {
      const shown = init.spaces.length > 1 ? at.map((path) => `${space.name}: ${path}`) : at
      paths.set(id, [...(paths.get(id) ?? []), ...shown])
    }
    if (options.repair !== true || found.size === 0) continue
    const count = await repairIn(init, space, [...found.keys()], signal)
    repaired += count
    progress.advance({ files: count })
  }
  progress.finish()
  const damaged = damage.map(({ id, problem }) => ({ id, problem, paths: paths.get(id) ?? [] }))
  return { chunks, bytes, damaged, repaired }
}

async function findDamage(
  store: ChunkStore,
  progress: ProgressReporter,
  bytes: number,
  options: AbortOptions,
): Promise<ChunkDamage[]> {
  const damage: ChunkDamage[] = []
  let told = 0
  const onProgress = (done: number) => {
    progress.advance({ bytes: done - told })
    told = done
  }
  progress.begin('verify', { bytes })
  for await (const found of store.verify({ ...options, onProgress })) damage.push(found)
  progress.finish()
  return damage
}

/** @returns how many of them are held again */
async function repairIn(
  init: VerifyStoreInit,
  space: OpenSpace,
  ids: readonly ChunkId[],
  options: AbortOptions,
): Promise<number> {
  try {
    await init.repair?.(space, ids, options)
  } catch (error) {
    options.signal?.throwIfAborted()
    init.logger.warn({ error, space: space.id, chunks: ids.length }, 'Not every damaged chunk could be fetched again.')
  }
  return (await init.store.has(space.id, ids)).filter(Boolean).length
}
