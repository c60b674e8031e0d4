import type { DeviceKey, NodeId } from '@dittofs/interface'
import { breakCycles, closesCycle } from './cycles.ts'
import { DirectoryChildren } from './directory-children.ts'
import { compareEvents, type Writer } from './event.ts'
import { kindOfNode, ROOT_ID } from './node-id.ts'
import { type DeletionSlot, type NodeState as Node, NodeState, type Placement, type StateSlot } from './node-state.ts'
import { NodeTable, type ReadonlyNodeTable } from './node-table.ts'
import type { DeleteRecord, LogRecord } from './record.ts'
import { type StateSlotInit, stateSlot } from './state-slot.ts'
import { UnreadChildren, type UnreadLeaves } from './unread-leaves.ts'
import { type VersionVector, widen } from './version-vector.ts'

const DIRECTORIES_PER_STEP = 1000

/** One entry as it stands in a log. `record` is `undefined` for an entry that cannot be read: it is only counted. */
export interface LogEntry {
  readonly writer: Writer
  readonly clock: number
  readonly record: LogRecord | undefined
  /** The entry itself, as the document holds it: the very string, so that it is held once. */
  readonly text?: string
}

/** What a node held before a change that may have to be taken back. */
export interface NodeSnapshot {
  readonly node: Node
  readonly states: readonly StateSlot[]
  readonly deletions: readonly DeletionSlot[]
}

/**
 * What the entries of a space say, kept so that a new entry costs only what it touches: each node's newest entries by
 * writer, where it stands, and the children of each directory. What is shown is read from here by `TreeView`.
 */
export class SpaceIndex {
  readonly root = new NodeState(ROOT_ID)
  readonly #nodes = new NodeTable((id) => this.#readLeaf(id))
  /** The device behind each writer. */
  readonly devices = new Map<Writer, DeviceKey>()
  /** Directories that a cycle of moves put elsewhere than their winning placement says. */
  readonly displaced = new Set<Node>()
  /** Entries that could not be read. */
  ignoredEntries = 0
  waitingNodes = 0
  readonly #directories = new Set<Node>()
  readonly #held = new Map<Writer, number>()
  #time = 0
  #unread: UnreadLeaves | undefined

  constructor() {
    this.#nodes.add(this.root)
  }

  get nodes(): ReadonlyNodeTable {
    return this.#nodes
  }

  /** The nodes that have been read, the root among them, in no order. */
  readNodes(): Generator<Node> {
    return this.#nodes.read()
  }

  /** Every directory but the root. */
  get directories(): ReadonlySet<Node> {
    return this.#directories
  }

  /** Leaves that stand in the log and are read when somebody asks for them. */
  get unread(): UnreadLeaves | undefined {
    return this.#unread?.isEmpty === true ? undefined : this.#unread
  }

  /** The highest time held. */
  get time(): number {
    return this.#time
  }

  /** The highest time held of each writer: what a deletion made now has seen. */
  held(): VersionVector {
    return this.#held
  }

  /**
   * Takes entries, of any number of logs, each log's in order.
   *
   * @param remember - called with each node before its first change, for {@link restore}
   * @returns the entries that newer ones of the same writer replaced, and the nodes touched
   */
  add(
    entries: Iterable<LogEntry>,
    remember?: (snapshot: NodeSnapshot) => void,
  ): { readonly superseded: readonly { writer: Writer; clock: number }[]; readonly touched: ReadonlySet<Node> } {
    const superseded: { writer: Writer; clock: number }[] = []
    const touched = new Set<Node>()
    for (const { writer, clock, record, text } of entries) {
      if (record === undefined) {
        this.ignoredEntries += 1
        continue
      }
      if (record.type === 'writer') {
        if (!this.devices.has(writer)) this.devices.set(writer, record.device)
        continue
      }
      if (record.node === ROOT_ID) {
        this.ignoredEntries += 1
        continue
      }
      const node = this.#node(record.node)
      if (!touched.has(node)) {
        remember?.({ node, states: node.states, deletions: node.deletions })
        touched.add(node)
      }
      const replaced =
        record.type === 'state'
          ? this.#addState(node, { writer, clock, record, text })
          : this.#addDeletion(node, writer, clock, record)
      if (replaced !== undefined) superseded.push({ writer, clock: replaced })
    }
    this.#settle(touched)
    return { superseded, touched }
  }

  /** Puts nodes back to what they held. Times held stay as they are: a time used up is never used again. */
  restore(snapshots: readonly NodeSnapshot[]): void {
    const touched = new Set<Node>()
    for (const { node, states, deletions } of snapshots) {
      node.states = states
      node.deletions = deletions
      touched.add(node)
    }
    this.#settle(touched)
  }

  /**
   * Takes what entries say that are not read now: leaves, and the times they hold.
   *
   * @param places - how many buckets of leaves each directory has, in the order of the buckets
   * @param held - the highest time of each writer, over all entries
   */
  *addUnread(
    unread: UnreadLeaves,
    places: Iterable<{ readonly directory: Node; readonly bucketCount: number }>,
    held: VersionVector,
  ): Generator<void, void> {
    this.#unread = unread
    const onRead = (node: Node) => this.#nodes.add(node)
    let firstBucket = 0
    let count = 0
    for (const { directory, bucketCount } of places) {
      directory.children ??= new DirectoryChildren()
      directory.children.addUnread(new UnreadChildren(unread, directory.id, firstBucket, bucketCount), onRead)
      firstBucket += bucketCount
      count += 1
      if (count % DIRECTORIES_PER_STEP === 0) yield
    }
    for (const [writer, t] of held) this.#hold(writer, t)
  }

