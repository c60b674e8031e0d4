import type { AbortOptions, ChunkId, ChunkStore, ReadManifest } from '@dittofs/interface'
import { neededChunks } from '../content/needed-chunks.ts'
import type { OpenSpace } from '../spaces/open-space.ts'

/**
 * Which files a space shows need each of some chunks. Walks the whole space, so it is for the rare day of damage.
 *
 * @returns paths by chunk; a chunk the space does not need is not in it
 */
export async function pathsOfChunks(
  store: ChunkStore,
  readManifest: ReadManifest,
  space: OpenSpace,
  wanted: ReadonlySet<ChunkId>,
  options: AbortOptions = {},
): Promise<Map<ChunkId, string[]>> {
  const paths = new Map<ChunkId, string[]>()
  for await (const entries of space.metadata.walk('', options)) {
    for (const { file, path } of entries) {
      if (file === undefined) continue
      for await (const ids of neededChunks(store, readManifest, space.id, file, options)) {
        for (const id of ids) {
          if (!wanted.has(id)) continue
          const found = paths.get(id) ?? []
          if (found.at(-1) !== path) found.push(path)
          paths.set(id, found)
        }
      }
    }
  }
  return paths
}
