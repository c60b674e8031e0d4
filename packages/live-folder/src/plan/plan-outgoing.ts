import type { TreeEntry } from '@dittofs/interface'
import type { BaseEntry } from '../base/base-entry.ts'
import type { BaseTree } from '../base/base-tree.ts'
import { LocalMatch } from './local-match.ts'
import { childKey, type LocalDirectory, type LocalName, type LocalTree, localKey } from './local-tree.ts'
import { isOwnName } from './own-names.ts'
import { joinPath, nodesOf, type RemoteTree, shownEntry } from './remote-tree.ts'

/** Something on disk, where it was seen. */
export interface LocalPlace {
  readonly directory: LocalDirectory
  readonly found: LocalName
}

/** A directory on disk that the base does not know. */
export interface NewDirectory extends LocalPlace {
  readonly parent: LocalParent
  /** A directory the document shows at that path, and no folder has: then it is that one. */
  readonly adopts: TreeEntry | undefined
}

export type LocalParent = { readonly base: BaseEntry } | { readonly made: NewDirectory }

export interface LocalMove extends LocalPlace {
  readonly entry: BaseEntry
  readonly parent: LocalParent
}

/** A file or symlink on disk that the base does not know. */
export interface NewLeaf extends LocalPlace {
  readonly parent: LocalParent
  /** What the document shows at that path and no folder has: it is one of these if its content is. */
  readonly mayBe: readonly TreeEntry[]
}

export interface LocalChange extends LocalPlace {
  readonly entry: BaseEntry
}

/** What the disk says that the base does not. Each list has parents before what is in them. */
export interface OutgoingPlan {
  readonly directories: readonly NewDirectory[]
  readonly moves: readonly LocalMove[]
  readonly leaves: readonly NewLeaf[]
  /** Content or attributes that differ by their stamp. */
  readonly changes: readonly LocalChange[]
  /** Other stamps and spellings of what is the same. */
  readonly refreshes: readonly LocalChange[]
  /** Not found any more; what is below is not listed, but for what moved elsewhere. */
  readonly vanished: readonly BaseEntry[]
}

/** Names looked at before others get a turn. */
const NAMES_PER_SLICE = 2000

/**
 * Compares what was seen on disk with the base: what is new, moved, changed or gone. Nothing is decided about what others
 * did: the actions that follow name what they are based on, and the document's rules do the rest. The document is read for
 * one thing, adoption: where it shows what the disk has and the base has not, there is nothing to send.
 *
 * A base entry is found again where its inode is. A directory takes along what is below. A path that the base has keeps its
 * file whatever inode it has (programs save by renaming a new file over the old one), unless that inode is another base
 * entry that came here.
 *
 * @param local - what was looked at; the rest is taken to be as the base says
 */
export function* planOutgoing(base: BaseTree, local: LocalTree, remote: RemoteTree): Generator<void, OutgoingPlan> {
  const planning = new OutgoingPlanning(base, local, remote)
  const directories = [...local.values()].sort((a, b) => a.names.length - b.names.length)
  let names = 0
  for (const directory of directories) {
    names += directory.entries.size + 1
    planning.match.indexDirectory(directory)
    if (names < NAMES_PER_SLICE) continue
    names = 0
    yield
  }
  for (const pass of ['known', 'strays'] as const) {
    for (const directory of directories) {
      names += directory.entries.size + 1
      if (pass === 'known') planning.compareKnown(directory)
      else planning.compareStrays(directory)
      if (names < NAMES_PER_SLICE) continue
      names = 0
      yield
    }
  }
  planning.findVanished()
  return planning.plan()
}

class OutgoingPlanning {
  readonly match: LocalMatch
  readonly #remote: RemoteTree
  readonly #base: BaseTree
  readonly #local: LocalTree
  readonly #directories: NewDirectory[] = []
  readonly #made = new Map<string, NewDirectory>()
  readonly #moves: LocalMove[] = []
  readonly #leaves: NewLeaf[] = []
  readonly #changes: LocalChange[] = []
  readonly #refreshes: LocalChange[] = []
  readonly #missing: BaseEntry[] = []
  readonly #vanished: BaseEntry[] = []
  readonly #strays = new Map<string, LocalName[]>()
  readonly #isWorth = new Map<string, boolean>()

  constructor(base: BaseTree, local: LocalTree, remote: RemoteTree) {
    this.#base = base
    this.#local = local
    this.#remote = remote
    this.match = new LocalMatch(base, local)
  }

