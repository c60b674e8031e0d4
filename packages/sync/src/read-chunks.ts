import type { AbortOptions, ChunkId, ChunkStore, SpaceId } from '@dittofs/interface'

/** Reads chunks of a space, few enough to be held at once; `undefined` for each that is not available. */
export async function readChunks(
  store: ChunkStore,
  space: SpaceId,
  ids: readonly ChunkId[],
  options: AbortOptions = {},
): Promise<(Uint8Array | undefined)[]> {
  const found: (Uint8Array | undefined)[] = new Array<undefined>(ids.length).fill(undefined)
  for await (const batch of store.getMany(space, ids, options)) {
    for (const { index, bytes } of batch) found[index] = bytes
  }
  return found
}
