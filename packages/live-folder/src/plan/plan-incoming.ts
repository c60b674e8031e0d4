import type { TreeEntry } from '@dittofs/interface'
import type { BaseEntry } from '../base/base-entry.ts'
import type { BaseTree } from '../base/base-tree.ts'
import { contentOf, contentText, isSameBytes } from '../base/content-text.ts'
import { FolderTargets } from './folder-targets.ts'
import type { IncomingPlan, IncomingScope, IncomingStep, PlannedFolder } from './incoming-plan.ts'
import { isOwnName, stagedName } from './own-names.ts'
import { joinPath, nodesOf, type RemoteTree } from './remote-tree.ts'
import { type DiskEntry, isMade, type MadeEntry, SimulatedDisk } from './simulated-disk.ts'

export interface IncomingInit {
  readonly base: BaseTree
  readonly remote: RemoteTree
  readonly folders: readonly PlannedFolder[]
  readonly scope: IncomingScope
  /** Numbers from here on name nothing that is put aside. */
  readonly firstNumber: number
}

/** Entries compared before others get a turn. */
const ENTRIES_PER_SLICE = 200
/** A chain of renames longer than this is broken by putting one aside: each link costs some of the call stack. */
const MAX_CHAIN = 100

/**
 * Compares the document with the base and says what to do on disk, in an order in which each step can be done.
 *
 * The document's tree is walked from the top, with a map of where everything is on disk by then. What the base has of an
 * entry is renamed into place. What stands in the way goes to its own place first; where that waits for the very place it
 * makes free (a swap, a cycle), it is put aside in the root of the folder. What nothing claims is taken over where it
 * stands, if it is of the kind that is wanted there; the rest is removed at the end, the deepest first, after what is still
 * wanted of it was moved out. A directory moves in one step, whatever is in it.
 */
export function* planIncoming(init: IncomingInit): Generator<void, IncomingPlan> {
  const planning = new IncomingPlanning(init)
  yield* planning.compare(init.scope)
  return planning.plan()
}

class IncomingPlanning {
  readonly #base: BaseTree
  readonly #remote: RemoteTree
  readonly #folders: readonly PlannedFolder[]
  readonly #targets: FolderTargets
  readonly #disk: SimulatedDisk
  readonly #steps: IncomingStep[] = []
  /** Modes of directories that were made: set when all is in them. */
  readonly #modes: IncomingStep[] = []
  /** What became of an entry of the document; `undefined` while it is being placed. */
  readonly #placed = new Map<string, DiskEntry | undefined>()
  /** Base entries that nothing claimed, and that stand for another entry now. */
  readonly #taken = new Set<BaseEntry>()
  readonly #leftovers = new Set<BaseEntry>()
  readonly #staged = new Set<BaseEntry>()
  /** Directories that were looked at because of what is in them. */
  readonly #above = new Set<BaseEntry>()
  /** Directories whose children are to be compared: those alone, or all below. */
  readonly #below: { readonly shown: TreeEntry; readonly isDeep: boolean }[] = []
  readonly #walked = new Set<string>()
  #nextNumber: number
  #chain = 0

  constructor({ base, remote, folders, firstNumber }: IncomingInit) {
    this.#base = base
    this.#remote = remote
    this.#folders = folders
    this.#targets = new FolderTargets(base, remote, folders)
    this.#nextNumber = firstNumber
    const folding = new Set(folders.filter(({ foldsCase }) => foldsCase).map(({ id }) => id))
    this.#disk = new SimulatedDisk((folder) => folding.has(folder))
  }

