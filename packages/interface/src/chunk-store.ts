import type { AbortOptions, Durability } from './common.ts'
import type { ChunkId, SpaceId } from './ids.ts'

/** Where a file's content is cut: `fastcdc` by content (16/64/256 KiB), `fixed` every 64 KiB. A space chooses one. */
export const CHUNKERS = ['fastcdc', 'fixed'] as const
export type ChunkerKind = (typeof CHUNKERS)[number]

/** One entry of a manifest. */
export interface ChunkRef {
  readonly id: ChunkId
  /** Bytes, 1 to MAX_CHUNK_BYTES. */
  readonly length: number
}

/**
 * A file's content, as metadata names it.
 *
 * `inline`: all chunks, at most MAX_INLINE_CHUNKS, none for an empty file. `manifest`: the root of a tree of manifest
 * nodes, each a chunk of the store itself; `depth` levels of nodes, 1 to MAX_MANIFEST_DEPTH.
 */
export type ContentRef =
  | { readonly kind: 'inline'; readonly chunks: readonly ChunkRef[] }
  | { readonly kind: 'manifest'; readonly root: ChunkId; readonly depth: number; readonly chunkCount: number }

/** A chunk and its bytes. */
export interface Chunk {
  readonly id: ChunkId
  readonly bytes: Uint8Array
}

export interface ChunkStoreStats {
  /** Distinct chunks held. */
  readonly chunks: number
  /** Their plain bytes, each chunk counted once. */
  readonly bytes: number
  /** Bytes of the pack files on disk. */
  readonly packBytes: number
  readonly packs: number
}

/** What {@link ChunkStore.importFile} found: the content's name and how much of it was new. */
export interface ImportResult {
  readonly content: ContentRef
  readonly size: number
  readonly newChunks: number
  readonly newBytes: number
}

export interface ImportOptions extends AbortOptions {
  chunker?: ChunkerKind
  durability?: Durability
  /**
   * Content of the space that the file may hold still, in whole or in parts. Only a help: where the file has the same
   * chunks, no boundaries are searched for.
   */
  like?: { readonly content: ContentRef; readonly size: number }
  onProgress?: (bytes: number) => void
}

export interface PutOptions extends AbortOptions {
  durability?: Durability
}

/** What one chunk's check found. */
export interface ChunkDamage {
  readonly id: ChunkId
  /** `corrupt`: the bytes do not match the ID. `unreadable`: the pack is missing, cut short or fails to read. */
  readonly problem: 'corrupt' | 'unreadable'
  readonly pack: number
}

/**
 * A pool of chunks, shared by all spaces of a device. A chunk stored once may be *available* in several spaces; a
 * space sees nothing else (a hash is no ticket, SECURITY.md section 9).
 *
 * Order of writes, an invariant: chunk bytes durable, then the index entry; whoever stores metadata that refers to a
 * chunk does so after `put`, `importFile` or `flush` returned. Deletion runs the other way.
 *
 * Calls may be concurrent. Before `open` and after `close` all of them reject with DITTO_CLOSED.
 */
export interface ChunkStore {
  open(): Promise<void>
  /** Finishes what was accepted, makes it durable and releases everything. Idempotent. */
  close(): Promise<void>

  /** For each ID whether it is available in the space, in the order asked. Does not read chunk bytes. */
  has(space: SpaceId, ids: readonly ChunkId[]): Promise<boolean[]>

  /**
   * Reads one chunk and verifies its hash.
   *
   * @returns its bytes, owned by the caller; `undefined` when not available in the space
   * @throws DittoError DITTO_CHUNK_CORRUPT (hash mismatch or unreadable: it no longer counts as held), DITTO_CLOSED
   */
  get(space: SpaceId, id: ChunkId, options?: AbortOptions): Promise<Uint8Array | undefined>

  /**
   * Reads many chunks, verified, at the store's best order and read size; yields batches of at most about 1 MiB.
   * Chunks that are absent, or damaged, come as `bytes: undefined`; a batch's `index` says which of `ids` each is.
   */
  getMany(
    space: SpaceId,
    ids: readonly ChunkId[],
    options?: AbortOptions,
  ): AsyncIterable<readonly { readonly index: number; readonly bytes: Uint8Array | undefined }[]>

  /**
   * Verifies chunks that came from outside and stores them as available in the space. The buffers belong to the
   * store from the call on. Chunks already held are only marked available.
   *
   * @returns the IDs whose bytes did not match, which were not stored; empty when all is well
   * @throws DittoError DITTO_NO_SPACE, DITTO_IO, DITTO_CLOSED
   */
  put(space: SpaceId, chunks: readonly Chunk[], options?: PutOptions): Promise<ChunkId[]>

  /**
   * Chunks a regular file, stores what is new and its manifest. Never follows a symlink, never blocks on a FIFO.
   *
   * @throws DittoError DITTO_NOT_FOUND, DITTO_PERMISSION, DITTO_UNSUPPORTED (no regular file), DITTO_NO_SPACE,
   *   DITTO_FILE_CHANGED (it changed while it was read)
   */
  importFile(space: SpaceId, path: string, options?: ImportOptions): Promise<ImportResult>

  /**
   * Chunks a stream the same way.
   */
  importStream(space: SpaceId, source: AsyncIterable<Uint8Array>, options?: ImportOptions): Promise<ImportResult>

  /** Returns when everything accepted before is on stable storage. */
  flush(): Promise<void>

  stats(): Promise<ChunkStoreStats>

  /** Reads every chunk and reports the damaged ones; they no longer count as held. */
  verify(options?: AbortOptions & { onProgress?: (bytes: number, total: number) => void }): AsyncIterable<ChunkDamage>

  /**
   * Drops, from the space, every chunk that `keep` does not name, and the bytes of chunks no space has left. Chunks
   * that became available after the call began are kept.
   *
   * @param keep - the IDs to keep, in any order, repeats allowed
   * @returns chunks and bytes freed
   */
  collect(
    space: SpaceId,
    keep: AsyncIterable<readonly ChunkId[]>,
    options?: AbortOptions,
  ): Promise<{ readonly chunks: number; readonly bytes: number }>
}
