import type { ContentRef } from './chunk-store.ts'
import type { AbortOptions, Awaitable, Unsubscribe } from './common.ts'
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

/** What a version of a node holds, by the node's kind. */
export type NodeContent =
  | { readonly kind: 'file'; readonly file: FileContent }
  | { readonly kind: 'symlink'; readonly symlink: SymlinkContent }
  | { readonly kind: 'directory'; readonly directory: DirectoryContent }

/** One shown entry of the tree. Two concurrent versions of one file are two entries, one of them a conflict copy. */
export interface TreeEntry {
  /** From the space's root, names joined by `/`; `''` is the root. */
  readonly path: string
  readonly name: string
  readonly node: NodeId
  /**
   * Where several nodes show as this one entry, all of them, `node` first: directories of one name in one place, and
   * files of one name and equal content.
   */
  readonly nodes?: readonly NodeId[]
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
export type Action = PathAction | NodeAction

/** A change of what is shown at a path now. */
export type PathAction =
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

/**
 * A change by somebody who saw a node as it was some time ago, like a directory on disk. A name that is taken is no
 * error: the tree shows one of the two as a conflict copy. A parent that was deleted is made anew, unless a directory
 * of its name stands in its place.
 */
export type NodeAction =
  | {
      /** Makes a node of its own, whatever else has that name. */
      readonly type: 'create'
      /** Its ID, from the store's `makeNode`, where it has to be known before; drawn when absent. */
      readonly node?: NodeId
      /** A directory's node, or the store's `root`. */
      readonly parent: NodeId
      readonly name: string
      readonly content: NodeContent
    }
  | {
      /**
       * A new version of a leaf, or new attributes of a directory, by somebody who saw `base`. Where `base` is shown,
       * as `write`. Where the document has moved on, the new version stands beside the newer ones as a conflict, and
       * a leaf that was deleted lives again with it. A directory takes what was written last.
       */
      readonly type: 'edit'
      readonly node: NodeId
      readonly base: VersionId
      readonly content: NodeContent
    }
  | {
      /** Moves or renames. A node that was deleted lives again at the new place. */
      readonly type: 'place'
      readonly node: NodeId
      /** Which shown version of a leaf in conflict; absent: the node with its main one. */
      readonly version?: VersionId
      readonly parent: NodeId
      readonly name: string
    }
  | {
      /** Deletes a node, with all below. What is deleted already stays so. */
      readonly type: 'delete'
      readonly node: NodeId
      /** A leaf that does not show this version stays. */
      readonly base?: VersionId
      /** Nodes below that stay, with all below them, because whoever deletes has not seen what they hold now. */
      readonly keep?: readonly NodeId[]
    }
  | {
      /** Brings a deleted node back, with all that was deleted with it, where it stood or at `to`. */
      readonly type: 'undelete'
      readonly node: NodeId
      readonly to?: { readonly parent: NodeId; readonly name: string }
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

/** A name in a directory. */
export interface NodePlace {
  readonly parent: NodeId
  readonly name: string
}

/**
 * What one record of a change says of one node. A record on a directory is one event, whatever is below.
 *
 * Paths are made of the names that nodes were placed under, which are not those of conflict copies; they are those
 * before and after the whole change, `undefined` where the node did not live.
 */
export interface NodeEvent {
  readonly node: NodeId
  readonly kind: 'version' | 'placement' | 'deletion'
  /** The device that wrote it; `undefined` where its log has not said so. */
  readonly author: DeviceKey | undefined
  /** The space's Lamport clock when it was written; with its author's log it names the event. */
  readonly t: number
  /** Names the event on all devices. */
  readonly id: string
  /** For `version`: its name and what it holds. */
  readonly version?: VersionId
  readonly content?: NodeContent
  /** The versions held that this one replaced. */
  readonly replaced: readonly VersionId[]
  /** For each log the last version of the node that the author of this one had seen: it stands for those before. */
  readonly seen: readonly VersionId[]
  readonly pathBefore?: string
  readonly pathAfter?: string
  readonly placeBefore?: NodePlace
  readonly placeAfter?: NodePlace
}

/** What became durable with one `transact`, or one message of a peer. */
export interface MetadataChange {
  /** For peers that had everything before it. */
  readonly messages: readonly Uint8Array[]
  /** Whether it is of this device's own making. */
  readonly isLocal: boolean
  /** What a listener may want to read again, at most 1,000; `undefined` where more changed. */
  readonly paths: readonly string[] | undefined
  /** How many entries came of each device's own log. */
  readonly authors: ReadonlyMap<DeviceKey, number>
  /** In the order of the records, at most 10,000; `undefined` where more came. */
  readonly events: readonly NodeEvent[] | undefined
}

/** One log of a space, and a hash of the entries this device holds of it. */
export interface LogDigest {
  /** The writer's number: 1 to 2^53-1. */
  readonly log: number
  /** The device whose log it is, by its signed first entry. */
  readonly owner: DeviceKey | undefined
  /** 32 bytes; equal where the entries held are equal. */
  readonly digest: Uint8Array
}

/** What this device holds of every log, at one moment. */
export interface LogDigests {
  /** 32 bytes: a hash of the state vector. Only where it is equal on two devices can their digests be compared. */
  readonly stateHash: Uint8Array
  /** By number, ascending. */
  readonly logs: readonly LogDigest[]
}

/** What changed when copies of logs gave way to their owner's. */
export interface ReplacedLogs {
  /** Whether a copy differed from its owner's; else nothing was changed. */
  readonly hasChanged: boolean
  /** Entries held here that the owner's copies do not have. */
  readonly droppedEntries: number
  /** Where entries of the tree stood whose content, or place, only dropped entries named; at most 1,000. */
  readonly lostPaths: readonly string[]
}

export interface WalkOptions extends AbortOptions {
  /** Each directory directly before what is in it: the order in which people read a tree. Default: not. */
  readonly isDepthFirst?: boolean
}

/**
 * The metadata of one space on this device: a Yjs document, what it shows, and how it is exchanged.
 *
 * Reads are answered from memory. `transact` and `receive` resolve when their effect is durable. Before `open` and
 * after `close` calls reject, or throw, DITTO_CLOSED.
 */
export interface MetadataStore {
  readonly space: SpaceId
  /** The node that stands for the space's root directory: always there, never placed or deleted. */
  readonly root: NodeId

  open(): Promise<void>
  close(): Promise<void>

  /** @throws DittoError DITTO_PATH_INVALID */
  lookup(path: string): TreeEntry | undefined
  /**
   * Where a node is shown now.
   *
   * @param version - picks the entry of that version where the node shows several; else it is the main one
   * @returns `undefined` where the node is not shown; for a node that another one stands for, the other one's entry
   */
  find(node: NodeId, version?: VersionId): TreeEntry | undefined
  /** The entries of a directory, by name in code unit order. `undefined` where the path is no directory. */
  children(path: string): readonly TreeEntry[] | undefined
  /**
   * The names that a directory shows without those of {@link copyNames}, in no order, in batches between which others get
   * their turn; none where the path is no directory. A name that comes or goes meanwhile may be told or not, and perhaps
   * twice.
   */
  names(path: string): AsyncIterable<readonly string[]>
  /** The names of the conflict copies in a directory. Where nothing is contested it costs nothing. */
  copyNames(path: string): readonly string[]
  /** The entries under some names of a directory, in the order asked for; `undefined` for each where nothing is shown. */
  entriesAt(path: string, names: readonly string[]): readonly (TreeEntry | undefined)[]
  /** Whether a directory shows nothing; also where the path is no directory. Costs nothing, however large it is. */
  isEmpty(path: string): boolean
  /**
   * The entry at the path and everything below, parents first, in batches; nothing where the path shows nothing. The
   * entries of a directory come by name in code unit order, together or each directory directly before what is in it.
   */
  walk(path: string, options?: WalkOptions): AsyncIterable<readonly TreeEntry[]>
  counts(): TreeCounts
  clashes(): readonly NameClash[]

  /** An ID for a node to be created, so that what goes below it can be named in the same `transact`. */
  makeNode(kind: NodeKind): NodeId

  /**
   * Applies actions, in order, as one update.
   *
   * @param actions - or what makes them: called when nothing else can change the document until they are applied
   * @returns for each action the entry it left shown; `undefined` for what is gone
   * @throws DittoError DITTO_NOT_FOUND (nothing at a path; a node never heard of), DITTO_EXISTS (a move's target is
   *   taken; a directory where a file is to be, or the reverse; something below a file), DITTO_PATH_INVALID,
   *   DITTO_USAGE (a directory moved into itself; the root moved or deleted; content of another kind than the node;
   *   a node to be created that is there)
   */
  transact(actions: readonly Action[] | (() => Awaitable<readonly Action[]>)): Promise<(TreeEntry | undefined)[]>

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

  /**
   * Which versions may be new to a device that once said this `hello`. Never wrong in saying that one is not; may say of
   * a few that they are, though they are not.
   *
   * @throws DittoError DITTO_UPDATE_INVALID, DITTO_LIMIT
   */
  newTo(hello: Uint8Array): (version: VersionId) => boolean

  /** 32 bytes that are equal on devices that hold the same entries and show the same tree. */
  digest(): Uint8Array

  /** Digests of the single logs, for finding which differ where two devices hold as much and not the same. */
  logDigests(): Promise<LogDigests>

  /**
   * A part of a log of this device's own, from a clock on, for a device whose copy of it differs.
   *
   * @returns where the log and the part end, and the part as an update of at most 900,000 bytes: no bytes when nothing
   *   stands behind `from`, or when the log is not this device's
   */
  ownLogPart(log: number, from: number): { readonly end: number; readonly to: number; readonly update: Uint8Array }

  /**
   * Lets the owner's copies of its logs take the place of those held here. Everything else stays; the change happens
   * whole or not at all, also when the machine stops in the middle. Listeners hear of it as of a peer's change.
   *
   * @param updates - as `ownLogPart` of the owner gave them, each log from clock 0 on, to where it ends here at least
   * @param owner - the device they came from, over a link with that device itself
   * @throws DittoError DITTO_UPDATE_INVALID (malformed, or a log that is not the owner's; a device's own logs are never
   *   replaced), DITTO_UPDATE_GAP (a copy ends before the one held), DITTO_LIMIT
   */
  replaceLogs(updates: readonly Uint8Array[], owner: DeviceKey): Promise<ReplacedLogs>

  /** Calls `listener` after a change became durable. */
  onChange(listener: (change: MetadataChange) => void): Unsubscribe
}