  plan(): IncomingPlan {
    const written = new Set(this.#folders.filter(({ isWritten }) => isWritten).map(({ id }) => id))
    const all = [...this.#steps, ...this.#modes.reverse()]
    return {
      steps: all.filter(({ folder }) => written.has(folder)),
      leftOut: this.#targets.leftOut,
      untaken: all.filter(({ folder }) => !written.has(folder)),
    }
  }

  *compare(scope: IncomingScope): Generator<void> {
    let count = 0
    for (const { id, path } of this.#folders) {
      const root = this.#remote.lookup(path)
      const base = this.#base.folders.get(id)
      if (root === undefined || base === undefined) continue
      if (scope === 'all') this.#walk(root)
      for (const child of base.children?.values() ?? []) if (isOwnName(child.name)) this.#check(child)
    }
    if (scope !== 'all') {
      for (const [path, extent] of scope.paths) {
        this.#comparePath(path, extent === 'below')
        count += 1
        if (count % ENTRIES_PER_SLICE === 0) yield
      }
      for (const entry of scope.entries) {
        this.#check(entry)
        count += 1
        if (count % ENTRIES_PER_SLICE === 0) yield
      }
    }
    for (let next = this.#below.pop(); next !== undefined; next = this.#below.pop()) {
      for (const child of this.#remote.children(next.shown.path) ?? []) {
        this.#visit(child, next.isDeep)
        count += 1
        if (count % ENTRIES_PER_SLICE === 0) yield
      }
      const above = this.#placed.get(next.shown.path) ?? this.#targets.chosen(next.shown)
      if (above === undefined || isMade(above)) continue
      for (const child of [...(above.children?.values() ?? [])]) {
        this.#check(child)
        count += 1
        if (count % ENTRIES_PER_SLICE === 0) yield
      }
    }
    for (const entry of this.#staged) this.#check(entry)
    for (const entry of this.#leftovers) {
      if (!this.#isGone(entry)) this.#clear(entry)
      count += 1
      if (count % ENTRIES_PER_SLICE === 0) yield
    }
    for (const entry of this.#staged) this.#check(entry)
    for (const entry of this.#leftovers) if (!this.#isGone(entry)) this.#clear(entry)
  }

  #comparePath(path: string, isDeep: boolean): void {
    const folder = this.#targets.folderOf(path)
    const shown = this.#remote.lookup(path)
    if (shown !== undefined) {
      if (folder !== undefined) this.#visit(shown, isDeep)
      if (shown.kind === 'directory' && folder !== undefined) this.#below.push({ shown, isDeep: false })
      // Above a folder a change can be one of what is in it.
      for (const inner of this.#folders) {
        const root = inner.path.startsWith(`${path}/`) || path === '' ? this.#remote.lookup(inner.path) : undefined
        if (isDeep && root !== undefined) this.#walk(root)
      }
    }
    if (folder === undefined || path === folder.path) return
    const inside = folder.path === '' ? path : path.slice(folder.path.length + 1)
    const there = this.#base.at(folder.id, inside.split('/'))
    if (there !== undefined) this.#check(there)
    else if (shown === undefined) this.#checkAround(folder.id, inside.split('/'))
  }

  /** What went from a path took along directories that were shown for it alone, also where it had not come there on disk. */
  #checkAround(folder: string, names: readonly string[]): void {
    let around = this.#base.folders.get(folder)
    for (const name of names) {
      const next = around?.children?.get(name)
      if (next === undefined) break
      around = next
    }
    if (around === undefined || this.#above.has(around)) return
    this.#above.add(around)
    this.#check(around)
  }

  /** Brings one entry of the document to its place, and sees to what is below it where that has to be. */
  #visit(shown: TreeEntry, isDeep: boolean): void {
    const entry = this.#place(shown)
    // What else was to become it may stand anywhere, and no change tells of it: it went nowhere, another took its place.
    for (const other of this.#targets.others(shown)) this.#check(other)
    if (isDeep && entry !== undefined) this.#walk(shown)
  }

  /** Notes that all below a directory has to be compared. */
  #walk(shown: TreeEntry): void {
    if (shown.kind !== 'directory' || this.#walked.has(shown.path)) return
    this.#walked.add(shown.path)
    this.#below.push({ shown, isDeep: true })
  }

  /** Sees that a base entry gets to where it belongs, or is removed in the end. */
  #check(entry: BaseEntry): void {
    if (this.#isGone(entry) || entry.parent === undefined || this.#taken.has(entry) || !this.#base.has(entry)) return
    if (this.#leftovers.has(entry)) return
    this.#checkAbove(entry)
    const target = this.#targets.targetOf(entry)
    if (target !== undefined) {
      this.#visit(target, false)
      return
    }
    this.#leftovers.add(entry)
    if (entry.isDirectory) this.#visitHeirs(entry)
  }

  /** A directory that goes with the last that lived in it leaves its name to a conflict copy that stood beside it. */
  #visitHeirs({ parent, name }: BaseEntry): void {
    // What was put aside has a name that the document cannot have.
    const above = parent === undefined || isOwnName(name) ? undefined : this.#targets.ownerOf(parent)
    const heir = above === undefined ? undefined : this.#remote.lookup(joinPath(above.path, name))
    if (above === undefined || heir === undefined) return
    this.#visit(heir, false)
    for (const copy of this.#remote.children(above.path) ?? []) {
      if (copy.conflictOf === heir.path) this.#visit(copy, false)
    }
  }

  /** A directory that was deleted is shown for as long as something in it lives: when that goes, so does it. */
  #checkAbove(entry: BaseEntry): void {
    const { parent } = entry
    if (parent === undefined || this.#above.has(parent)) return
    this.#above.add(parent)
    this.#check(parent)
  }

  #isGone(entry: BaseEntry): boolean {
    return this.#disk.isGone(entry)
  }

  /** @returns what stands in its place then; `undefined` where it cannot be placed, or not yet */
  #place(shown: TreeEntry): DiskEntry | undefined {
    if (this.#placed.has(shown.path)) return this.#placed.get(shown.path)
    const folder = this.#targets.folderOf(shown.path)
    if (folder === undefined) return undefined
    if (folder.path === shown.path) {
      if (folder.path !== '') this.#targets.noteFolderInside(shown)
      return this.#targets.chosen(shown)
    }
    const parent = this.#targets.parentOf(shown)
    if (parent === undefined || !this.#targets.isWritable(shown)) return undefined
    const above = this.#place(parent)
    if (above === undefined || this.#placed.has(shown.path)) return this.#placed.get(shown.path)
    this.#placed.set(shown.path, undefined)
    const entry = this.#placeIn(shown, above)
    if (entry === undefined) this.#placed.delete(shown.path)
    else this.#placed.set(shown.path, entry)
    return entry
  }

  #placeIn(shown: TreeEntry, above: DiskEntry): DiskEntry | undefined {
    const folder = this.#disk.rootOf(above).name
    const chosen = this.#targets.chosen(shown)
    if (chosen !== undefined && !this.#isGone(chosen)) {
      if (this.#disk.isInside(above, chosen)) return undefined
      const spot = this.#disk.spotOf(chosen)
      if (spot?.parent !== above || spot.name !== shown.name) {
        if (!this.#makeRoom(above, shown.name, chosen)) return undefined
        this.#move(chosen, above, shown.name, false)
      }
      this.#settle(chosen, shown)
      return chosen
    }
    const there = this.#disk.at(above, shown.name)
    if (there !== undefined && !isMade(there) && there.kind === shown.kind && this.#isUnclaimed(there)) {
      this.#taken.add(there)
      const spot = this.#disk.spotOf(there)
      if (spot?.name !== shown.name) this.#move(there, above, shown.name, false)
      this.#walk(shown)
      this.#settle(there, shown)
      return there
    }
    if (!this.#makeRoom(above, shown.name)) return undefined
    const made: MadeEntry = { shown, parent: above, name: shown.name }
    this.#disk.make(made)
    const path = this.#disk.pathOf(made)
    this.#steps.push({ type: 'create', folder, made, path })
    if (shown.kind === 'directory') {
      this.#modes.push({ type: 'attributes', folder, entry: made, shown, path })
      this.#walk(shown)
    }
    return made
  }

  #isUnclaimed(entry: BaseEntry): boolean {
    return !this.#taken.has(entry) && this.#targets.targetOf(entry) === undefined
  }

  /** Frees a name: what stands there goes to its own place, or aside, or for good. */
  #makeRoom(parent: DiskEntry, name: string, by?: BaseEntry): boolean {
    const there = this.#disk.at(parent, name)
    if (there === undefined || there === by) return true
    // Made or taken over by this plan: two entries of one name, which the next look at the document resolves.
    if (isMade(there) || this.#taken.has(there)) return false
    const target = this.#targets.targetOf(there)
    if (target === undefined) {
      this.#clear(there)
    } else {
      this.#chain += 1
      if (this.#chain < MAX_CHAIN) this.#visit(target, false)
      this.#chain -= 1
      if (this.#disk.at(parent, name) === there) this.#stage(there)
    }
    return this.#disk.at(parent, name) === undefined
  }

  #stage(entry: BaseEntry): void {
    const root = this.#disk.rootOf(entry)
    this.#move(entry, root, stagedName(this.#nextNumber), true)
    this.#nextNumber += 1
    this.#staged.add(entry)
  }

  #move(entry: BaseEntry, parent: DiskEntry, name: string, isStaging: boolean): void {
    this.#checkAbove(entry)
    const from = this.#disk.pathOf(entry)
    const folder = this.#disk.rootOf(entry).name
    this.#disk.move(entry, parent, name)
    this.#steps.push({
      ...{ type: 'move', folder, entry, parent, name, from },
      ...{ path: this.#disk.pathOf(entry), isStaging },
    })
  }

  /** Content and attributes of what is in its place. */
  #settle(entry: BaseEntry, shown: TreeEntry): void {
    const folder = entry.folder
    const path = this.#disk.pathOf(entry)
    const content = contentOf(shown)
    const nodes = nodesOf(shown)
    const isOtherNodes = entry.nodes.length !== nodes.length || nodes.some((node) => !entry.nodes.includes(node))
    if (isOtherNodes) this.#walk(shown)
    // The text first: what the base has is parsed only where it differs.
    const isOther = entry.kind !== shown.kind || entry.contentText !== contentText(content)
    if (isOther && !isSameBytes(entry.content, content)) {
      this.#steps.push({ type: 'replace', folder, entry, shown, path })
    } else if (shown.kind === 'directory' ? isOtherMode(entry, shown) : isOther) {
      const step: IncomingStep = { type: 'attributes', folder, entry, shown, path }
      if (shown.kind === 'directory') this.#modes.push(step)
      else this.#steps.push(step)
    } else if (isOtherNodes || entry.node !== shown.node || entry.version !== shown.version) {
      this.#steps.push({ type: 'adopt', folder, entry, shown, path })
    }
  }

  /** Removes an entry that nothing claims, the deepest first; what is claimed in it goes to its place or aside. */
  #clear(entry: BaseEntry): void {
    const kept: BaseEntry[] = []
    const going: BaseEntry[] = []
    const pending = [entry]
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      if (this.#isGone(next) || !this.#disk.isInside(next, entry)) continue
      if (next !== entry && this.#targets.targetOf(next) !== undefined) {
        kept.push(next)
        continue
      }
      // Taken over by this plan for something else.
      if (this.#taken.has(next)) return
      going.push(next)
      for (const child of next.children?.values() ?? []) pending.push(child)
    }
    for (const claimed of kept) {
      const target = this.#targets.targetOf(claimed)
      if (target !== undefined) this.#visit(target, false)
      if (this.#disk.isInside(claimed, entry)) this.#stage(claimed)
    }
    for (const gone of going.reverse()) {
      const path = this.#disk.pathOf(gone)
      this.#disk.remove(gone)
      this.#leftovers.delete(gone)
      this.#steps.push({ type: 'remove', folder: gone.folder, entry: gone, path })
    }
  }
}

function isOtherMode(entry: BaseEntry, shown: TreeEntry): boolean {
  const { content } = entry
  return (
    content.kind === 'directory' && shown.directory !== undefined && content.directory.mode !== shown.directory.mode
  )
}
