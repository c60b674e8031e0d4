import type { AbortOptions } from './common.ts'
import type { ByteRange } from './manifest.ts'
import type { NodeKind } from './metadata-store.ts'

declare const brand: unique symbol

/**
 * Names one file, directory or symlink of a volume, made from its node ID: the same after renames, restarts and changes
 * by other devices. 1 to MAX_HANDLE_BYTES characters of `[0-9a-zA-Z._-]`; opaque outside the volume. A handle from
 * outside is hostile text until the volume has looked it up.
 */
export type VolumeHandle = string & { readonly [brand]: 'VolumeHandle' }

/** Characters of a handle: what an NFSv3 handle (RFC 1813, 64 bytes) holds beside the name of its export. */
export const MAX_HANDLE_BYTES = 48

/** What a file system tells of one node. Times are nanoseconds since the Unix epoch. */
export interface VolumeAttributes {
  readonly kind: NodeKind
  /** 0 to 0o777. A symlink's is 0o777 and stays so. */
  readonly mode: number
  /** Bytes: of a file with what has been written and not committed; of a symlink its target's UTF-8 length; else 0. */
  readonly size: number
  /** Bytes of it that are on this device. */
  readonly heldBytes: number
  readonly mtimeNs: bigint
  /** When content, attributes or place last changed on this device, as far as known; never before `mtimeNs`. */
  readonly ctimeNs: bigint
  /** 1 to 2^64-1; the same for as long as the handle, and of no other living node of the volume. */
  readonly fileId: bigint
  /** Different after each change of content or attributes: 1 to 64 characters of `[0-9a-zA-Z._:-]`. */
  readonly changeTag: string
  /** Of a file: different after each change of content, the same after one of attributes alone; written as the change tag. */
  readonly contentTag: string
}

/** A node, where it was found. */
export interface VolumeEntry {
  readonly handle: VolumeHandle
  readonly attributes: VolumeAttributes
}

/** A name in a directory, and what stands there, if anything does. */
export interface VolumePlace {
  readonly directory: VolumeHandle
  readonly entry: VolumeEntry | undefined
}

/** An entry of a directory. */
export interface VolumeDirent extends VolumeEntry {
  readonly name: string
  /**
   * Where to go on behind this entry: 1 to 2^63-1. A name keeps its cookie for as long as it stands in the directory,
   * also over restarts, so that a listing that goes on from one never tells a name twice nor leaves one out that was
   * there all the time, whatever changes meanwhile.
   */
  readonly cookie: bigint
}

/** A name of a directory with as much of what stands there as costs nothing to tell. */
export type VolumeName = Pick<VolumeDirent, 'name' | 'cookie'> & Pick<VolumeAttributes, 'fileId'>

export interface ReadDirectoryOptions extends AbortOptions {
  /** The cookie of the last entry seen; 0 for the start. */
  after: bigint
  /** Entries at most, 1 to 4,096. */
  limit: number
}

export interface ReadOptions extends AbortOptions {
  /** First byte, 0 or more. */
  offset: number
  /** Bytes at most, 1 to MAX_TRANSFER_BYTES. */
  length: number
}

/** What a read brought. */
export interface VolumeRead {
  readonly bytes: Uint8Array
  readonly isEnd: boolean
  /** Of the file as the bytes show it, in its attributes. */
  readonly changeTag: string
}

/** What a read brought that copies nothing. */
export interface VolumePieces extends Pick<VolumeRead, 'isEnd' | 'changeTag'> {
  /** The bytes, in order. They stay the volume's, which may show them to others: nobody is to change them. */
  readonly pieces: readonly Uint8Array[]
}

export interface WriteOptions extends AbortOptions {
  offset: number
  /** Whether the bytes, and all written before them, are durable when the call returns, as `commit` makes them. */
  isStable: boolean
}

/** Bytes that one `read` or `write` moves at most: 1 MiB. */
export const MAX_TRANSFER_BYTES = 1024 * 1024

/** Changes of attributes. What is absent stays. */
export interface AttributeChange {
  mode?: number
  /** Cuts a file off, or makes it longer with zeros: 0 to MAX_FILE_BYTES. */
  size?: number
  mtimeNs?: bigint
}

