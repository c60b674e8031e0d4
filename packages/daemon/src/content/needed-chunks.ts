import type { AbortOptions, ChunkId, ChunkStore, FileContent, ReadManifest, SpaceId } from '@dittofs/interface'

/**
 * Every chunk a file needs, in batches: its content's and, before them, the nodes of its manifest that are held.
 * A walk of the manifest asks the store for each node it visits, so that is where the nodes are learnt.
 */
export async function* neededChunks(
  store: ChunkStore,
  readManifest: ReadManifest,
  space: SpaceId,
  file: Pick<FileContent, 'content' | 'size'>,
  options: AbortOptions = {},
): AsyncGenerator<readonly ChunkId[]> {
  let nodes: ChunkId[] = []
  const watched: Pick<ChunkStore, 'has' | 'getMany'> = {
    has: (id, ids) => {
      nodes.push(...ids)
      return store.has(id, ids)
    },
    getMany: (id, ids, getOptions) => store.getMany(id, ids, getOptions),
  }
  for await (const step of readManifest(watched as ChunkStore, space, file.content, file.size, options)) {
    yield nodes
    nodes = []
    if (step.kind === 'chunks') yield step.run.chunks.map((chunk) => chunk.id)
    else yield step.nodes
  }
  yield nodes
}
