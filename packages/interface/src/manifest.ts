import type { ChunkerKind, ChunkRef, ChunkStore, ContentRef, ImportResult } from './chunk-store.ts'
import type { AbortOptions, Durability } from './common.ts'
import type { ChunkId, SpaceId } from './ids.ts'

/** A run of a file's chunks, in order: at most MAX_MANIFEST_NODE_ENTRIES of them. */
export interface ChunkRun {
  /** Index of the first chunk within the file. */
  readonly first: number
  /** Offset of the first chunk's first byte within the file. */
  readonly offset: number
  readonly chunks: readonly ChunkRef[]
}

/** Which part of a file a manifest node names. */
export interface ManifestPlace {
  readonly node: ChunkId
  /** 1 for a leaf, which names chunks; more for a branch, which names nodes. */
  readonly level: number
  /** Index of its first chunk within the file. */
  readonly first: number
  /** Chunks it names, itself or by the nodes below it. */
  readonly chunkCount: number
}

/** What reading a manifest found: the file's chunks, or the manifest nodes that are not here yet. */
export type ManifestStep =
  | { readonly kind: 'chunks'; readonly run: ChunkRun }
  | { readonly kind: 'missing'; readonly nodes: readonly ChunkId[]; readonly places: readonly ManifestPlace[] }

export interface ReadManifestOptions extends AbortOptions {
  /** Only nodes that name some of these chunks are read and yielded; whole runs all the same. Default all. */
  range?: { readonly first: number; readonly count: number }
  /**
   * Only what lies under nodes that have bytes of this part of the file, `start` to before `end`: the runs told hold all
   * of it, and what else their nodes name.
   */
  within?: { readonly start: number; readonly end: number }
}

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
  options?: ReadManifestOptions,
) => AsyncIterable<ManifestStep>

/** A part of a file, from `start` to before `end`, in bytes. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

/** A content that differs from another one in some places, none of which has moved. */
export interface ContentEdit {
  /** Bytes of the new content, 0 to MAX_FILE_BYTES. */
  readonly size: number
  /** Where it may differ from the base: ascending, apart, not empty, within `size`. What is behind the base's end is in it. */
  readonly changed: readonly ByteRange[]
  /** Parts of `changed` that are zeros: ascending, apart. They need not be all of them. */
  readonly zeros: readonly ByteRange[]
  /** Reads the new content; exactly the bytes asked for, 1 byte to 1 MiB, owned by the caller. */
  read(range: ByteRange, options?: AbortOptions): Promise<Uint8Array>
}

export interface SpliceOptions extends AbortOptions {
  chunker?: ChunkerKind
  durability?: Durability
  /** Brings manifest nodes that are not available in the space; absent: they are missing for good. */
  fetchNodes?: (nodes: readonly ChunkId[], options: AbortOptions) => Promise<void>
  /** Whether `newChunks` and `newBytes` are wanted, for which the store is looked through. Default true; else both are 0. */
  isCounted?: boolean
}

/**
 * Stores a content as an edit of one that is stored: chunks and manifest nodes away from what changed stay as they are,
 * and are neither read nor needed. The result is the same as that of an import of all bytes, where the base was cut by
 * the same chunker. Implemented by `chunk-store` (`spliceContent`).
 *
 * @throws DittoError DITTO_CHUNK_MISSING (a manifest node of the base), DITTO_MANIFEST_INVALID, and what `put` and `read`
 *   throw
 */
export type SpliceContent = (
  store: ChunkStore,
  space: SpaceId,
  base: { readonly content: ContentRef; readonly size: number },
  edit: ContentEdit,
  options?: SpliceOptions,
) => Promise<ImportResult>

/**
 * Encodes the manifest leaf that names these chunks, 1 to MAX_MANIFEST_NODE_ENTRIES of them. Implemented by
 * `chunk-store` (`encodeLeaf`); given to `sync` through its constructor.
 */
export type EncodeManifestLeaf = (chunks: readonly ChunkRef[]) => Uint8Array