/** `unchecked`: a file that is there is taken as it is. `guarded`: it is an error. */
export type CreateRule = 'unchecked' | 'guarded'

export interface CreateOptions {
  mode: number
  rule: CreateRule
  /**
   * 8 bytes by which an exclusive create (RFC 1813 3.3.8) that is sent again is known: where a file at the name was made
   * with the same ones, on this device, it is the answer; any other is an error. `rule` is not looked at then.
   */
  verifier?: Uint8Array
}

/** Bytes that are there as a whole, to become the content of a file. */
export interface ContentSource {
  /** 0 to MAX_FILE_BYTES. */
  readonly size: number
  /** Exactly the bytes asked for, 1 byte to MAX_TRANSFER_BYTES, owned by the caller; in order, mostly, and some of them twice. */
  read(range: ByteRange, options?: AbortOptions): Promise<Uint8Array>
}

export interface ReplaceContentOptions extends AbortOptions {
  /** The file's time; now, unless given. */
  mtimeNs?: bigint
}

export interface CreateWithContentOptions extends ReplaceContentOptions {
  mode: number
}

export interface VolumeStatistics {
  /** Bytes of the disk that the content lies on, and how many of them a new file may take. */
  readonly totalBytes: number
  readonly freeBytes: number
  /** Bytes of all files shown, held here or not. */
  readonly usedBytes: number
  readonly files: number
}

/**
 * A space opened as a file system: the tree view that every gateway serves. Knows nothing of protocols.
 *
 * Names are single path parts in any Unicode normal form; they are brought to NFC and checked here. Changes show at once
 * to every reader of the volume; those by other devices as they arrive. A change of names is durable when its call
 * returned. A write is durable, and becomes a version that other devices get, when `commit` returned, or by itself once
 * the file has been quiet for some seconds; what was not committed is lost with the process, as a cache would be. What
 * somebody else changed between a file's first uncommitted write and its commit stands beside it as a conflict copy; bytes
 * of two writers on different devices are never mixed in one version.
 *
 * All calls may be concurrent; calls on one file take effect in the order in which they were made.
 *
 * @throws DittoError of every call: DITTO_HANDLE_STALE (the handle names nothing that is there), DITTO_CLOSED,
 *   DITTO_LIMIT (an offset, a length or a size out of its range); of a call that changes: DITTO_ROLE (this device may only
 *   read, whatever else is wrong), DITTO_NO_SPACE, DITTO_IO
 */
export interface Volume {
  readonly root: VolumeHandle
  readonly isReadOnly: boolean
  /** 8 bytes, others after each restart: whoever sees them change sends again what was not committed. */
  readonly writeVerifier: Uint8Array

  /** Of a directory: as every change of a name in it left them that was asked for before. */
  attributes(handle: VolumeHandle): Promise<VolumeAttributes>
  /** @throws DittoError DITTO_NOT_FOUND, DITTO_NOT_DIRECTORY, DITTO_PATH_INVALID */
  lookup(directory: VolumeHandle, name: string): Promise<VolumeEntry>
  /**
   * Where a path of one name or more leads from the root, in one go. Symlinks are not followed.
   *
   * @returns `undefined` where the last name stands in no directory: also where a symlink is on the way
   * @throws DittoError DITTO_PATH_INVALID
   */
  find(names: readonly string[]): Promise<VolumePlace | undefined>
  /** The directory that a node stands in; the root's is the root. */
  parent(handle: VolumeHandle): Promise<VolumeEntry>
  /** The names from the root down to a node; none for the root. */
  path(handle: VolumeHandle): Promise<readonly string[]>
  /** @throws DittoError DITTO_NOT_DIRECTORY */
  readDirectory(
    directory: VolumeHandle,
    options: ReadDirectoryOptions,
  ): Promise<{ readonly entries: readonly VolumeDirent[]; readonly isEnd: boolean }>
  /**
   * The same names with the same cookies, for who wants no attributes.
   *
   * @throws DittoError DITTO_NOT_DIRECTORY
   */
  readNames(
    directory: VolumeHandle,
    options: ReadDirectoryOptions,
  ): Promise<{ readonly entries: readonly VolumeName[]; readonly isEnd: boolean }>
  /** @throws DittoError DITTO_UNSUPPORTED (no symlink) */
  readLink(handle: VolumeHandle): Promise<string>

