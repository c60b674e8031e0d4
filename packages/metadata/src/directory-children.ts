import type { NodeState } from './node-state.ts'

/** Nothing is ever put into it. */
const NO_NAMES: ReadonlySet<string> = new Set()

/** The children of a directory, by the name they are placed under. */
export class DirectoryChildren {
  /** Living and dead ones. One node stands for itself, several come as a list. */
  readonly byName = new Map<string, NodeState | NodeState[]>()
  #contested: Set<string> | undefined
  #conflicting: Set<string> | undefined

  /** Names with several nodes, or a leaf with several versions: the only ones that can make conflict copies. */
  get contested(): ReadonlySet<string> {
    return this.#contested ?? NO_NAMES
  }

  /** The contested names that may make conflict copies where no deletion reaches the directory. */
  get conflicting(): ReadonlySet<string> {
    return this.#conflicting ?? NO_NAMES
  }

  named(name: string): readonly NodeState[] {
    const found = this.byName.get(name)
    if (found === undefined) return []
    return Array.isArray(found) ? found : [found]
  }

  add(name: string, node: NodeState): void {
    const there = this.byName.get(name)
    if (there === undefined) this.byName.set(name, node)
    else if (Array.isArray(there)) there.push(node)
    else this.byName.set(name, [there, node])
  }

  remove(name: string, node: NodeState): void {
    const there = this.byName.get(name)
    if (there === undefined) return
    const rest = Array.isArray(there) ? there.filter((other) => other !== node) : []
    const [only] = rest
    if (only === undefined) this.byName.delete(name)
    else this.byName.set(name, rest.length === 1 ? only : rest)
    this.contest(name)
  }

  /** Notes whether a name can make conflict copies, after a change under it. */
  contest(name: string): void {
    const there = this.byName.get(name)
    const isContested =
      Array.isArray(there) || (there !== undefined && there.stateCount > 1 && there.kind !== 'directory')
    if (isContested) {
      this.#contested ??= new Set()
      this.#contested.add(name)
      this.#conflicting ??= new Set()
      this.#conflicting.add(name)
    } else {
      this.#contested?.delete(name)
      this.#conflicting?.delete(name)
    }
  }

  /** A name was looked at, and makes no conflict copies until something changes under it. */
  settle(name: string): void {
    this.#conflicting?.delete(name)
  }
}
