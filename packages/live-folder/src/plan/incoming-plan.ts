import type { TreeEntry } from '@dittofs/interface'
import type { BaseEntry } from '../base/base-entry.ts'
import type { DiskEntry, MadeEntry } from './simulated-disk.ts'

/** One operation on disk. Paths are as they are when all steps before were done; from the folder's root, for a person. */
export type IncomingStep =
  | {
      /** Renames what is there, with all below, to a name that is free. */
      readonly type: 'move'
      readonly folder: string
      readonly entry: BaseEntry
      readonly parent: DiskEntry
      readonly name: string
      readonly from: string
      readonly path: string
      /** Out of the way only: another move brings it to its place. */
      readonly isStaging: boolean
    }
  | { readonly type: 'create'; readonly folder: string; readonly made: MadeEntry; readonly path: string }
  | {
      /** Other bytes, or another target of a symlink. */
      readonly type: 'replace'
      readonly folder: string
      readonly entry: BaseEntry
      readonly shown: TreeEntry
      readonly path: string
    }
  | {
      readonly type: 'attributes'
      readonly folder: string
      /** A directory that was made gets its mode when all is in it. */
      readonly entry: DiskEntry
      readonly shown: TreeEntry
      readonly path: string
    }
  | {
      /** The disk is as it should be, the base is told of what it is. */
      readonly type: 'adopt'
      readonly folder: string
      readonly entry: BaseEntry
      readonly shown: TreeEntry
      readonly path: string
    }
  | { readonly type: 'remove'; readonly folder: string; readonly entry: BaseEntry; readonly path: string }

/** What is in the document and cannot be on this disk. */
export interface LeftOut {
  readonly folder: string
  readonly path: string
  readonly kind: 'case-clash' | 'folder-inside'
  /** The document's path: compared again whenever anything is, for what stood in its way may be gone. */
  readonly shownPath: string
}

export interface IncomingPlan {
  /** To be done one by one, in order. */
  readonly steps: readonly IncomingStep[]
  readonly leftOut: readonly LeftOut[]
  /** What would be done in folders where nothing may be written now. */
  readonly untaken: readonly IncomingStep[]
}

/** A live folder, as planning knows it. */
export interface PlannedFolder {
  readonly id: string
  /** Where the document shows its directory. */
  readonly path: string
  /** Whether its file system takes names that differ by case only for one. */
  readonly foldsCase: boolean
  /** Whether anything may be written there now. */
  readonly isWritten: boolean
}

/**
 * What to compare. `paths`: entries of the document, alone, or with all that is below. `entries`: of the base. All:
 * everything.
 */
export type IncomingScope =
  | 'all'
  | { readonly paths: ReadonlyMap<string, 'entry' | 'below'>; readonly entries: ReadonlySet<BaseEntry> }
