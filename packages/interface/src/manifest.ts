import type { ChunkRef, ChunkStore, ContentRef } from './chunk-store.ts'
import type { AbortOptions } from './common.ts'
import type { ChunkId, SpaceId } from './ids.ts'

/** A run of a file's chunks, in order: at most MAX_MANIFEST_NODE_ENTRIES of them. */
export interface ChunkRun {
  /** Index of the first chunk within the file. */
  readonly first: number
  /** Offset of the first chunk's first byte within the file. */
  readonly offset: number
  readonly chunks: readonly ChunkRef[]
}

/** What reading a manifest found: the file's chunks, or the manifest nodes that are not here yet. */
export type ManifestStep =
  | { readonly kind: 'chunks'; readonly run: ChunkRun }
  | { readonly kind: 'missing'; readonly nodes: readonly ChunkId[] }

/**
 * Walks the chunks of a content, node by node, never holding a whole manifest. Implemented by `chunk-store`
 * (`readManifest`); given to `sync` through its constructor.
 *
 * A node that is not available in the space is yielded as `missing` and its part is skipped.
 *
 * @throws DittoError DITTO_MANIFEST_INVALID when nodes contradict each other, the count or the size
 */
export type ReadManifest = (
  store: ChunkStore,
  space: SpaceId,
  content: ContentRef,
  size: number,
  options?: AbortOptions,
) => AsyncIterable<ManifestStep>
