import type { AbortOptions, ChunkId, ChunkStore, ReadManifest } from '@dittofs/interface'
import { neededChunks } from '../content/needed-chunks.ts'
import type { OpenSpace } from '../spaces/open-space.ts'

/**
 * Which shown files need each of some chunks. Walks every space once, so it is for the rare day of damage.
 *
 * @returns paths by chunk, the space's name before them where there are several; none for a chunk nothing needs
 */
export async function pathsOfChunks(
  store: ChunkStore,
  readManifest: ReadManifest,
  spaces: readonly OpenSpace[],
  wanted: ReadonlySet<ChunkId>,
  options: AbortOptions = {},
): Promise<Map<ChunkId, string[]>> {
  const paths = new Map<ChunkId, string[]>([...wanted].map((id) => [id, []]))
  for (const space of spaces) {
    for await (const entries of space.metadata.walk('', options)) {
      for (const { file, path } of entries) {
        if (file === undefined) continue
        const shown = spaces.length > 1 ? `${space.name}: ${path}` : path
        for await (const ids of neededChunks(store, readManifest, space.id, file, options)) {
          for (const id of ids) {
            const found = paths.get(id)
            if (found !== undefined && found.at(-1) !== shown) found.push(shown)
          }
        }
      }
    }
  }
  return paths
}
