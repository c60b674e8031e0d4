import type { NodeId, NodeKind } from '@dittofs/interface'
import type { DirectoryLedger } from './directory-ledger.ts'
import type { Event, Writer } from './event.ts'
import { kindOfNode } from './node-id.ts'
import type { PlacementPart, VersionPart } from './record.ts'
import type { VersionVector } from './version-vector.ts'

export interface Placement extends PlacementPart, Event {}

export interface Version extends VersionPart, Event {}

/** A delete that reaches a node and what is below it as far as its cut goes. */
export interface Deletion extends Event {
  readonly cut: VersionVector
}

/** The newest state one writer gave a node, and where in that writer's log it stands. */
export interface StateSlot {
  readonly writer: Writer
  readonly clock: number
  readonly placement: Placement | undefined
  readonly version: Version | undefined
}

/** The newest deletion of a node by one writer. */
export interface DeletionSlot extends Deletion {
  readonly clock: number
}

const NO_STATES: readonly StateSlot[] = []
const NO_DELETIONS: readonly DeletionSlot[] = []

/** The children of a directory, by the name they are placed under. */
export interface DirectoryChildren {
  /** Living and dead ones. One node stands for itself, several come as a list. */
  readonly byName: Map<string, NodeState | NodeState[]>
  /** Names with several nodes, or a leaf with several versions: the only ones that can make conflict copies. */
  readonly contested: Set<string>
  /** The contested names that may make conflict copies where no deletion reaches the directory. */
  readonly conflicting: Set<string>
}

/** All that is held about one node. Slots are replaced, never changed, so that an older state can be put back. */
export class NodeState {
  readonly id: NodeId
  readonly kind: NodeKind
  states: readonly StateSlot[] = NO_STATES
  deletions: readonly DeletionSlot[] = NO_DELETIONS
  /** The highest placement written. */
  winner: Placement | undefined
  /** Where it stands: the winner, unless that would close a cycle. */
  placement: Placement | undefined
  isDisplaced = false
  isWaiting = false
  children: DirectoryChildren | undefined

  /** Whether the ledgers of all directories above have been told that something below changed. */
  isStale = false
  /** Totals of this directory alone, and with those it shows as one with. */
  ownLedger: DirectoryLedger | undefined
  groupLedger: DirectoryLedger | undefined

  constructor(id: NodeId) {
    this.id = id
    this.kind = kindOfNode(id)
  }
}

/** The nodes placed in a directory under one name. */
export function childrenNamed(directory: NodeState, name: string): readonly NodeState[] {
  const found = directory.children?.byName.get(name)
  if (found === undefined) return []
  return Array.isArray(found) ? found : [found]
}
