import type {
  AbortOptions,
  ContentRef,
  DittoError,
  FileContent,
  NodeId,
  Unsubscribe,
  VersionId,
} from '@dittofs/interface'
import type { DiskStamp } from '../disk-stamp.ts'

/** Names one live folder on this device: chosen by whoever links it, never changed, 1 to 64 of `[0-9A-Za-z_-]`. */
export type FolderId = string

/** A regular file on disk, as it was looked at last. */
export interface FileOnDisk {
  /** What its bytes are to be known by, if it comes to be {@link PlacedFile}; no other file ever had or has this key. */
  readonly key: string
  readonly folder: FolderId
  /** As they are on disk, from the folder's root. */
  readonly names: readonly string[]
  readonly stamp: DiskStamp
  /** Whether somebody made or changed it while the folder was linked, and so may write over it again at any moment. */
  readonly isRecent: boolean
  /** Opens its bytes; they end with DITTO_FILE_CHANGED when the file is not as `stamp` says, before or after. */
  read(options?: AbortOptions): AsyncIterable<Uint8Array>
}

/** The name of a file's content, or why it could not be found. */
export type TakenFile = { readonly content: ContentRef } | { readonly error: DittoError }

/** A file on disk that holds exactly what a version of the document says. */
export interface PlacedFile {
  /**
   * Where the bytes are, for as long as they are there: 1 to 32 characters. Renaming the file, or a directory above it,
   * keeps the key; other content gets another one. `SpaceFolders.locate` says what it stands for now.
   */
  readonly key: string
  readonly node: NodeId
  readonly version: VersionId
  readonly file: FileContent
  readonly folder: FolderId
  readonly names: readonly string[]
  readonly stamp: DiskStamp
}

/**
 * The bytes behind the files of a space, as live folders need them. One for all folders of a space.
 *
 * All methods throw DittoError: DITTO_NO_SPACE, DITTO_IO, DITTO_CLOSED, and where a file on disk is read
 * DITTO_FILE_CHANGED, DITTO_PERMISSION.
 */
export interface FolderContent {
  /**
   * Finds the names of files' contents, and sees to it that the contents are held. Returns once metadata may refer to them,
   * so once each is durable, or lies in the file itself under its key. Of every key either {@link placed} or
   * {@link released} is told later, also where the file could not be taken or the call failed. Of a file that is recent a
   * copy may be kept beside it for a while: others learn of a version before they can fetch it, and may build on it.
   */
  take(files: readonly FileOnDisk[], options?: AbortOptions): Promise<readonly TakenFile[]>

  /** For each file whether all of its content can be read here now. */
  areHeld(files: readonly FileContent[]): Promise<readonly boolean[]>

  /** The bytes of a file, verified. Ends with DITTO_CHUNK_MISSING when they are not all held. */
  read(file: FileContent, options?: AbortOptions): AsyncIterable<Uint8Array>

  /**
   * Called before the bytes of a file on disk are overwritten or removed. When it returns they no longer are needed:
   * they lie elsewhere, or no history and no device wants them.
   */
  preserve(file: PlacedFile, options?: AbortOptions): Promise<void>

  /** The file holds that content now. Told after the base knows it, and for every file of a folder that is linked. */
  placed(file: PlacedFile): void

  /** The file that a key stood for is gone, or holds something else; or it was taken and is not needed. */
  released(key: string): void

  /** Calls `listener` whenever content came that was not held. */
  onHeld(listener: () => void): Unsubscribe
}
