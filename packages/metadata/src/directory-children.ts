import type { NodeState } from './node-state.ts'
import type { ReadLeaf, UnreadChildren } from './unread-leaves.ts'

/** Nothing is ever put into it. */
const NO_NAMES: ReadonlySet<string> = new Set()

type Children = ReadonlyMap<string, NodeState | NodeState[]>

/** The children of a directory, by the name they are placed under. Leaves may be read only when somebody asks. */
export class DirectoryChildren {
  readonly #read = new Map<string, NodeState | NodeState[]>()
  /** Each stands alone under its name, and under none of those read. */
  #unread: UnreadChildren | undefined
  #onRead: ((node: NodeState) => void) | undefined
  #contested: Set<string> | undefined
  #conflicting: Set<string> | undefined

  /** Living and dead ones, all of them. One node stands for itself, several come as a list. */
  get byName(): Children {
    if (this.#unread !== undefined) for (const _ of this.readSteps());
    return this.#read
  }

  /** Those that have been read: every directory, and every name with several nodes, is among them. */
  get read(): Children {
    return this.#read
  }

  /** Those that have not. */
  get unread(): UnreadChildren | undefined {
    return this.#unread
  }

  /** Names with several nodes, or a leaf with several versions: the only ones that can make conflict copies. */
  get contested(): ReadonlySet<string> {
    return this.#contested ?? NO_NAMES
  }

  /** The contested names that may make conflict copies where no deletion reaches the directory. */
  get conflicting(): ReadonlySet<string> {
    return this.#conflicting ?? NO_NAMES
  }

  /** Leaves that stand here and are to be read when somebody asks. @param onRead - is told of each that is */
  addUnread(unread: UnreadChildren, onRead: (node: NodeState) => void): void {
    this.#unread = unread
    this.#onRead = onRead
  }

  /** Reads what has not been read, some at a time. */
  *readSteps(): Generator<void, void> {
    for (let bucket = 0; this.#unread !== undefined && bucket < this.#unread.bucketCount; bucket += 1) {
      this.#take(this.#unread, this.#unread.readBucket(bucket))
      yield
    }
  }

  /** What stands under one name. */
  at(name: string): NodeState | NodeState[] | undefined {
    const found = this.#read.get(name)
    if (found !== undefined || this.#unread === undefined) return found
    this.#take(this.#unread, this.#unread.readAt(name))
    return this.#read.get(name)
  }

  named(name: string): readonly NodeState[] {
    const found = this.at(name)
    if (found === undefined) return []
    return Array.isArray(found) ? found : [found]
  }

  add(name: string, node: NodeState): void {
    const there = this.at(name)
    if (there === undefined) this.#read.set(name, node)
    else if (Array.isArray(there)) there.push(node)
    else this.#read.set(name, [there, node])
  }

  remove(name: string, node: NodeState): void {
    const there = this.#read.get(name)
    if (there === undefined) return
    const rest = Array.isArray(there) ? there.filter((other) => other !== node) : []
    const [only] = rest
    if (only === undefined) this.#read.delete(name)
    else this.#read.set(name, rest.length === 1 ? only : rest)
    this.contest(name)
  }

  /** Notes whether a name can make conflict copies, after a change under it. */
  contest(name: string): void {
    const there = this.#read.get(name)
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

  #take(unread: UnreadChildren, leaves: Iterable<ReadLeaf>): void {
    for (const { name, node } of leaves) {
      this.#read.set(name, node)
      this.#onRead?.(node)
    }
    if (!unread.isEmpty) return
    this.#unread = undefined
    this.#onRead = undefined
  }
}
