import type { AbortOptions } from './common.ts'
import type { DeviceKey, NodeId, VersionId } from './ids.ts'
import type { Action, FileContent, NodeContent, NodeKind } from './metadata-store.ts'

/** How long versions are kept. */
export interface RetentionRule {
  /** Milliseconds that a version is kept after it was replaced, or deleted. */
  readonly keepMs: number
  /** Versions of a node that lives, its current ones included, that are kept however old they are. */
  readonly keepVersions: number
}

export const DEFAULT_RETENTION: RetentionRule = { keepMs: 30 * 24 * 60 * 60 * 1000, keepVersions: 5 }

/** One state of a node that this device has seen, or its deletion. */
export interface HistoryVersion {
  readonly node: NodeId
  readonly kind: NodeKind
  readonly isDeletion: boolean
  /** Both absent for a deletion. */
  readonly version?: VersionId
  readonly content?: NodeContent
  readonly author: DeviceKey | undefined
  readonly isOwn: boolean
  /** Milliseconds since the Unix epoch, by this device's clock. */
  readonly seenAt: number
  /** Where the node stood then, as far as that is known. */
  readonly path: string | undefined
  /** The versions it was merged from, which had not seen each other; absent where it was not. */
  readonly mergedFrom?: readonly VersionId[]
}

/** What one device did together: one `transact` here, or what came of a peer's within a short time. */
export interface ChangeGroup {
  /** Later groups have greater IDs, as text. */
  readonly id: string
  readonly author: DeviceKey | undefined
  readonly isOwn: boolean
  /** Milliseconds since the Unix epoch, by this device's clock: when the first and the last of it were seen. */
  readonly from: number
  readonly to: number
  readonly created: number
  readonly edited: number
  readonly moved: number
  readonly deleted: number
  /** Some of the paths it changed, at most 5. */
  readonly paths: readonly string[]
}

/** Something that a deletion of its own removed, with all that was below it. */
export interface DeletedNode {
  readonly node: NodeId
  readonly kind: NodeKind
  readonly path: string
  readonly author: DeviceKey | undefined
  readonly isOwn: boolean
  /** Milliseconds since the Unix epoch, by this device's clock. */
  readonly deletedAt: number
}

/** What a version of a file that is kept holds. */
export interface KeptFile extends FileContent {
  readonly node: NodeId
  readonly version: VersionId
}

/** The actions that undo a group, and what of it they leave as it is. */
export interface Inversion {
  readonly actions: readonly Action[]
  readonly skipped: readonly {
    readonly node: NodeId
    readonly path: string | undefined
    /** One sentence for people. */
    readonly reason: string
  }[]
}

export interface VersionsOptions {
  /** At most so many, 100 by default. */
  limit?: number
}

export interface ChangesOptions {
  /** Milliseconds since the Unix epoch: groups that ended before are left out. */
  since?: number
  /** At most so many, 100 by default. */
  limit?: number
}

/**
 * The versions, changes and deletions of a space that this device has seen. Local: no device tells another of it.
 *
 * It follows a metadata store by its events, and is compared with what the store shows where events may be missing. So
 * it knows each version the store shows, at the latest when {@link settled} resolves. Undoing and restoring are actions
 * for the store, which make new versions.
 *
 * After `close`, calls reject with DITTO_CLOSED; where the database fails, with DITTO_IO, from then on.
 */
export interface SpaceHistory {
  /** Begins to follow the store, which is open. */
  open(): Promise<void>
  /** Waits for what has come so far; the database stays open. */
  close(): Promise<void>
  /** Resolves when everything the store has told so far is durable here. */
  settled(): Promise<void>

  /** A node's versions and deletions, newest first. A path means what is shown there, else what stood there last. */
  versionsOf(
    target: { readonly node: NodeId } | { readonly path: string },
    options?: VersionsOptions,
  ): Promise<HistoryVersion[]>
  /** The change groups, newest first. */
  changes(options?: ChangesOptions): Promise<ChangeGroup[]>
  /** What is deleted now and can be brought back, in no order, in batches. */
  deleted(options?: AbortOptions): AsyncIterable<readonly DeletedNode[]>

  /**
   * How to undo a group, as far as nothing newer stands against it.
   *
   * @throws DittoError DITTO_NOT_FOUND (no such group, or none any more)
   */
  invert(group: string): Promise<Inversion>
  /**
   * How to give a node again the content it had, dead or alive.
   *
   * @throws DittoError DITTO_NOT_FOUND (the version is not kept)
   */
  restore(node: NodeId, version: VersionId): Promise<readonly Action[]>
  /** The latest version that two versions of one node both come from, where the history knows it. */
  baseOf(node: NodeId, ours: VersionId, theirs: VersionId): Promise<HistoryVersion | undefined>

  /** Everything that must stay in the chunk store for what is kept here; the same content may come again. */
  contents(options?: AbortOptions): AsyncIterable<readonly KeptFile[]>
  /** Forgets what the retention rule does not keep. @param now - milliseconds since the Unix epoch */
  prune(now: number, options?: AbortOptions): Promise<void>
}
