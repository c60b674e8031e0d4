import type { ContentRef } from './chunk-store.ts'
import type { AbortOptions, Unsubscribe } from './common.ts'
import type { DeviceKey, NodeId, SpaceId, VersionId } from './ids.ts'

/** Part of a node's ID; a file replaced by a directory is a delete and a create. */
export const NODE_KINDS = ['file', 'directory', 'symlink'] as const
export type NodeKind = (typeof NODE_KINDS)[number]

/** A file's content and what stands beside it. `mode` is the 9 permission bits. */
export interface FileContent {
  /** Bytes, 0 to MAX_FILE_BYTES. */
  readonly size: number
  /** Nanoseconds since the Unix epoch. */
  readonly mtimeNs: bigint
  /** 0 to 0o777. */
  readonly mode: number
  readonly content: ContentRef
}

/** A symlink's target, as its creator had it: UTF-8, 1 to 4,095 bytes. Never opened or resolved by DittoFS. */
export interface SymlinkContent {
  readonly target: string
  readonly mtimeNs: bigint
}

/** What a directory carries beside its name. */
export interface DirectoryContent {
  readonly mode: number
  readonly mtimeNs: bigint
}

/** One shown entry of the tree. Two concurrent versions of one file are two entries, one of them a conflict copy. */
export interface TreeEntry {
  /** From the space's root, names joined by `/`; `''` is the root. */
  readonly path: string
  readonly name: string
  readonly node: NodeId
  readonly kind: NodeKind
  readonly version?: VersionId
  readonly file?: FileContent
  readonly symlink?: SymlinkContent
  readonly directory?: DirectoryContent
  /** The device that made the shown version. */
  readonly author?: DeviceKey
  /** Set on a conflict copy: the path of the entry it is another version of. */
  readonly conflictOf?: string
}

/** One change a person or program makes. Actions of one `transact` call happen together or not at all. */
export type Action =
  | {
      /** Makes a file, or a new version of the file shown at the path. Missing parent directories are made. */
      readonly type: 'write'
      readonly path: string
      readonly file: FileContent
    }
  | { readonly type: 'symlink'; readonly path: string; readonly symlink: SymlinkContent }
  | {
      /** Makes a directory, with missing parents; one that is there takes the content given. */
      readonly type: 'mkdir'
      readonly path: string
      readonly directory: DirectoryContent
    }
  | {
      /** Moves or renames what is shown at `from`, with all below. One record, whatever is below. */
      readonly type: 'move'
      readonly from: string
      readonly to: string
    }
  | {
      /** Removes what is shown at the path, with all below. One record, whatever is below. */
      readonly type: 'remove'
      readonly path: string
    }

export interface TreeCounts {
  readonly files: number
  readonly directories: number
  readonly symlinks: number
  /** Sum of the sizes of all files shown. */
  readonly bytes: number
  readonly conflicts: number
  /** Nodes whose parent or placement has not arrived yet. */
  readonly waiting: number
}

/** Names that some platform cannot hold side by side, reported beside the tree and changing nothing in it. */
export interface NameClash {
  readonly directory: string
  readonly names: readonly string[]
}

/**
 * The metadata of one space on this device: a Yjs document, what it shows, and how it is exchanged.
 *
 * Reads are answered from memory. `transact` and `receive` resolve when their effect is durable. Before `open` and
 * after `close` calls reject, or throw, DITTO_CLOSED.
 */
export interface MetadataStore {
  readonly space: SpaceId

  open(): Promise<void>
  close(): Promise<void>

  /** @throws DittoError DITTO_PATH_INVALID */
  lookup(path: string): TreeEntry | undefined
  /** The entries of a directory, by name in code unit order. `undefined` where the path is no directory. */
  children(path: string): readonly TreeEntry[] | undefined
  /** The entry at the path and everything below, parents first, in batches; nothing where the path shows nothing. */
  walk(path: string, options?: AbortOptions): AsyncIterable<readonly TreeEntry[]>
  counts(): TreeCounts
  clashes(): readonly NameClash[]

  /**
   * Applies actions, in order, as one update.
   *
   * @returns for each action the entry it left shown; `undefined` for a removal
   * @throws DittoError DITTO_NOT_FOUND, DITTO_EXISTS (a move's target is taken; a directory where a file is to be, or
   *   the reverse; something below a file), DITTO_PATH_INVALID, DITTO_USAGE (a directory moved into itself)
   */
  transact(actions: readonly Action[]): Promise<(TreeEntry | undefined)[]>

  /** The first message of an exchange: y-protocols sync step 1, at most MAX_UPDATE_BYTES. */
  hello(): Uint8Array

  /**
   * Takes one message of a peer and checks all of it before anything is applied.
   *
   * @param isWriter - whether the peer may change the space; updates of one who may not are refused
   * @returns the messages to send back, in order, each at most MAX_UPDATE_BYTES; lazily made
   * @throws DittoError DITTO_UPDATE_INVALID, DITTO_UPDATE_GAP (ask again with `hello`), DITTO_ROLE, DITTO_LIMIT
   */
  receive(message: Uint8Array, from: DeviceKey, isWriter: boolean): Promise<Iterable<Uint8Array>>

  /** Whether this device holds all that a peer's `hello` says the peer holds. */
  holds(hello: Uint8Array): boolean

  /** 32 bytes that are equal on devices that hold the same entries and show the same tree. */
  digest(): Uint8Array

  /**
   * Calls `listener` after a change became durable. `messages` are for peers that had everything before it; `local`
   * tells own actions from what peers sent; `paths` names what a listener may want to read again, at most 1,000, and
   * is `undefined` where more changed; `authors` says how many entries came of each device's own log.
   */
  onChange(
    listener: (change: {
      readonly messages: readonly Uint8Array[]
      readonly isLocal: boolean
      readonly paths: readonly string[] | undefined
      readonly authors: ReadonlyMap<DeviceKey, number>
    }) => void,
  ): Unsubscribe
}