  plan(): OutgoingPlan {
    return {
      directories: this.#directories,
      moves: this.#moves,
      leaves: this.#leaves,
      changes: this.#changes,
      refreshes: this.#refreshes,
      vanished: this.#vanished,
    }
  }

  /** What stands where the base has it; what does not is left for later. */
  compareKnown(directory: LocalDirectory): void {
    const base = this.match.baseAt(directory)
    const strays: LocalName[] = []
    for (const found of directory.entries.values()) {
      const entry = base?.children?.get(found.name)
      if (entry !== undefined && this.match.isAt(entry, directory, found)) this.#compare(entry, { directory, found })
      else strays.push(found)
    }
    if (strays.length > 0) this.#strays.set(localKey(directory.folder, directory.names), strays)
    if (base === undefined) return
    for (const child of base.children?.values() ?? []) {
      if (isOwnName(child.name)) continue
      const found = directory.entries.get(child.name)
      if (found === undefined || !this.match.isAt(child, directory, found)) this.#missing.push(child)
    }
  }

  /** What stands where the base has nothing, or something else. */
  compareStrays(directory: LocalDirectory): void {
    const strays = this.#strays.get(localKey(directory.folder, directory.names))
    if (strays === undefined) return
    const base = this.match.baseAt(directory)
    const made = this.#made.get(localKey(directory.folder, directory.names))
    const parent: LocalParent | undefined = base !== undefined ? { base } : made !== undefined ? { made } : undefined
    for (const found of strays) {
      const place = { directory, found }
      const moved = this.match.takeMoved(directory, found)
      if (moved !== undefined) {
        if (parent === undefined) continue
        this.#moves.push({ ...place, entry: moved, parent })
        this.#compare(moved, place)
        continue
      }
      if (parent === undefined) continue
      if (found.stamp.kind === 'directory') {
        const key = childKey(directory, found.name)
        if (!this.#isWorthSyncing(key)) continue
        const adopts = this.#directoryShownAt(parent, found.name)
        const fresh: NewDirectory = { ...place, parent, adopts }
        this.#made.set(key, fresh)
        this.#directories.push(fresh)
      } else if (found.stamp.kind !== 'other') {
        this.#leaves.push({ ...place, parent, mayBe: this.#leavesShownAt(parent, found) })
      }
    }
  }

  /** What was found nowhere, the topmost of it; what moved out of it was found. */
  findVanished(): void {
    for (const entry of this.#missing) if (!this.match.isFound(entry)) this.#vanished.push(entry)
  }

  #compare(entry: BaseEntry, place: LocalPlace): void {
    const verdict = this.match.compareStamps(entry, place.found)
    if (verdict === 'changed') this.#changes.push({ ...place, entry })
    else if (verdict === 'refresh') this.#refreshes.push({ ...place, entry })
  }

  /** Whether a directory that is new holds anything to sync, or nothing at all. */
  #isWorthSyncing(key: string): boolean {
    const known = this.#isWorth.get(key)
    if (known !== undefined) return known
    const directory = this.#local.get(key)
    let isWorth = true
    if (directory !== undefined && (directory.entries.size > 0 || directory.hasMore)) {
      isWorth = [...directory.entries.values()].some(({ name, stamp }) => {
        if (this.#base.byInode(stamp).length > 0) return true
        if (stamp.kind === 'directory') return this.#isWorthSyncing(childKey(directory, name))
        return stamp.kind !== 'other'
      })
    }
    this.#isWorth.set(key, isWorth)
    return isWorth
  }

  #shownParent(parent: LocalParent): TreeEntry | undefined {
    return 'base' in parent ? shownEntry(this.#remote, parent.base) : parent.made.adopts
  }

  #directoryShownAt(parent: LocalParent, name: string): TreeEntry | undefined {
    const above = this.#shownParent(parent)
    const shown = above === undefined ? undefined : this.#remote.lookup(joinPath(above.path, name))
    if (shown?.kind !== 'directory') return undefined
    return nodesOf(shown).some((node) => this.#base.byNode(node).length > 0) ? undefined : shown
  }

  #leavesShownAt(parent: LocalParent, { name, stamp }: LocalName): readonly TreeEntry[] {
    const above = this.#shownParent(parent)
    if (above === undefined) return []
    const path = joinPath(above.path, name)
    const shown = this.#remote.lookup(path)
    if (shown === undefined) return []
    const copies = (this.#remote.children(above.path) ?? []).filter(({ conflictOf }) => conflictOf === path)
    return [shown, ...copies].filter(
      ({ kind, node, version }) =>
        kind === stamp.kind && !this.#base.byNode(node).some((entry) => entry.version === version),
    )
  }
}
