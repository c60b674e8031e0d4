import type { Deletion, NodeState } from './node-state.ts'
import type { Member, ShownEntry, ShownLeaf } from './shown-tree.ts'
import { type CountedLeaf, countedLeaf } from './state-slot.ts'
import { directoryTotals, TreeTotals } from './tree-totals.ts'

/** What one name adds to its directory. A leaf is told by what it is, in half the memory its totals would take. */
type Part = CountedLeaf | { readonly name: string; readonly totals: TreeTotals }

/** The totals of a directory, as they stood when it was last summed. */
export interface TreeSummary {
  readonly totals: TreeTotals
  readonly isEmpty: boolean
  /** Groups of names in this very directory that differ in case only. */
  readonly caseClashes: () => readonly (readonly string[])[]
}

/**
 * The totals of one directory as a sum over its names, so that a change of one name costs one name. The index tells
 * it which names changed; `TreeSummaries` evaluates those again.
 *
 * A directory of few names keeps no parts: summing it whole is as quick, and nearly all directories are such.
 */
export class DirectoryLedger {
  readonly members: readonly Member[]
  /** Names whose parts are out of date. */
  readonly changed = new Set<string>()
  /** The totals, unless a name changed since; see {@link current}. */
  #summary: TreeSummary | undefined
  readonly #parent: NodeState
  readonly #sum = new TreeTotals()
  /** By the name in lower case, so that names which differ in case only meet. */
  #parts: Map<string, Part | readonly Part[]> | undefined = new Map()
  readonly #clashing = new Set<string>()
  #shownNames = 0
  #isOutdated = false
  /** Where several directories show as one: the names that may make conflict copies, and those to look at again. */
  #contested: Set<string> | undefined
  #suspected: Set<string> | undefined

  constructor(members: readonly Member[]) {
    this.members = members
    this.#parent = (members[0] as Member).node
    if (members.length > 1) {
      this.#contested = new Set()
      this.#suspected = new Set()
    }
  }

  /** The summary, where nothing changed since it was made. */
  get current(): TreeSummary | undefined {
    return this.changed.size > 0 || this.#isOutdated ? undefined : this.#summary
  }

  /** Whether it can be brought up to date name by name; otherwise it is of no more use. */
  get isUsable(): boolean {
    return !this.#isOutdated
  }

  /** What is shown under a name, or below it, changed. */
  noteChange(name: string): void {
    if (this.#parts === undefined) {
      this.#isOutdated = true
      return
    }
    this.changed.add(name)
    this.#suspected?.add(name)
  }

  /** Counts what a name shows now in place of what it showed. @param below - of `main`, where it is a directory */
  set(name: string, main: ShownEntry | undefined, below: TreeTotals | undefined): void {
    this.#remove(name)
    if (main !== undefined) this.#add(partOf(this.#parent, main, below))
    this.changed.delete(name)
  }

  /** Notes whether a name may make conflict copies, where several directories show as one. */
  setContested(name: string, isContested: boolean): void {
    this.#suspected?.delete(name)
    if (isContested) this.#contested?.add(name)
    else this.#contested?.delete(name)
  }

