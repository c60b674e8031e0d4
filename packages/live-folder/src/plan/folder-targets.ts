import type { TreeEntry } from '@dittofs/interface'
import type { BaseEntry } from '../base/base-entry.ts'
import type { BaseTree } from '../base/base-tree.ts'
import type { LeftOut, PlannedFolder } from './incoming-plan.ts'
import { nodesOf, parentPath, type RemoteTree, shownEntry } from './remote-tree.ts'
import { foldName } from './simulated-disk.ts'

/**
 * Which entry of the document each entry of the base is to become: pure answers about one state of both, each found once.
 * Several base entries can have one target (two versions that became one, two directories that show as one): the one that
 * stands there already is chosen, then the one of the same version, then the oldest.
 */
export class FolderTargets {
  readonly leftOut: LeftOut[] = []
  readonly #base: BaseTree
  readonly #remote: RemoteTree
  readonly #folders: readonly PlannedFolder[]
  readonly #parents = new Map<string, TreeEntry | undefined>()
  readonly #owners = new Map<BaseEntry, TreeEntry | undefined>()
  readonly #chosen = new Map<string, BaseEntry | undefined>()
  readonly #writable = new Map<string, boolean>()

  constructor(base: BaseTree, remote: RemoteTree, folders: readonly PlannedFolder[]) {
    this.#base = base
    this.#remote = remote
    // The innermost first.
    this.#folders = [...folders].sort((a, b) => b.path.length - a.path.length)
  }

  /** The folder that an entry of the document belongs to. The directory of a folder itself belongs to that folder. */
  folderOf(path: string): PlannedFolder | undefined {
    return this.#folders.find(
      (folder) => folder.path === '' || path === folder.path || path.startsWith(`${folder.path}/`),
    )
  }

  parentOf(shown: TreeEntry): TreeEntry | undefined {
    if (shown.path === '') return undefined
    const path = parentPath(shown.path)
    if (!this.#parents.has(path)) this.#parents.set(path, this.#remote.lookup(path))
    return this.#parents.get(path)
  }

  /** Whether it can stand in its folder: nothing above it is left out, no other folder begins there, no name clashes. */
  isWritable(shown: TreeEntry): boolean {
    const known = this.#writable.get(shown.path)
    if (known !== undefined) return known
    const isWritable = this.#findWritable(shown)
    this.#writable.set(shown.path, isWritable)
    return isWritable
  }

  #findWritable(shown: TreeEntry): boolean {
    const folder = this.folderOf(shown.path)
    if (folder === undefined) return false
    if (folder.path === shown.path) return true
    const parent = this.parentOf(shown)
    if (parent === undefined || this.folderOf(parent.path) !== folder || !this.isWritable(parent)) return false
    if (!folder.foldsCase || this.#winner(parent, shown) === shown.path) return true
    this.#leaveOut(folder, shown, 'case-clash')
    return false
  }

  /** Of names that differ by case only, the one that is on disk already, else the first. */
  #winner(parent: TreeEntry, shown: TreeEntry): string {
    const name = foldName(shown.name)
    const rivals = (this.#remote.children(parent.path) ?? []).filter((other) => foldName(other.name) === name)
    if (rivals.length < 2) return shown.path
    const above = this.chosen(parent)
    const there = rivals.find((rival) =>
      this.#candidates(rival).some((entry) => entry.parent === above && entry.name === rival.name),
    )
    return (there ?? rivals[0] ?? shown).path
  }

  noteFolderInside(shown: TreeEntry): void {
    const folder = this.folderOf(parentPath(shown.path))
    if (folder !== undefined) this.#leaveOut(folder, shown, 'folder-inside')
  }

  #leaveOut(folder: PlannedFolder, shown: TreeEntry, kind: LeftOut['kind']): void {
    const path = folder.path === '' ? shown.path : shown.path.slice(folder.path.length + 1)
    this.leftOut.push({ folder: folder.id, path, kind, shownPath: shown.path })
  }

  /** The entry of the document that shows what the base has. */
  ownerOf(entry: BaseEntry): TreeEntry | undefined {
    if (this.#owners.has(entry)) return this.#owners.get(entry)
    const owner = shownEntry(this.#remote, entry)
    this.#owners.set(entry, owner)
    return owner
  }

  /** The base entry that is to become this entry of the document; `undefined` where it has to be made. */
  chosen(shown: TreeEntry): BaseEntry | undefined {
    if (this.#chosen.has(shown.path)) return this.#chosen.get(shown.path)
    const chosen = this.#choose(shown)
    this.#chosen.set(shown.path, chosen)
    return chosen
  }

  #choose(shown: TreeEntry): BaseEntry | undefined {
    const folder = this.folderOf(shown.path)
    if (folder === undefined) return undefined
    if (folder.path === shown.path) return this.#base.folders.get(folder.id)
    const candidates = this.#candidates(shown)
    if (candidates.length < 2) return candidates[0]
    const parent = this.parentOf(shown)
    const above = parent === undefined ? undefined : this.chosen(parent)
    const rank = (entry: BaseEntry) => {
      if (entry.parent === above && entry.name === shown.name) return 0
      return entry.version === shown.version && entry.node === shown.node ? 1 : 2
    }
    return candidates.toSorted((a, b) => rank(a) - rank(b) || a.id - b.id)[0]
  }

  #candidates(shown: TreeEntry): BaseEntry[] {
    const folder = this.folderOf(shown.path)?.id
    const found = new Set<BaseEntry>()
    for (const node of nodesOf(shown)) {
      for (const entry of this.#base.byNode(node)) {
        if (entry.parent === undefined || entry.kind !== shown.kind || entry.folder !== folder) continue
        if (this.ownerOf(entry)?.path === shown.path) found.add(entry)
      }
    }
    return [...found]
  }

  /** Base entries of any folder that this entry of the document shows as well, and that do not become it: they go. */
  others(shown: TreeEntry): readonly BaseEntry[] {
    const chosen = this.chosen(shown)
    const others = nodesOf(shown).flatMap((node) => this.#base.byNode(node).filter((entry) => entry !== chosen))
    return others.filter((entry) => this.ownerOf(entry)?.path === shown.path)
  }

  /** The place in its own folder that a base entry is kept for; `undefined` where it is to go. */
  targetOf(entry: BaseEntry): TreeEntry | undefined {
    const owner = this.ownerOf(entry)
    if (owner === undefined || this.folderOf(owner.path)?.id !== entry.folder || !this.isWritable(owner))
      return undefined
    return this.chosen(owner) === entry ? owner : undefined
  }
}
