import type { AbortOptions, ChunkId, ChunkStore, ReadManifest, SpaceId } from '@dittofs/interface'
import { neededChunks } from '../content/needed-chunks.ts'
import type { OpenSpace } from '../spaces/open-space.ts'

/** IDs handed to the store at a time. */
const IDS_PER_BATCH = 4096

/**
 * Frees the chunks of each space that nothing shown in it needs, conflict copies included, and all of those that were
 * forgotten.
 */
export async function collectGarbage(
  store: ChunkStore,
  readManifest: ReadManifest,
  spaces: readonly OpenSpace[],
  forgotten: readonly SpaceId[],
  options: AbortOptions = {},
): Promise<{ readonly chunks: number; readonly bytes: number }> {
  let chunks = 0
  let bytes = 0
  for (const space of spaces) {
    const freed = await store.collect(space.id, shownChunks(store, readManifest, space, options), options)
    chunks += freed.chunks
    bytes += freed.bytes
  }
  for (const space of forgotten) {
    const freed = await store.collect(space, nothing(), options)
    chunks += freed.chunks
    bytes += freed.bytes
  }
  return { chunks, bytes }
}

async function* nothing(): AsyncGenerator<readonly ChunkId[]> {}

async function* shownChunks(
  store: ChunkStore,
  readManifest: ReadManifest,
  space: OpenSpace,
  options: AbortOptions,
): AsyncGenerator<readonly ChunkId[]> {
  let batch: ChunkId[] = []
  for await (const entries of space.metadata.walk('', options)) {
    for (const { file } of entries) {
      if (file === undefined) continue
      for await (const ids of neededChunks(store, readManifest, space.id, file, options)) batch.push(...ids)
      if (batch.length < IDS_PER_BATCH) continue
      yield batch
      batch = []
    }
  }
  for await (const files of space.history.contents(options)) {
    for (const file of files) {
      for await (const ids of neededChunks(store, readManifest, space.id, file, options)) batch.push(...ids)
    }
    if (batch.length < IDS_PER_BATCH) continue
    yield batch
    batch = []
  }
  yield batch
}
