import type { NodeId } from '@dittofs/interface'
import type { Writer } from '../../src/event.ts'
import type { LogRun } from '../../src/log-run.ts'
import { kindOfNode } from '../../src/node-id.ts'
import type { StateVector } from '../../src/space-document.ts'
import { chainOf, entriesIn, type ObservedState, type VersionKey, versionKey } from './observed-state.ts'

/** One `transact` of one device, as the ledger remembers it. */
interface Operation {
  readonly title: string
  readonly writer: Writer
  /** Behind its last entry. */
  readonly clock: number
  /** What its author held when it acted. */
  readonly held: StateVector
  /** Nodes it made or placed. */
  readonly touched: ReadonlySet<NodeId>
  /** Leaves it deleted by records of their own. */
  readonly deletedLeaves: ReadonlySet<NodeId>
}

interface Removal {
  readonly operation: Operation
  /** Whether it gave the version's node another version, instead of deleting it. */
  readonly isOverwrite: boolean
}

/**
 * Keeps account of every version made and of who removed it while having it in view, from what each operation showed
 * before and after: apart from vectors, cuts and all else that `resolve` decides by.
 */
export class Ledger {
  readonly #operations: Operation[] = []
  readonly #versions = new Map<VersionKey, Operation>()
  readonly #directories = new Map<NodeId, Operation>()
  readonly #removals = new Map<string, Removal[]>()

  get operations(): number {
    return this.#operations.length
  }

  /** @param base - the version an edit says it is based on: its author saw it, whatever the document holds of it */
  record(
    title: string,
    runs: readonly LogRun[],
    held: StateVector,
    before: ObservedState,
    after: ObservedState,
    base?: VersionKey,
  ): void {
    const last = runs.at(-1)
    if (last === undefined) return
    const touched = new Set<NodeId>()
    const made: VersionKey[] = []
    const directories: NodeId[] = []
    const rewritten = new Set<NodeId>()
    const known = before.view.index.nodes
    const deletedLeaves = new Set<NodeId>()
    for (const { writer, record } of entriesIn(runs)) {
      if (record?.type === 'delete' && kindOfNode(record.node) !== 'directory') deletedLeaves.add(record.node)
      if (record?.type !== 'state') continue
      const { node, placement, version } = record
      const own = known.get(node)?.states.find((slot) => slot.writer === writer)
      if (placement !== undefined && placement.t !== own?.placement?.t) touched.add(node)
      if (kindOfNode(node) === 'directory') {
        if (known.get(node) === undefined) directories.push(node)
      } else if (version !== undefined && version.t !== own?.version?.t) {
        made.push(versionKey(node, { writer, t: version.t }))
        rewritten.add(node)
      }
    }
    const operation = {
      title,
      writer: last.writer,
      clock: last.clock + last.items.length,
      held,
      touched,
      deletedLeaves,
    }
    this.#operations.push(operation)
    // A record replaced by a later one of the same update never was a version of its own.
    for (const key of made) if (after.versions.has(key)) this.#versions.set(key, operation)
    for (const node of directories) this.#directories.set(node, operation)
    if (base !== undefined && !before.versions.has(base)) this.#remove(base, { operation, isOverwrite: true })
    for (const key of before.versions) {
      if (after.versions.has(key)) continue
      this.#remove(key, { operation, isOverwrite: rewritten.has(key.slice(0, key.indexOf('|')) as NodeId) })
    }
    for (const node of before.directories) {
      if (!after.directories.has(node)) this.#remove(node, { operation, isOverwrite: false })
    }
    // Deleting a directory in which something unseen lives leaves it shown, dead.
    for (const node of before.livingDirectories) {
      if (after.directories.has(node) && !after.livingDirectories.has(node)) {
        this.#remove(node, { operation, isOverwrite: false })
      }
    }
  }

  /** What is wrong with the state all devices came to. */
  check(state: ObservedState, held: StateVector): string[] {
    const survived = ({ writer, clock }: Operation) => (held.get(writer) ?? 0) >= clock
    // An operation whose own entries were lost with its device still counts once another one built on it.
    const counts = (operation: Operation) =>
      survived(operation) ||
      this.#operations.some((other) => survived(other) && (other.held.get(operation.writer) ?? 0) >= operation.clock)
    const faults: string[] = []
    for (const [key, author] of this.#versions) {
      if (!survived(author)) continue
      const removals = this.#removals.get(key) ?? []
      if (!state.versions.has(key)) {
        if (!removals.some(({ operation }) => counts(operation))) faults.push(`LOST: ${key} of ${author.title}`)
        continue
      }
      const node = key.slice(0, key.indexOf('|')) as NodeId
      for (const { operation, isOverwrite } of removals) {
        if (!survived(operation)) continue
        if (isOverwrite) faults.push(`RESURRECTED: ${key} of ${author.title}, overwritten by ${operation.title}`)
        else if (!this.#isRescued(state, node, operation, survived)) {
          faults.push(`RESURRECTED: ${key} of ${author.title}, deleted by ${operation.title}`)
        }
      }
    }
    for (const [node, author] of this.#directories) {
      if (!survived(author)) continue
      const removals = this.#removals.get(node) ?? []
      if (!state.directories.has(node) && !removals.some(({ operation }) => counts(operation))) {
        faults.push(`LOST: the directory ${node} of ${author.title}`)
      }
      if (!state.livingDirectories.has(node)) continue
      for (const { operation } of removals) {
        if (survived(operation) && !this.#isRescued(state, node, operation, survived)) {
          faults.push(`RESURRECTED: the directory ${node}, deleted by ${operation.title}`)
        }
      }
    }
    return faults
  }

  /** Whether an operation that the deleter had not seen touched the node or a directory it stands in. */
  #isRescued(
    state: ObservedState,
    node: NodeId,
    deletion: Operation,
    survived: (operation: Operation) => boolean,
  ): boolean {
    // What is done to a directory brings back nothing that was deleted by itself.
    const chain = deletion.deletedLeaves.has(node) ? new Set([node]) : chainOf(state, node)
    return this.#operations.some(
      (other) =>
        other !== deletion &&
        survived(other) &&
        (deletion.held.get(other.writer) ?? 0) < other.clock &&
        [...other.touched].some((touched) => chain.has(touched)),
    )
  }

  #remove(key: string, removal: Removal): void {
    const removals = this.#removals.get(key)
    if (removals === undefined) this.#removals.set(key, [removal])
    else removals.push(removal)
  }
}
