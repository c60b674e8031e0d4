import { DirectoryLedger, keepLedger, ledgerOf, type TreeSummary } from './directory-ledger.ts'
import { childrenNamed } from './node-state.ts'
import type { Member, ShownDirectory } from './shown-tree.ts'
import { hasDirectory, namesIn, readChildren, type TreeView } from './tree-view.ts'

/** Names and directories evaluated before others get a turn: one or two milliseconds. */
const NAMES_PER_STEP = 250

/** Directories of fewer names are summed whole after a change. */
const MIN_PARTS = 64

/** A directory on the way to its totals. */
interface Frame {
  readonly directory: ShownDirectory
  readonly ledger: DirectoryLedger
  readonly names: Iterator<string>
  /** A name that waits for the totals of what is below it. */
  waiting: string | undefined
}

/** Counts what is evaluated, over all directories of one run: many small ones take as long as a large one. */
class StepCounter {
  #count = 0

  isStepOver(): boolean {
    this.#count += 1
    return this.#count % NAMES_PER_STEP === 0
  }
}

/**
 * Totals of every directory, kept with it; only names under which something changed are evaluated again. They also
 * say whether a dead directory still shows anything.
 */
export class TreeSummaries {
  /** Names evaluated so far: the work done. */
  evaluatedNames = 0
  readonly #view: TreeView
  readonly #minParts: number

  constructor(view: TreeView, minParts = MIN_PARTS) {
    this.#view = view
    this.#minParts = minParts
  }

  of(directory: ShownDirectory): TreeSummary {
    const steps = this.steps(directory)
    for (;;) {
      const step = steps.next()
      if (step.done === true) return step.value
    }
  }

  isEmpty(member: Member): boolean {
    return (current([member]) ?? this.of(alone(member))).isEmpty
  }

  /** The names that may make conflict copies where several directories show as one, as far as that is kept. */
  contestedNames(directory: ShownDirectory): Set<string> | undefined {
    return ledgerOf(directory.members)?.contestedNames((name) => mayConflict(directory, name))
  }

  /**
   * Computes what is out of date below `top`, in steps of a few milliseconds. The index must not change between them.
   * Directories are kept on a stack of its own: a peer decides how deep they lie.
   */
  *steps(top: ShownDirectory): Generator<void, TreeSummary> {
    const known = current(top.members)
    if (known !== undefined) return known
    yield* readChildren(top)
    const stack: Frame[] = [frameOf(top)]
    const counter = new StepCounter()
    for (;;) {
      const frame = stack.at(-1) as Frame
      const missing = yield* this.#count(frame, counter)
      if (missing.length > 0) {
        for (const below of missing) {
          yield* readChildren(below)
          stack.push(frameOf(below))
        }
        continue
      }
      const summary = this.#finish(frame)
      stack.pop()
      if (stack.length === 0) return summary
    }
  }

  /** Counts names until one needs totals that are not known. @returns the directories whose totals it needs */
  *#count(frame: Frame, counter: StepCounter): Generator<void, readonly ShownDirectory[]> {
    for (;;) {
      if (counter.isStepOver()) yield
      const name = frame.waiting ?? nextOf(frame.names)
      if (name === undefined) return []
      const missing = this.#missingUnder(frame.directory, name)
      if (missing.length > 0) {
        frame.waiting = name
        return missing
      }
      frame.waiting = undefined
      this.#countName(frame, name)
    }
  }

  #countName({ directory, ledger }: Frame, name: string): void {
    this.evaluatedNames += 1
    const { main, losers } = this.#view.at(directory, name)
    ledger.set(name, main, main?.kind === 'directory' ? this.of(main).totals : undefined)
    if (directory.members.length > 1) {
      // What lives in a dead directory of that name may go and come without the name changing.
      ledger.setContested(name, losers.length > 0 || (hasDirectory(directory, name) && mayConflict(directory, name)))
    }
  }

  #finish({ directory, ledger }: Frame): TreeSummary {
    keepLedger(ledger)
    const summary = ledger.finish(this.#view.conflictCopies(directory), this.#minParts)
    for (const { node } of directory.members) node.isStale = false
    return summary
  }

  /** Directories whose totals must be known before those of a name. */
  #missingUnder(directory: ShownDirectory, name: string): ShownDirectory[] {
    const placed = this.#view.placedMembers(directory, name)
    if (placed.length === 0) return []
    const unknown = placed.filter((member) => member.deletions.length > 0 && current([member]) === undefined)
    if (unknown.length > 0) return unknown.map((member) => alone(member))
    const members = this.#view.members(directory, name)
    if (members.length === 0 || current(members) !== undefined) return []
    return [{ kind: 'directory', name, parent: directory, members }]
  }
}

function frameOf(directory: ShownDirectory): Frame {
  const kept = ledgerOf(directory.members)
  const ledger = kept ?? new DirectoryLedger(directory.members)
  // Names counted meanwhile leave the set, and the iteration with it.
  const names = kept === undefined ? namesIn(directory) : ledger.changed.values()
  return { directory, ledger, names, waiting: undefined }
}

function nextOf(names: Iterator<string>): string | undefined {
  const next = names.next()
  return next.done === true ? undefined : next.value
}

function current(members: readonly Member[]): TreeSummary | undefined {
  return ledgerOf(members)?.current
}

function alone(member: Member): ShownDirectory {
  return { kind: 'directory', name: '', parent: undefined, members: [member] }
}

/** Whether a name could make conflict copies: a leaf in conflict, or one beside something else. */
function mayConflict(directory: ShownDirectory, name: string): boolean {
  let nodes = 0
  let leaves = 0
  let isInConflict = false
  for (const { node } of directory.members) {
    for (const child of childrenNamed(node, name)) {
      nodes += 1
      if (child.kind === 'directory') continue
      leaves += 1
      isInConflict ||= child.stateCount > 1
    }
  }
  return isInConflict || (leaves > 0 && nodes > 1)
}
