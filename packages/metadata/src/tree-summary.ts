import type { Deletion, NodeState } from './node-state.ts'
import type { Member, ShownDirectory, ShownEntry } from './shown-tree.ts'
import { namesIn, type TreeView } from './tree-view.ts'

/** Sums over all that is shown below a directory, the directory itself not counted. */
export interface TreeTotals {
  readonly files: number
  readonly directories: number
  readonly symlinks: number
  readonly bytes: number
  readonly conflicts: number
  /** Directories, at any depth, that show names which differ in case only. */
  readonly clashes: number
  /** Two sums over a hash of each entry: equal where the same is shown. */
  readonly hashes: readonly [number, number]
}

/** The totals of a directory, and what they were computed from. */
export interface TreeSummary extends TreeTotals {
  readonly members: readonly Member[]
  readonly stamps: readonly number[]
  readonly isEmpty: boolean
  /** Groups of names in this very directory that differ in case only. */
  readonly caseClashes: readonly (readonly string[])[]
}

/** Names and directories evaluated before others get a turn. */
const NAMES_PER_STEP = 500

/** Counts what is evaluated, over all directories of one run: many small ones take as long as a large one. */
class StepCounter {
  #count = 0

  isStepOver(): boolean {
    this.#count += 1
    return this.#count % NAMES_PER_STEP === 0
  }
}

/**
 * Totals of every directory, kept with it and computed again only where something changed below. They also say
 * whether a dead directory still shows anything.
 */
export class TreeSummaries {
  readonly #view: TreeView

  constructor(view: TreeView) {
    this.#view = view
  }

  of(directory: ShownDirectory): TreeSummary {
    const steps = this.steps(directory)
    for (;;) {
      const step = steps.next()
      if (step.done === true) return step.value
    }
  }

  isEmpty(member: Member): boolean {
    return (cached([member]) ?? this.of(alone(member))).isEmpty
  }

  /**
   * Computes what is out of date below `top`, in steps of a few milliseconds. The index must not change between them.
   * Directories are kept on a stack of its own: a peer decides how deep they lie.
   */
  *steps(top: ShownDirectory): Generator<void, TreeSummary> {
    const stack: ShownDirectory[] = [top]
    const counter = new StepCounter()
    for (;;) {
      if (counter.isStepOver()) yield
      const directory = stack.at(-1) as ShownDirectory
      const known = cached(directory.members)
      if (known !== undefined) {
        stack.pop()
        if (stack.length === 0) return known
        continue
      }
      const missing = yield* this.#missingBelow(directory, counter)
      if (missing.length > 0) {
        for (const below of missing) stack.push(below)
        continue
      }
      const summary = yield* this.#sum(directory, counter)
      keep(summary)
    }
  }

  /** Directories whose totals must be known before those of `directory`. */
  *#missingBelow(directory: ShownDirectory, counter: StepCounter): Generator<void, ShownDirectory[]> {
    const missing: ShownDirectory[] = []
    for (const name of namesIn(directory)) {
      if (counter.isStepOver()) yield
      const placed = this.#view.placedMembers(directory, name)
      if (placed.length === 0) continue
      const unknown = placed.filter((member) => member.deletions.length > 0 && cached([member]) === undefined)
      if (unknown.length > 0) {
        missing.push(...unknown.map((member) => alone(member)))
        continue
      }
      const members = this.#view.members(directory, name)
      if (members.length > 0 && cached(members) === undefined) {
        missing.push({ kind: 'directory', name, parent: directory, members })
      }
    }
    return missing
  }

  *#sum(directory: ShownDirectory, counter: StepCounter): Generator<void, TreeSummary> {
    const totals = { files: 0, directories: 0, symlinks: 0, bytes: 0, conflicts: 0, clashes: 0 }
    const hashes: [number, number] = [0, 0]
    const byFolded = new Map<string, string[]>()
    let isEmpty = true
    const count = (entry: ShownEntry) => {
      isEmpty = false
      const folded = entry.name.toLowerCase()
      const alike = byFolded.get(folded)
      if (alike === undefined) byFolded.set(folded, [entry.name])
      else alike.push(entry.name)
      hashEntry(hashes, entry)
      if (entry.kind === 'directory') {
        totals.directories += 1
        addTotals(totals, hashes, this.of(entry))
      } else {
        if (entry.node.kind === 'file') totals.files += 1
        else totals.symlinks += 1
        totals.bytes += entry.version.size
        if (entry.conflictOf !== undefined) totals.conflicts += 1
      }
    }
    for (const name of namesIn(directory)) {
      if (counter.isStepOver()) yield
      const main = this.#view.main(directory, name)
      if (main !== undefined) count(main)
    }
    for (const copy of this.#view.conflictCopies(directory)) count(copy)
    const caseClashes = [...byFolded.values()].filter((names) => names.length > 1).map((names) => names.sort())
    if (caseClashes.length > 0) totals.clashes += 1
    const { members } = directory
    return {
      ...totals,
      hashes,
      members,
      stamps: members.map(({ node }) => node.stamp),
      isEmpty,
      caseClashes,
    }
  }
}

function addTotals(
  totals: { -readonly [Key in keyof Omit<TreeTotals, 'hashes'>]: number },
  hashes: [number, number],
  below: TreeSummary,
): void {
  totals.files += below.files
  totals.directories += below.directories
  totals.symlinks += below.symlinks
  totals.bytes += below.bytes
  totals.conflicts += below.conflicts
  totals.clashes += below.clashes
  hashes[0] = (hashes[0] + below.hashes[0]) >>> 0
  hashes[1] = (hashes[1] + below.hashes[1]) >>> 0
}

function alone(member: Member): ShownDirectory {
  return { kind: 'directory', name: '', parent: undefined, members: [member] }
}

function cached(members: readonly Member[]): TreeSummary | undefined {
  const first = members[0]?.node
  const summary = members.length === 1 ? first?.ownSummary : first?.groupSummary
  if (summary === undefined || summary.members.length !== members.length) return undefined
  const isCurrent = members.every((member, position) => {
    const then = summary.members[position]
    return (
      then?.node === member.node &&
      summary.stamps[position] === member.node.stamp &&
      isSameDeletions(then.deletions, member.deletions)
    )
  })
  return isCurrent ? summary : undefined
}

function isSameDeletions(a: readonly Deletion[], b: readonly Deletion[]): boolean {
  return a === b || (a.length === b.length && a.every((deletion, position) => deletion === b[position]))
}

function keep(summary: TreeSummary): void {
  const first = summary.members[0]?.node as NodeState
  if (summary.members.length === 1) first.ownSummary = summary
  else first.groupSummary = summary
  for (const { node } of summary.members) node.isStale = false
}

function hashEntry(hashes: [number, number], entry: ShownEntry): void {
  const parent = entry.parent?.members[0]?.node.id ?? ''
  let text: string
  if (entry.kind === 'directory') {
    text = `${parent}/${entry.name}/${entry.members.map(({ node }) => node.id).join()}`
  } else {
    text = `${parent}/${entry.name}/${entry.node.id}/${entry.version.writer}:${entry.version.t}`
  }
  let low = 0x811c9dc5
  let high = 0x9747b28c
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    low = Math.imul(low ^ code, 0x01000193)
    high = Math.imul(high ^ code, 0x5bd1e995) + (high >>> 15)
  }
  hashes[0] = (hashes[0] + (low >>> 0)) >>> 0
  hashes[1] = (hashes[1] + (high >>> 0)) >>> 0
}
