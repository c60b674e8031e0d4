import type { AbortOptions } from '@dittofs/interface'

/** One change of the database; without a value the key goes. */
export interface IndexWrite {
  readonly key: Uint8Array
  readonly value?: Uint8Array
}

/** An ordered map on disk, from bytes to bytes. LevelDB in production; in memory where tests stop the machine. */
export interface IndexDatabase {
  getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]>
  /** All of it or nothing, on stable storage when it returns. */
  write(writes: readonly IndexWrite[]): Promise<void>
  /** The entries from `from` to before `to`, in key order, as they are when the call is made. */
  entries(
    from: Uint8Array,
    to: Uint8Array,
    options?: AbortOptions,
  ): AsyncIterable<readonly (readonly [key: Uint8Array, value: Uint8Array])[]>
  /** Gives back the disk space of what was overwritten or removed. */
  compact(): Promise<void>
  close(): Promise<void>
}

/**
 * Opens the database in a directory, making it where there is none.
 *
 * @param isNew - whether what is there is to be removed first
 * @throws DittoError DITTO_STORE_CORRUPT (what is there cannot be used), DITTO_HOME_LOCKED (another process has it)
 */
export type OpenIndexDatabase = (directory: string, isNew: boolean) => Promise<IndexDatabase>
