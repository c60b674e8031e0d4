import type { NodeId, NodeKind } from '@dittofs/interface'
import type { DirectoryChildren } from './directory-children.ts'
import type { DirectoryLedger } from './directory-ledger.ts'
import type { Event } from './event.ts'
import { kindOfNode } from './node-id.ts'
import type { Placement, StateSlot } from './state-slot.ts'
import type { VersionVector } from './version-vector.ts'

export type { Placement, StateSlot, Version } from './state-slot.ts'

/** A delete that reaches a node and what is below it as far as its cut goes. */
export interface Deletion extends Event {
  readonly cut: VersionVector
}

/** The newest deletion of a node by one writer. */
export interface DeletionSlot extends Deletion {
  readonly clock: number
}

/** Totals of a directory alone, and with those it shows as one with. */
interface KeptLedgers {
  readonly own: DirectoryLedger | undefined
  readonly group: DirectoryLedger | undefined
}

const DISPLACED = 1
const WAITING = 2
const STALE = 4

const NO_STATES: readonly StateSlot[] = []
const NO_DELETIONS: readonly DeletionSlot[] = []
const NO_LEDGERS: KeptLedgers = { own: undefined, group: undefined }

/**
 * All that is held about one node. Slots are replaced, never changed, so that an older state can be put back. Few
 * fields, since a space has as many of these as nodes.
 */
export class NodeState {
  readonly id: NodeId
  deletions: readonly DeletionSlot[] = NO_DELETIONS
  /** The highest placement written. */
  winner: Placement | undefined
  /** Where it stands: the winner, unless that would close a cycle. */
  placement: Placement | undefined
  children: DirectoryChildren | undefined
  ledgers = NO_LEDGERS
  /** One slot stands for itself, as nearly every node has it. */
  #states: StateSlot | readonly StateSlot[] = NO_STATES

  /** Three marks in one field. */
  #marks = 0

  constructor(id: NodeId) {
    this.id = id
  }

  /** Whether a cycle of moves put it elsewhere than its winning placement says. */
  get isDisplaced(): boolean {
    return (this.#marks & DISPLACED) !== 0
  }

  set isDisplaced(isSet: boolean) {
    this.#mark(DISPLACED, isSet)
  }

  /** Whether its place, or the directory it stands in, has not come yet. */
  get isWaiting(): boolean {
    return (this.#marks & WAITING) !== 0
  }

  set isWaiting(isSet: boolean) {
    this.#mark(WAITING, isSet)
  }

  /** Whether the ledgers of all directories above have been told that something below changed. */
  get isStale(): boolean {
    return (this.#marks & STALE) !== 0
  }

  set isStale(isSet: boolean) {
    this.#mark(STALE, isSet)
  }

  get kind(): NodeKind {
    return kindOfNode(this.id)
  }

  get states(): readonly StateSlot[] {
    return isSeveral(this.#states) ? this.#states : [this.#states]
  }

  set states(slots: readonly StateSlot[]) {
    const [first] = slots
    this.#states = slots.length === 1 && first !== undefined ? first : slots
  }

  /** The slot of a node that one writer alone gave a state. */
  get onlyState(): StateSlot | undefined {
    return isSeveral(this.#states) ? undefined : this.#states
  }

  get stateCount(): number {
    return isSeveral(this.#states) ? this.#states.length : 1
  }

  #mark(mark: number, isSet: boolean): void {
    this.#marks = isSet ? this.#marks | mark : this.#marks & ~mark
  }
}

function isSeveral(states: StateSlot | readonly StateSlot[]): states is readonly StateSlot[] {
  return Array.isArray(states)
}

/** The nodes placed in a directory under one name. */
export function childrenNamed(directory: NodeState, name: string): readonly NodeState[] {
  return directory.children?.named(name) ?? NO_NODES
}

const NO_NODES: readonly NodeState[] = []
