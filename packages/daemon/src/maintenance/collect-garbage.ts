import type { AbortOptions, ChunkId, ChunkStore, FileContent, ReadManifest, SpaceId } from '@dittofs/interface'
import { neededChunks } from '../content/needed-chunks.ts'
import type { KeepsContent } from '../pins/kept-content.ts'
import type { OpenSpace } from '../spaces/open-space.ts'

/** IDs handed to the store at a time. */
const IDS_PER_BATCH = 4096

export interface CollectGarbageInit {
  store: ChunkStore
  readManifest: ReadManifest
  spaces: readonly OpenSpace[]
  /** Spaces that this device forgot: nothing of them is kept. */
  forgotten: readonly SpaceId[]
  /** Files of a space whose content is stored and whose turn in its metadata has not come. */
  pending: (space: OpenSpace) => readonly Pick<FileContent, 'content' | 'size'>[]
  /** Of versions, those whose content a person has not evicted, or nobody else keeps. */
  keeping: (space: OpenSpace) => KeepsContent
  /** Milliseconds since the Unix epoch: by it histories forget what their rule does not keep. */
  now: number
}

/**
 * Frees the chunks of each space that nothing shown in it needs, conflict copies included, nor its history keeps, and all
 * chunks of spaces that were forgotten.
 */
export async function collectGarbage(
  init: CollectGarbageInit,
  options: AbortOptions = {},
): Promise<{ readonly chunks: number; readonly bytes: number }> {
  const { store, spaces, forgotten, now } = init
  let chunks = 0
  let bytes = 0
  for (const space of spaces) {
    await space.history.prune(now, options)
    const freed = await store.collect(space.id, neededIn(init, space, options), options)
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

async function* neededIn(
  { store, readManifest, pending, keeping }: CollectGarbageInit,
  space: OpenSpace,
  options: AbortOptions,
): AsyncGenerator<readonly ChunkId[]> {
  let batch: ChunkId[] = []
  for await (const files of filesOf(space, pending(space), keeping(space), options)) {
    for (const file of files) {
      for await (const ids of neededChunks(store, readManifest, space.id, file, options)) batch.push(...ids)
      if (batch.length < IDS_PER_BATCH) continue
      yield batch
      batch = []
    }
  }
  yield batch
}

type Content = Pick<FileContent, 'content' | 'size'>

/** What is on its way comes first: by the time it has left there it is shown. */
async function* filesOf(
  space: OpenSpace,
  pending: readonly Content[],
  keep: KeepsContent,
  options: AbortOptions,
): AsyncGenerator<readonly Content[]> {
  yield pending
  for await (const entries of space.metadata.walk('', options)) {
    yield keep(
      entries.flatMap(({ node, version, file }) =>
        file === undefined || version === undefined ? [] : [{ ...file, node, version }],
      ),
    )
  }
  for await (const versions of space.history.contents(options)) yield keep(versions)
}