  /**
   * The names that may make conflict copies, for the caller to take from it those that are found not to.
   *
   * @param mayConflict - whether a name could make any at all
   * @returns `undefined` where that is not kept
   */
  contestedNames(mayConflict: (name: string) => boolean): Set<string> | undefined {
    if (this.#contested === undefined || this.#suspected === undefined) return undefined
    for (const name of this.#suspected) if (mayConflict(name)) this.#contested.add(name)
    this.#suspected.clear()
    return this.#contested
  }

  /** Makes the summary, when all names were counted. @param minParts - with fewer names no parts are kept */
  finish(copies: readonly ShownLeaf[], minParts: number): TreeSummary {
    const totals = new TreeTotals()
    totals.add(this.#sum)
    for (const copy of copies) {
      totals.addLeaf(this.#parent, { name: copy.name, node: copy.node.id, version: copy.version })
      if (copy.conflictOf !== undefined) totals.conflicts += 1
    }
    const clashing = new Set(copies.length === 0 ? [] : this.#clashingWith(copies))
    if (this.#clashing.size > 0 || clashing.size > 0) totals.clashes += 1
    let caseClashes = () => this.#caseClashes(copies, clashing)
    if (this.#shownNames < minParts) {
      const found = caseClashes()
      caseClashes = () => found
      this.#parts = undefined
      this.#contested = undefined
      this.#suspected = undefined
      this.#clashing.clear()
    }
    this.#summary = { totals, isEmpty: this.#shownNames === 0 && copies.length === 0, caseClashes }
    return this.#summary
  }

  /** Takes a summary that was made before; no parts are kept. No names may differ in case only. */
  restore({ totals, isEmpty }: Pick<TreeSummary, 'totals' | 'isEmpty'>): void {
    this.#parts = undefined
    this.#contested = undefined
    this.#suspected = undefined
    this.#summary = { totals, isEmpty, caseClashes: () => [] }
  }

  *#clashingWith(copies: readonly ShownLeaf[]): Generator<string> {
    const ofCopies = new Set<string>()
    for (const { name } of copies) {
      const folded = name.toLowerCase()
      if (ofCopies.has(folded) || this.#parts?.has(folded) === true) yield folded
      ofCopies.add(folded)
    }
  }

  #caseClashes(copies: readonly ShownLeaf[], clashingCopies: ReadonlySet<string>): string[][] {
    const groups = new Map<string, string[]>()
    for (const folded of [...this.#clashing, ...clashingCopies]) {
      groups.set(
        folded,
        this.#partsOf(folded).map(({ name }) => name),
      )
    }
    for (const { name } of copies) groups.get(name.toLowerCase())?.push(name)
    return [...groups.values()].map((names) => names.sort())
  }

  #partsOf(folded: string): readonly Part[] {
    const parts = this.#parts?.get(folded)
    if (parts === undefined) return []
    return isSeveral(parts) ? parts : [parts]
  }

  #add(part: Part): void {
    const folded = part.name.toLowerCase()
    this.#put(folded, [...this.#partsOf(folded), part])
    if ('totals' in part) this.#sum.add(part.totals)
    else this.#sum.addLeaf(this.#parent, part)
    this.#shownNames += 1
  }

  #remove(name: string): void {
    const folded = name.toLowerCase()
    const parts = this.#partsOf(folded)
    const part = parts.find((other) => other.name === name)
    if (part === undefined) return
    this.#put(
      folded,
      parts.filter((other) => other !== part),
    )
    if ('totals' in part) this.#sum.remove(part.totals)
    else this.#sum.removeLeaf(this.#parent, part)
    this.#shownNames -= 1
  }

  #put(folded: string, parts: readonly Part[]): void {
    const [first] = parts
    if (first === undefined) this.#parts?.delete(folded)
    else this.#parts?.set(folded, parts.length === 1 ? first : parts)
    if (parts.length > 1) this.#clashing.add(folded)
    else this.#clashing.delete(folded)
  }
}

/** The ledger kept for directories shown as one, where it is of these very ones under these very deletions. */
export function ledgerOf(members: readonly Member[]): DirectoryLedger | undefined {
  const first = members[0]?.node
  const ledger = members.length === 1 ? first?.ledgers.own : first?.ledgers.group
  if (ledger?.isUsable !== true || ledger.members.length !== members.length) return undefined
  const isSame = members.every(({ node, deletions }, position) => {
    const then = ledger.members[position]
    // Only a ledger that each of its nodes has was told of every change.
    const isTold = members.length === 1 || node.ledgers.group === ledger
    return isTold && then?.node === node && isSameDeletions(then.deletions, deletions)
  })
  return isSame ? ledger : undefined
}

/** Keeps a ledger with the nodes whose changes it has to be told. */
export function keepLedger(ledger: DirectoryLedger): void {
  for (const { node } of ledger.members) {
    const { own, group } = node.ledgers
    node.ledgers = ledger.members.length === 1 ? { own: ledger, group } : { own, group: ledger }
  }
}

function partOf(parent: NodeState, entry: ShownEntry, below: TreeTotals | undefined): Part {
  const { name } = entry
  if (entry.kind === 'leaf') return countedLeaf(name, entry.node.id, entry.version)
  return { name, totals: directoryTotals(parent, entry, below as TreeTotals) }
}

function isSeveral(parts: Part | readonly Part[]): parts is readonly Part[] {
  return Array.isArray(parts)
}

function isSameDeletions(a: readonly Deletion[], b: readonly Deletion[]): boolean {
  return a === b || (a.length === b.length && a.every((deletion, position) => deletion === b[position]))
}
