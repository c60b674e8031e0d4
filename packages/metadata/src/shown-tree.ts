import type { VersionGroup } from './leaf-versions.ts'
import type { Deletion, NodeState, Version } from './node-state.ts'

/** One directory node with the deletions that reach what it holds; alive when none does. */
export interface Member {
  readonly node: NodeState
  readonly deletions: readonly Deletion[]
}

/** Directories of one name in one place, shown as one. */
export interface ShownDirectory {
  readonly kind: 'directory'
  readonly name: string
  /** `undefined` for the root. */
  readonly parent: ShownDirectory | undefined
  /** Living ones first, then by placement. At least one. */
  readonly members: readonly Member[]
}

/** A leaf of equal name and content that another one stands for. */
export interface Duplicate {
  readonly node: NodeState
  readonly versions: readonly VersionGroup[]
}

/** One shown version of a file or symlink. */
export interface ShownLeaf {
  readonly kind: 'leaf'
  /** As shown: for a conflict copy not the name it is placed under. */
  readonly name: string
  readonly parent: ShownDirectory
  readonly node: NodeState
  readonly version: Version
  /** The shown version and the concurrent ones equal to it. */
  readonly same: readonly Version[]
  readonly duplicates: readonly Duplicate[]
  /** For another version of a shown node: the entry of that node that keeps the node's name. */
  readonly copyOf: ShownLeaf | undefined
  /** The name of the entry this one is a conflict copy of, where it is one. */
  readonly conflictOf: string | undefined
}

export type ShownEntry = ShownDirectory | ShownLeaf

export function isAlive(member: Member): boolean {
  return member.deletions.length === 0
}
