import type { AbortOptions } from './common.ts'
import type { SpaceId } from './ids.ts'
import type { PathOptions } from './versions.ts'

/**
 * Which way a live folder goes. `two-way`: both. `receive`: what others do is done here; what is done here stays here and
 * is reported. `send`: what is done here goes to others; what they do is not done here.
 */
export const FOLDER_MODES = ['two-way', 'receive', 'send'] as const
export type FolderMode = (typeof FOLDER_MODES)[number]

/** Something in a live folder that is not synced as it stands, and why. */
export interface FolderProblem {
  /** Below the folder, parts joined by `/`, escaped where it is no text. */
  readonly path: string
  readonly code: string
  /** One sentence: what is the matter and what to do. */
  readonly reason: string
}

/** A change so large that it waits for a person's word. */
export interface HeldChange {
  /** `out`: done here, not told to others yet. `in`: done by others, not done here yet. */
  readonly direction: 'out' | 'in'
  readonly deletes: number
  readonly replaces: number
  /** Files in the folder before it. */
  readonly files: number
}

export interface FolderInfo {
  readonly id: string
  /** Absolute. */
  readonly directory: string
  readonly space: { readonly id: SpaceId; readonly name: string }
  /** The directory of the space that it mirrors; `''` for all of it. */
  readonly path: string
  readonly mode: FolderMode
  readonly state: 'idle' | 'scanning' | 'syncing' | 'paused'
  /** Why it is paused, in one sentence. */
  readonly reason?: string
  readonly held?: HeldChange
  /** What is in sync now. */
  readonly files: number
  readonly bytes: number
  /** Files that others have and whose bytes have not come yet. */
  readonly waitingFiles: number
  /** Their bytes. */
  readonly waitingBytes?: number
  /** Milliseconds until they are here, at the rate at which content comes now. */
  readonly waitingEtaMs?: number
  /** Changes of others that a folder which only sends does not take; they are among `problems`. */
  readonly untaken?: number
  /** Of a round under way. */
  readonly progress?: {
    readonly stepsDone: number
    readonly stepsTotal: number
    readonly bytesDone: number
    readonly bytesTotal: number
    /** Milliseconds to go at the rate so far. */
    readonly etaMs?: number
  }
  /** At most 100; `problemCount` says how many there are. */
  readonly problems: readonly FolderProblem[]
  readonly problemCount: number
}

/** One thing a sync would do now. */
export interface PlannedStep {
  /** `out`: told to others. `in`: done in the folder. */
  readonly direction: 'out' | 'in'
  readonly what: 'create' | 'edit' | 'attributes' | 'move' | 'delete' | 'adopt'
  /** Below the folder. */
  readonly path: string
  /** Where it was, for a move. */
  readonly from?: string
  readonly kind: 'file' | 'directory' | 'symlink'
  /** Whether its content has to come from another device first. */
  readonly isWaiting?: boolean
  /** Whether it is not done because the folder only sends. */
  readonly isUntaken?: boolean
}

/** What was seen of a path, decided about it, or done. */
export interface TrailEntry {
  /** Milliseconds since the Unix epoch. */
  readonly at: number
  readonly what: 'seen' | 'decided' | 'done' | 'failed'
  /** Below the folder. */
  readonly path: string
  /** One sentence. */
  readonly text: string
}

/** What an ignore pattern drops. */
export interface IgnoredPath {
  readonly path: string
  readonly isDirectory: boolean
  readonly pattern: string
  /** The ignore file, below the folder, and the line in it; absent for a pattern that is only tried. */
  readonly file?: string
  readonly line?: number
}

export interface LinkOptions {
  space?: string
  /** The directory of the space to mirror, made where it is missing. Default: all of the space. */
  path?: string
  mode?: FolderMode
}

/**
 * The live folders of a device. A folder is named by its directory, absolute, or any path in it; without one all are
 * meant. DITTO_NOT_FOUND where no folder is there.
 */
export interface LiveFolders {
  /**
   * Makes a directory, made where it is missing, a live folder. What is in it and what is in the space merge; nothing is
   * overwritten.
   *
   * @throws DittoError DITTO_EXISTS (a live folder is there, above or below), DITTO_USAGE (the home of a device),
   *   DITTO_PERMISSION, DITTO_ROLE (a space that may only be read takes only `receive`)
   */
  link(directory: string, options?: LinkOptions): Promise<FolderInfo>
  /** Stops syncing it and leaves every file where it is. */
  unlink(directory: string): Promise<FolderInfo>
  list(): Promise<readonly FolderInfo[]>
  pause(directory?: string): Promise<readonly FolderInfo[]>
  /** @param options - `accept`: also does the change that is held */
  resume(directory?: string, options?: { accept?: boolean }): Promise<readonly FolderInfo[]>
  /** Looks at everything again; resolves when what was found is dealt with. */
  rescan(directory?: string, options?: AbortOptions): Promise<readonly FolderInfo[]>
  /** What a sync would do now; changes nothing. */
  plan(directory?: string, options?: AbortOptions): Promise<readonly PlannedStep[]>
  /**
   * What happened to a path of a folder, oldest first, and before it whether its bytes are pinned or evicted here. Of a
   * path that lies in no live folder only the latter is known.
   *
   * @param path - in a live folder, absolute or below `directory`; or what {@link PathOptions} name otherwise
   */
  why(path: string, options?: PathOptions): Promise<readonly TrailEntry[]>
  /** What the folder's ignore files drop, or with `pattern` what that one would. */
  ignored(directory: string, options?: AbortOptions & { pattern?: string }): Promise<readonly IgnoredPath[]>
}
