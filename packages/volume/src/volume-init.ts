import type {
  AbortOptions,
  ChunkerKind,
  ChunkId,
  ChunkStore,
  Clock,
  Logger,
  MetadataStore,
  RandomBytes,
  ReadManifest,
  SpliceContent,
} from '@dittofs/interface'
import type { SpoolDirectory } from './spool-directory.ts'

/**
 * Brings chunks that are not available in the space, file content or manifest nodes, from other devices into the store.
 *
 * @throws DittoError DITTO_CHUNK_MISSING, DITTO_PEER_UNREACHABLE
 */
export type FetchChunks = (ids: readonly ChunkId[], options: AbortOptions) => Promise<unknown>

export interface VolumeInit {
  /** Open; stays the caller's to close, as the chunk store does. */
  metadata: MetadataStore
  store: ChunkStore
  readManifest: ReadManifest
  spliceContent: SpliceContent
  /** The space's own. */
  chunker: ChunkerKind
  clock: Clock
  randomBytes: RandomBytes
  logger: Logger
  /** Of this volume alone: what is in it when the volume opens is left over from a crash, and deleted. */
  spool: SpoolDirectory
  /** Whether this device may only read the space, asked at each change; absent: it may write. */
  isReadOnly?: () => boolean
  /** Absent: what is missing stays missing. */
  fetchChunks?: FetchChunks
  /** Of the disk that the content lies on. */
  diskSpace: () => Promise<{ readonly totalBytes: number; readonly freeBytes: number }>
  /** Runs work that stores chunks before metadata names them, while nothing is collected. Absent: nothing ever is. */
  guard?: <T>(work: () => Promise<T>) => Promise<T>
  /** Bytes of chunks kept in memory; DEFAULT_CACHE_BYTES unless told otherwise. */
  cacheBytes?: number
  /** Bytes read ahead of a reader at most. */
  readAheadBytes?: number
  /** How long a reader waits for bytes from other devices. */
  fetchTimeoutMs?: number
  /** A file not written for so long is committed. */
  quietMs?: number
  /** A file with uncommitted writes is committed after so long at the latest, quiet or not. */
  maxDirtyMs?: number
  /** Bytes of uncommitted writes past which a file is committed without waiting. */
  maxDirtyBytes?: number
}

export const DEFAULT_CACHE_BYTES = 64 * 1024 * 1024
export const DEFAULT_READ_AHEAD_BYTES = 4 * 1024 * 1024
export const DEFAULT_FETCH_TIMEOUT_MS = 15_000
export const DEFAULT_QUIET_MS = 2000
export const DEFAULT_MAX_DIRTY_MS = 30_000
export const DEFAULT_MAX_DIRTY_BYTES = 256 * 1024 * 1024