  /**
   * Verified bytes; what is missing here is fetched while the reader waits.
   *
   * @returns fewer bytes than asked only at the file's end; owned by the caller
   * @throws DittoError DITTO_IS_DIRECTORY, DITTO_UNSUPPORTED (a symlink), DITTO_CHUNK_MISSING (nobody reachable has them,
   *   or they did not come in time: a later call may succeed), DITTO_CHUNK_CORRUPT
   */
  read(handle: VolumeHandle, options: ReadOptions): Promise<VolumeRead>
  /** As `read`, for who passes the bytes on. */
  readPieces(handle: VolumeHandle, options: ReadOptions): Promise<VolumePieces>
  /**
   * Writes all of `bytes`, at most MAX_TRANSFER_BYTES, which belong to the caller again when it returns.
   *
   * @throws DittoError DITTO_IS_DIRECTORY, DITTO_UNSUPPORTED (a symlink)
   */
  write(handle: VolumeHandle, bytes: Uint8Array, options: WriteOptions): Promise<VolumeAttributes>
  /** Returns when everything written to the file before is durable and a version of it is in the metadata. */
  commit(handle: VolumeHandle, options?: AbortOptions): Promise<VolumeAttributes>
  /**
   * Gives a file other content, whole or not at all: one version, durable when it returns. Until then the file is as it
   * was, also where this fails or the process ends. What was written to the file before and not committed gives way too.
   *
   * @throws DittoError DITTO_IS_DIRECTORY, DITTO_UNSUPPORTED (a symlink), DITTO_IO (the source gave other bytes than asked
   *   for), and whatever the source throws
   */
  replaceContent(
    handle: VolumeHandle,
    source: ContentSource,
    options?: ReplaceContentOptions,
  ): Promise<VolumeAttributes>
  /** Durable when it returns, but for a change of size and on a file with uncommitted writes: there `commit` makes it so. */
  setAttributes(handle: VolumeHandle, change: AttributeChange): Promise<VolumeAttributes>

  /** @throws DittoError DITTO_EXISTS, DITTO_IS_DIRECTORY (where a file is wanted), DITTO_NOT_DIRECTORY, DITTO_PATH_INVALID */
  create(directory: VolumeHandle, name: string, options: CreateOptions): Promise<VolumeEntry>
  /**
   * A new file that has its content from the start, committed: nobody sees it empty, or a part of it.
   *
   * @throws DittoError as `create` with the rule `guarded` and as `replaceContent`
   */
  createWithContent(
    directory: VolumeHandle,
    name: string,
    source: ContentSource,
    options: CreateWithContentOptions,
  ): Promise<VolumeEntry>
  makeDirectory(directory: VolumeHandle, name: string, mode: number): Promise<VolumeEntry>
  makeSymlink(directory: VolumeHandle, name: string, target: string): Promise<VolumeEntry>
  /** @throws DittoError DITTO_NOT_FOUND, DITTO_IS_DIRECTORY */
  removeFile(directory: VolumeHandle, name: string): Promise<void>
  /** @throws DittoError DITTO_NOT_FOUND, DITTO_NOT_DIRECTORY, DITTO_NOT_EMPTY */
  removeDirectory(directory: VolumeHandle, name: string): Promise<void>
  /** Removes whatever is there with all below, as one record. */
  removeTree(directory: VolumeHandle, name: string): Promise<void>
  /**
   * One record, whatever is below. What stands at the target gives way where POSIX `rename` lets it: a file or symlink
   * to a file or symlink, an empty directory to a directory.
   *
   * @throws DittoError DITTO_NOT_FOUND, DITTO_EXISTS, DITTO_NOT_EMPTY, DITTO_IS_DIRECTORY, DITTO_NOT_DIRECTORY,
   *   DITTO_USAGE (a directory into itself)
   */
  rename(from: VolumeHandle, fromName: string, to: VolumeHandle, toName: string): Promise<void>
  /**
   * A new file with the content of another, committed; no byte is read or written.
   *
   * @throws DittoError DITTO_EXISTS, DITTO_IS_DIRECTORY
   */
  copyFile(handle: VolumeHandle, directory: VolumeHandle, name: string): Promise<VolumeEntry>

  statistics(): Promise<VolumeStatistics>
}