  #readLeaf(id: NodeId): void {
    if (this.#unread === undefined || kindOfNode(id) === 'directory') return
    const place = this.unread?.placeOf(id)
    if (place !== undefined) this.#nodes.get(place.parent)?.children?.at(place.name)
  }

  #node(id: NodeId): Node {
    let node = this.nodes.get(id)
    if (node === undefined) {
      node = new NodeState(id)
      this.#nodes.add(node)
      if (node.kind === 'directory') this.#directories.add(node)
    }
    return node
  }

  #addState(node: Node, entry: Pick<StateSlotInit, 'writer' | 'clock' | 'record' | 'text'>): number | undefined {
    const { writer, record } = entry
    const { placement, version } = record
    if (placement !== undefined) this.#hold(writer, placement.t)
    if (version !== undefined) this.#hold(writer, version.t)
    const parent = placement === undefined ? undefined : this.nodes.get(placement.parent)?.id
    const slot = stateSlot({ ...entry, node: node.id, parent })
    const { states } = node
    const old = states.find((other) => other.writer === writer)
    node.states = states.length === 0 ? [slot] : [...states.filter((other) => other !== old), slot]
    return old?.clock
  }

  #addDeletion(node: Node, writer: Writer, clock: number, record: DeleteRecord): number | undefined {
    this.#hold(writer, record.t)
    const old = node.deletions.find((slot) => slot.writer === writer)
    node.deletions = [...node.deletions.filter((slot) => slot !== old), { writer, clock, t: record.t, cut: record.cut }]
    return old?.clock
  }

  #hold(writer: Writer, t: number): void {
    widen(this.#held, writer, t)
    if (t > this.#time) this.#time = t
  }

  /** Brings placements up to date after the slots of `touched` changed. */
  #settle(touched: ReadonlySet<Node>): void {
    const movedDirectories: Node[] = []
    for (const node of touched) {
      const winner = winningPlacement(node)
      const hasMoved = !isSamePlacement(winner, node.winner)
      node.winner = winner
      if (!hasMoved) this.#touch(node)
      else if (node.kind === 'directory') movedDirectories.push(node)
      else this.#place(node, winner, false)
    }
    if (movedDirectories.length === 0) return
    if (this.displaced.size === 0 && !closesCycle(this.nodes, movedDirectories)) {
      for (const node of movedDirectories) this.#place(node, node.winner, false)
      return
    }
    const displaced = breakCycles(this.nodes, this.#directories)
    for (const node of this.#directories) {
      const elsewhere = displaced.get(node)
      const placement = elsewhere ?? node.winner
      if (node.isDisplaced !== (elsewhere !== undefined) || !isSamePlacement(placement, node.placement)) {
        this.#place(node, placement, elsewhere !== undefined)
      }
    }
  }

  /** The node stands where it stood, but holds something else. */
  #touch(node: Node): void {
    this.#setWaiting(node)
    const { placement } = node
    if (placement !== undefined) {
      const parent = this.#node(placement.parent)
      parent.children?.contest(placement.name)
      this.#invalidate(parent, placement.name)
    }
  }

  #place(node: Node, placement: Placement | undefined, isDisplaced: boolean): void {
    const wasPlaced = node.placement !== undefined
    if (node.placement !== undefined) {
      const parent = this.#node(node.placement.parent)
      parent.children?.remove(node.placement.name, node)
      this.#invalidate(parent, node.placement.name)
    }
    node.placement = placement
    node.isDisplaced = isDisplaced
    if (isDisplaced) this.displaced.add(node)
    else this.displaced.delete(node)
    if (placement !== undefined) {
      const parent = this.#node(placement.parent)
      parent.children ??= new DirectoryChildren()
      parent.children.add(placement.name, node)
    }
    this.#touch(node)
    if (wasPlaced !== (placement !== undefined)) {
      for (const child of node.children?.byName.values() ?? []) {
        for (const one of Array.isArray(child) ? child : [child]) this.#setWaiting(one)
      }
    }
  }

  #setWaiting(node: Node): void {
    const { placement } = node
    const isWaiting =
      placement === undefined
        ? node.stateCount > 0
        : placement.parent !== ROOT_ID && this.nodes.get(placement.parent)?.placement === undefined
    if (isWaiting !== node.isWaiting) this.waitingNodes += isWaiting ? 1 : -1
    node.isWaiting = isWaiting
  }

  /** Tells the ledgers of a directory, and of those above it, that something changed under a name. */
  #invalidate(from: Node, under: string): void {
    let name = under
    for (let node: Node | undefined = from; node !== undefined; ) {
      node.ledgers.own?.noteChange(name)
      node.ledgers.group?.noteChange(name)
      if (node.isStale || node.placement === undefined) break
      node.isStale = true
      name = node.placement.name
      node = this.nodes.get(node.placement.parent)
    }
  }
}

function winningPlacement(node: Node): Placement | undefined {
  if (node.onlyState !== undefined) return node.onlyState.placement
  let winner: Placement | undefined
  for (const { placement } of node.states) {
    if (placement !== undefined && (winner === undefined || compareEvents(placement, winner) > 0)) winner = placement
  }
  return winner
}

function isSamePlacement(a: Placement | undefined, b: Placement | undefined): boolean {
  if (a === undefined || b === undefined) return a === b
  return a.t === b.t && a.writer === b.writer && a.parent === b.parent && a.name === b.name
}
