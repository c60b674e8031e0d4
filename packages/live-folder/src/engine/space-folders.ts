import type {
  AbortOptions,
  Clock,
  Logger,
  MetadataStore,
  NodeId,
  NodeKind,
  RandomBytes,
  SpaceId,
  Unsubscribe,
} from '@dittofs/interface'
import type { BaseDatabase } from '../base/base-database.ts'
import type { FolderFileSystem } from '../folder-file-system.ts'
import type { FolderContent, FolderId } from './ports.ts'

/**
 * `two-way`; `receive`: what differs here is kept, reported and never sent; `send`: what others change is reported and
 * not written here.
 */
export const FOLDER_MODES = ['two-way', 'receive', 'send'] as const
export type FolderMode = (typeof FOLDER_MODES)[number]

export interface LinkedFolder {
  readonly id: FolderId
  /** The directory of the space that the folder mirrors; `metadata.root` for all of it. */
  readonly directoryNode: NodeId
  readonly mode: FolderMode
}

/**
 * Why a folder stands still. `person`: `pause` was called. `root-missing`: there is no directory. `marker`: the file that
 * tells whose folder this is, is missing or names another one. `directory-gone`: the space shows the folder's directory
 * no longer. `brake`: too much would be deleted or replaced.
 */
export type PauseReason = 'person' | 'root-missing' | 'marker' | 'directory-gone' | 'brake'

/** What the brake holds back. */
export interface HeldChange {
  /** `outgoing`: made on this disk. `incoming`: made by others. */
  readonly direction: 'outgoing' | 'incoming'
  readonly deletedFiles: number
  readonly replacedFiles: number
  /** Files the folder has. */
  readonly files: number
}

/** Why something is left out, as a word to match on. */
export type ProblemKind =
  | 'name'
  | 'case-clash'
  | 'kind'
  | 'link'
  | 'permission'
  | 'no-space'
  | 'not-empty'
  | 'folder-inside'
  | 'io'
  | 'local-change'
  | 'remote-change'

/** One path that is not synced, and why. It is tried again by itself. */
export interface FolderProblem {
  readonly folder: FolderId
  /** From the folder's root, names joined by `/`; for a person. */
  readonly path: string
  readonly kind: ProblemKind
  /** One plain sentence. */
  readonly message: string
}

export interface FolderState {
  readonly id: FolderId
  readonly mode: FolderMode
  readonly activity: 'idle' | 'scanning' | 'syncing' | 'paused'
  readonly paused?: { readonly reason: PauseReason; readonly message: string; readonly held?: HeldChange }
  /** What is synced: known here and in the document. */
  readonly files: number
  readonly directories: number
  readonly symlinks: number
  /** Sum of the sizes of those files. */
  readonly bytes: number
  /** The round under way: steps done and to do, and the bytes of files among them. */
  readonly progress?: {
    readonly steps: number
    readonly doneSteps: number
    readonly bytes: number
    readonly doneBytes: number
    /** Milliseconds since it began. */
    readonly elapsedMs: number
  }
  /** Files of the document whose content has not come yet. */
  readonly waiting: number
  /** Their sizes together. */
  readonly waitingBytes: number
  /** Changes of others that a folder which only sends does not take, as far as they are among its problems. */
  readonly untaken: number
  /** Files on disk that are still being written. */
  readonly unsettled: number
  /** At most 1,000 are kept. */
  readonly problems: readonly FolderProblem[]
}

/** One thing a round would do. Paths are from the folder's root, names joined by `/`. */
export interface PlannedStep {
  readonly direction: 'outgoing' | 'incoming'
  readonly type: 'create' | 'edit' | 'move' | 'delete' | 'adopt' | 'attributes'
  readonly kind: NodeKind
  readonly path: string
  /** Where a move comes from; with its folder where that is another one. */
  readonly from?: string
  /** Whether the content has to come from another device first. */
  readonly isWaiting?: boolean
  /** Whether it is not done because the folder only sends. */
  readonly isUntaken?: boolean
}

/** What a round would do to a folder now. Nothing was changed to find out. */
export interface FolderPlan {
  readonly id: FolderId
  /** At most 10,000. */
  readonly steps: readonly PlannedStep[]
  /** Steps there are, also past those listed. */
  readonly stepCount: number
  readonly held?: HeldChange
}

