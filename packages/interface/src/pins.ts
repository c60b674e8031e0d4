import type { PathOptions } from './versions.ts'

/**
 * What a person decided about the bytes of a path on this device. `pinned`: they are always here. `evicted`: they are not
 * fetched by themselves, and not kept where another device has them.
 */
export type PinMark = 'pinned' | 'evicted'

export interface PinResult {
  readonly path: string
  /** Files it covers now, and those of their bytes that are not here yet. */
  readonly files: number
  readonly missingBytes: number
}

export interface UnpinResult {
  readonly path: string
  /** What it was before. */
  readonly was: PinMark
}

export interface EvictResult {
  readonly path: string
  /** Files whose bytes are not kept here any more. */
  readonly files: number
  /** Their bytes that were on this device. */
  readonly bytes: number
  /** Bytes of disk that were freed; what other files, or the history, need as well stays. */
  readonly freedBytes: number
  /** Files that keep their bytes here, each with the reason. */
  readonly skipped: readonly { readonly path: string; readonly code: string; readonly reason: string }[]
}

/**
 * Which bytes are here. A decision is about the file or directory, whatever it is called later, and a directory's is
 * about all that is in it, now and later; the nearest one counts.
 */
export interface Pins {
  /**
   * Keeps the bytes of a file, or of all in a directory, on this device. Evictions at and below it end.
   *
   * @throws DittoError DITTO_NOT_FOUND
   */
  pin(path: string, options?: PathOptions): Promise<PinResult>
  /** Lets the configuration decide again. @throws DittoError DITTO_NOT_FOUND (nothing there, or nothing decided) */
  unpin(path: string, options?: PathOptions): Promise<UnpinResult>
  /**
   * Frees the bytes of a file, or of all in a directory, as far as a connected device says that it keeps them.
   *
   * @throws DittoError DITTO_NOT_FOUND, DITTO_USAGE (pinned), DITTO_UNSUPPORTED (in a live folder),
   *   DITTO_PEER_UNREACHABLE (nobody to be asked), DITTO_CHUNK_MISSING (nobody keeps any of it)
   */
  evict(path: string, options?: PathOptions): Promise<EvictResult>
}
