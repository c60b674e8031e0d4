import type { AbortOptions } from './common.ts'
import type { DeviceId, VersionId } from './ids.ts'
import type { NodeKind } from './metadata-store.ts'

/** How a path of a space is named: by its path in the space, or as a path on disk that came from there. */
export interface PathOptions extends AbortOptions {
  space?: string
  /** Absolute: where relative paths on disk start. */
  directory?: string
}

/** A device that did something. The ID is empty where it is not known who. */
export interface DeviceName {
  readonly id: DeviceId | ''
  readonly name: string
}

/** One state a file was in, as this device saw it. */
export interface FileVersion {
  readonly id: VersionId
  /** Where it stood then. */
  readonly path: string
  readonly kind: NodeKind
  /** Milliseconds since the Unix epoch: when this device first saw it. */
  readonly seenAt: number
  /** Nanoseconds since the Unix epoch, in decimal. */
  readonly mtime: string
  readonly size: number
  readonly mode: number
  readonly device: DeviceName
  readonly isCurrent: boolean
  /** Whether its file was deleted after it. */
  readonly isDeleted: boolean
  /** Bytes that are not on this device. */
  readonly missingBytes: number
  /** The versions it was merged from; absent where it was not. */
  readonly mergedFrom?: readonly VersionId[]
}

/** What one device did in one go. */
export interface ChangeSummary {
  readonly id: string
  /** Milliseconds since the Unix epoch: when this device learnt of it. */
  readonly at: number
  readonly device: DeviceName
  readonly created: number
  readonly edited: number
  readonly moved: number
  readonly deleted: number
  /** Some of the paths. */
  readonly paths: readonly string[]
}

/** Something that was deleted and can be brought back. */
export interface DeletedEntry {
  readonly path: string
  readonly kind: NodeKind
  /** Milliseconds since the Unix epoch: when this device learnt of it. */
  readonly deletedAt: number
  readonly device: DeviceName
}

export interface RestoreDeletedResult {
  readonly restored: readonly DeletedEntry[]
  /** Files that are shown again. */
  readonly files: number
  /** Paths of those whose bytes are not here: they are fetched from a device that has them, if any has. */
  readonly missing: readonly string[]
}

export interface UndoResult {
  readonly group: string
  readonly undone: number
  /** Left as they are, each with the reason: changed again since, or its bytes are nowhere. */
  readonly skipped: readonly { readonly path: string; readonly reason: string }[]
}

export interface RestoreOptions extends PathOptions {
  /** A version's ID, or a moment: milliseconds since the Unix epoch. Default: the version before the current one. */
  at?: VersionId | number
  /** Absolute path to write to, in place of making it the current version. */
  output?: string
}

export interface RestoreResult {
  readonly path: string
  readonly version: VersionId
  /** Where it was written to; absent when it became the current version. */
  readonly output?: string
}

/** A file of which there are several versions that had not seen each other. */
export interface Conflict {
  readonly path: string
  /** First the one that has the name, then its conflict copies. */
  readonly versions: readonly {
    readonly path: string
    readonly version: VersionId
    readonly device: DeviceName
    readonly isOwn: boolean
    readonly mtime: string
    readonly size: number
  }[]
  /** Whether the version they all come from is known, and its bytes are here. */
  readonly hasBase: boolean
}

/** `ours`: the version made on this device. `theirs`: the other. `both`: two files, each with a name of its own. */
export const CONFLICT_CHOICES = ['ours', 'theirs', 'both'] as const
export type ConflictChoice = (typeof CONFLICT_CHOICES)[number]

/** A comparison of the versions of a conflict, in the unified format, with `base` where it is known. */
export interface ConflictDiff {
  readonly path: string
  /** Unified diff from the base, or from the named version, to each other one. */
  readonly text: string
  readonly isText: boolean
}

/** What was, is no longer, or is there twice: history, undo and conflicts of a device's spaces. */
export interface Versions {
  /** Newest first. @throws DittoError DITTO_NOT_FOUND */
  history(path: string, options?: PathOptions): Promise<readonly FileVersion[]>
  /** A restored version is a new version. @throws DittoError DITTO_NOT_FOUND, DITTO_CHUNK_MISSING */
  restore(path: string, options?: RestoreOptions): Promise<RestoreResult>
  deleted(options?: PathOptions): Promise<readonly DeletedEntry[]>
  /** Brings back what was deleted: at `path`, below it, or everything. */
  restoreDeleted(path: string | undefined, options?: PathOptions): Promise<RestoreDeletedResult>
  /** What was done lately, newest first. */
  changes(options?: PathOptions & { limit?: number }): Promise<readonly ChangeSummary[]>
  /** Takes back what a group did, except where something newer stands against it. Default: the newest group. */
  undo(id: string | undefined, options?: PathOptions): Promise<UndoResult>

  conflicts(options?: PathOptions): Promise<readonly Conflict[]>
  diffConflict(path: string, options?: PathOptions): Promise<ConflictDiff>
  /** @throws DittoError DITTO_NOT_FOUND (no conflict there) */
  takeConflict(path: string, choice: ConflictChoice, options?: PathOptions): Promise<void>
  /** Merges text. @throws DittoError DITTO_CONFLICT (it clashes, or is no text), DITTO_CHUNK_MISSING */
  mergeConflict(path: string, options?: PathOptions): Promise<void>
}
