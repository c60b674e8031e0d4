import type { TreeEntry } from '@dittofs/interface'
import type { BaseEntry } from '../base/base-entry.ts'

/** A file, symlink or directory that a plan makes. Stands for what will be there. */
export interface MadeEntry {
  readonly shown: TreeEntry
  readonly parent: DiskEntry
  readonly name: string
}

/** Something on disk in the course of a plan. */
export type DiskEntry = BaseEntry | MadeEntry

interface Spot {
  readonly parent: DiskEntry
  readonly name: string
}

export function isMade(entry: DiskEntry): entry is MadeEntry {
  return 'shown' in entry
}

/**
 * Where everything is on disk, in the course of a plan: the base, and over it what the steps so far changed. Costs what
 * was changed, not what the base holds.
 */
export class SimulatedDisk {
  readonly #moved = new Map<BaseEntry, Spot | 'gone'>()
  readonly #names = new Map<DiskEntry, Map<string, DiskEntry>>()
  readonly #folds: (folder: string) => boolean
  readonly #foldedChildren = new Map<BaseEntry, Map<string, BaseEntry>>()

  /** @param folds - whether a folder's file system takes names that differ by case only for one */
  constructor(folds: (folder: string) => boolean) {
    this.#folds = folds
  }

  spotOf(entry: DiskEntry): Spot | undefined {
    if (isMade(entry)) return entry
    const moved = this.#moved.get(entry)
    if (moved === 'gone') return undefined
    if (moved !== undefined) return moved
    return entry.parent === undefined ? undefined : { parent: entry.parent, name: entry.name }
  }

  isGone(entry: BaseEntry): boolean {
    return this.#moved.get(entry) === 'gone'
  }

  /** What stands under a name. */
  at(parent: DiskEntry, name: string): DiskEntry | undefined {
    const key = this.#key(parent, name)
    const changed = this.#names.get(parent)?.get(key)
    if (changed !== undefined) return changed
    if (isMade(parent)) return undefined
    const child = this.#baseChild(parent, name)
    return child === undefined || this.#moved.has(child) ? undefined : child
  }

  move(entry: BaseEntry, parent: DiskEntry, name: string): void {
    this.#leave(entry)
    this.#moved.set(entry, { parent, name })
    this.#enter(entry, parent, name)
  }

  make(entry: MadeEntry): void {
    this.#enter(entry, entry.parent, entry.name)
  }

  remove(entry: BaseEntry): void {
    this.#leave(entry)
    this.#moved.set(entry, 'gone')
  }

  /** Whether it stands in that directory, at any depth. */
  isInside(entry: DiskEntry, directory: DiskEntry): boolean {
    for (let at: DiskEntry | undefined = entry; at !== undefined; at = this.spotOf(at)?.parent) {
      if (at === directory) return true
    }
    return false
  }

  /** From the folder's root, names joined by `/`. */
  pathOf(entry: DiskEntry): string {
    const names: string[] = []
    for (let spot = this.spotOf(entry); spot !== undefined; spot = this.spotOf(spot.parent)) names.push(spot.name)
    return names.reverse().join('/')
  }

  rootOf(entry: DiskEntry): BaseEntry {
    let at = entry
    for (let spot = this.spotOf(at); spot !== undefined; spot = this.spotOf(at)) at = spot.parent
    return at as BaseEntry
  }

  #leave(entry: BaseEntry): void {
    const moved = this.#moved.get(entry)
    if (moved === undefined || moved === 'gone') return
    const names = this.#names.get(moved.parent)
    const key = this.#key(moved.parent, moved.name)
    if (names?.get(key) === entry) names.delete(key)
  }

  #enter(entry: DiskEntry, parent: DiskEntry, name: string): void {
    let names = this.#names.get(parent)
    if (names === undefined) {
      names = new Map()
      this.#names.set(parent, names)
    }
    names.set(this.#key(parent, name), entry)
  }

  #key(parent: DiskEntry, name: string): string {
    return this.#isFolding(parent) ? foldName(name) : name
  }

  #isFolding(entry: DiskEntry): boolean {
    return this.#folds(this.rootOf(entry).name)
  }

  #baseChild(parent: BaseEntry, name: string): BaseEntry | undefined {
    const exact = parent.children?.get(name)
    if (!this.#isFolding(parent) || parent.children === undefined) return exact
    let folded = this.#foldedChildren.get(parent)
    if (folded === undefined) {
      folded = new Map([...parent.children.values()].map((child) => [foldName(child.name), child]))
      this.#foldedChildren.set(parent, folded)
    }
    return folded.get(foldName(name))
  }
}

/** Equal for names that a file system without case takes for one. */
export function foldName(name: string): string {
  return name.toUpperCase().toLowerCase()
}