/** One thing that was seen, decided or done about a path. */
export interface TrailEntry {
  /** Milliseconds since the Unix epoch. */
  readonly at: number
  readonly folder: FolderId
  /** From the folder's root, names joined by `/`. */
  readonly path: string
  readonly what: 'seen' | 'decided' | 'done' | 'failed'
  /** One plain sentence. */
  readonly text: string
}

export interface SpaceFoldersInit {
  readonly space: SpaceId
  /** Open, and open until `close` has returned. */
  readonly metadata: MetadataStore
  /** A database of this space's folders' own; opened and closed here. */
  readonly database: BaseDatabase
  readonly content: FolderContent
  readonly clock: Clock
  readonly randomBytes: RandomBytes
  readonly logger: Logger
  /** For the names of files that are put aside in a folder of mode `receive`. */
  readonly deviceLabel: string
  /** Files that may be deleted or replaced at once before the brake holds them. Default 1,000. */
  readonly brakeFiles?: number
  /**
   * Bytes that may be written to the disk of a folder before less stays free there than is to. A file that does not fit
   * is a problem of kind `no-space`, and is tried again by itself. Without a limit where absent.
   */
  readonly roomFor?: (folder: FolderId) => Promise<number>
  /** Milliseconds between two full scans of a folder, beside what the watcher tells. Default 1 hour; 0 for none. */
  readonly rescanMs?: number
}

/**
 * The live folders of one space. Every folder that is linked is kept in step with the document until it is unlinked or
 * paused: what changes on disk becomes actions, what changes in the document is written to disk.
 *
 * Methods that wait take a signal; an abort ends the waiting, never half a change. After `close` all reject, or throw,
 * DITTO_CLOSED.
 */
export interface SpaceFolders {
  /**
   * Starts to keep a folder in step. A folder that was linked before goes on from its last synced state. A new one gets
   * its marker; what stands in it already and is in the document too is taken as synced, the rest goes out.
   *
   * @param fileSystem - the directory; closed by `unlink` and `close`
   * @throws DittoError DITTO_EXISTS (linked already), DITTO_NOT_FOUND (no such directory in the space), DITTO_USAGE (a
   *   directory that another folder mirrors, or that lies in or around one)
   */
  link(folder: LinkedFolder, fileSystem: FolderFileSystem, options?: AbortOptions): Promise<void>

  /**
   * Stops keeping a folder in step and forgets its last synced state. Files stay where they are, on disk and in the
   * document. @throws DittoError DITTO_NOT_FOUND
   */
  unlink(id: FolderId): Promise<void>

  /** Stops at the next step, until `resume`; across restarts. @throws DittoError DITTO_NOT_FOUND */
  pause(id: FolderId): Promise<void>

  /**
   * Goes on. `accept` lets through what the brake holds, once, and takes the root as this folder's where its marker is
   * missing. Without it a folder that is paused for such a reason is looked at again. @throws DittoError DITTO_NOT_FOUND
   */
  resume(id: FolderId, options?: { readonly accept?: boolean }): Promise<void>

  /** Looks at everything again, in one folder or all; returns at once. @throws DittoError DITTO_NOT_FOUND */
  rescan(id?: FolderId): void

  /** Gives back the disk space of what is known no more of these folders. @throws DittoError DITTO_IO */
  compact(): Promise<void>

  /** What a round would do now; waits for one under way. @throws DittoError DITTO_NOT_FOUND */
  plan(id: FolderId, options?: AbortOptions): Promise<FolderPlan>

  states(): readonly FolderState[]

  /** What was seen, decided and done about a path of late, oldest first. @param path - from the folder's root */
  trail(path: string, folder?: FolderId): readonly TrailEntry[]

  /** Where the file is now that a {@link PlacedFile.key} stands for. */
  locate(key: string): { readonly folder: FolderId; readonly names: readonly string[] } | undefined

  /** Calls `listener` when what `states` says has changed, at most once a turn of the event loop. */
  onChange(listener: () => void): Unsubscribe

  /**
   * Resolves when nothing is left to do now: all that is on disk is in the document and the other way round, but for
   * content that has not come, files still being written, problems, and folders that are paused.
   */
  whenSettled(options?: AbortOptions): Promise<void>

  /** Ends the step under way whole, and closes the file systems and the database. Idempotent. */
  close(): Promise<void>
}
