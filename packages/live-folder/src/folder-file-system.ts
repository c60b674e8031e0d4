import type { AbortOptions } from '@dittofs/interface'
import type { DiskStamp } from './disk-stamp.ts'

/** One name of a directory on disk. */
export interface DiskName {
  /** As it is on disk, valid UTF-8, not normalised. */
  readonly name: string
  readonly stamp: DiskStamp
  /** Whether an ignore file leaves it out. What is synced already stays so all the same. */
  readonly isIgnored?: boolean
}

/** A name that cannot be synced: not UTF-8, over a limit, or impossible to look at. */
export interface UnusableName {
  /** For a person, escaped. */
  readonly shown: string
  readonly reason: string
}

export interface DiskListing {
  readonly names: readonly DiskName[]
  readonly unusable: readonly UnusableName[]
}

export interface FileSource {
  /** Opens the content; at most once. */
  content(): AsyncIterable<Uint8Array>
  /** Bytes. */
  readonly size: number
  /** The nine permission bits. */
  readonly mode: number
  readonly mtimeNs: bigint
}

/** What may have changed: directories by their names from the root down, or everything. */
export type DirtyDirectories = readonly (readonly string[])[] | 'all'

/**
 * One directory of the user's, and what is below it. No call follows a symlink below the root or reaches outside of it,
 * whatever is swapped meanwhile. `names` are the parts of a path below the root, as they are on disk; none is the root.
 *
 * `expected` is what the caller believes to be at the path, `undefined` for nothing. Every call that changes something
 * looks again right before, and throws DITTO_FILE_CHANGED, changing nothing, where something else is there. What a
 * replacing call took away is looked at once more afterwards: if it was edited in the last moment, it is put beside under
 * `rescued`, a name of its own, and the call throws DITTO_FILE_CHANGED with that name in its details.
 *
 * Every method throws DittoError: DITTO_PERMISSION, DITTO_NO_SPACE, DITTO_PATH_INVALID (a symlink or a file in the way, a
 * name this platform cannot hold), DITTO_IO.
 */
export interface FolderFileSystem {
  /** @returns `undefined` where there is no directory */
  list(names: readonly string[], options?: AbortOptions): Promise<DiskListing | undefined>
  /** @returns `undefined` where there is nothing */
  stat(names: readonly string[]): Promise<DiskStamp | undefined>
  /** @throws DittoError DITTO_UNSUPPORTED for a target that is not UTF-8 or longer than 4,095 bytes */
  readLink(names: readonly string[]): Promise<string>
  /**
   * A regular file's bytes. Ends with DITTO_FILE_CHANGED when the file was changed while it was read, or is not as
   * expected.
   */
  read(names: readonly string[], expected: DiskStamp, options?: AbortOptions): AsyncIterable<Uint8Array>

  makeDirectory(names: readonly string[]): Promise<DiskStamp>
  /** Written under a temporary name, then renamed into place. @returns what is there now */
  writeFile(names: readonly string[], source: FileSource, expected: DiskStamp | undefined): Promise<DiskStamp>
  /** @returns `undefined` where such a link is not made here (it leads outside, or the platform has none) */
  makeSymlink(
    names: readonly string[],
    link: { readonly target: string; readonly mtimeNs: bigint },
    expected: DiskStamp | undefined,
  ): Promise<DiskStamp | undefined>
  /**
   * Sets mode and time of what is there (a symlink's time only). Whether somebody wrote into a file meanwhile cannot always
   * be told: then the stamp has a ctime of -1, so that the next look reads the file.
   */
  setAttributes(
    names: readonly string[],
    attributes: { readonly mode?: number; readonly mtimeNs: bigint },
    expected: DiskStamp,
  ): Promise<DiskStamp>
  /** Never replaces: DITTO_EXISTS where something is at `to`. @returns what is there now */
  rename(from: readonly string[], to: readonly string[], expected: DiskStamp): Promise<DiskStamp>
  /** Removes a file, a symlink or an empty directory; DITTO_EXISTS for a directory that is not empty. */
  remove(names: readonly string[], expected: DiskStamp): Promise<void>

  /**
   * Tells of changes until aborted, some 50 ms after they were made. May tell too much, and after an overflow tells
   * `'all'`. Resolves once nothing that is changed afterwards can be missed.
   *
   * @throws DittoError DITTO_LIMIT (the system allows no more watches), DITTO_UNSUPPORTED
   */
  watch(onDirty: (dirty: DirtyDirectories) => void, options: { signal: AbortSignal }): Promise<void>

  /** Makes what was written durable. */
  flush(): Promise<void>
  close(): Promise<void>
}
