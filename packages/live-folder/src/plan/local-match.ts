import type { BaseEntry } from '../base/base-entry.ts'
import type { BaseTree } from '../base/base-tree.ts'
import { inodeOfText } from '../base/stamp-text.ts'
import { isSameStamp } from '../disk-stamp.ts'
import { childKey, type LocalDirectory, type LocalName, type LocalTree, localKey } from './local-tree.ts'
import { isOwnName } from './own-names.ts'

interface Sighting {
  readonly directory: LocalDirectory
  readonly found: LocalName
}

/** Which base entry stands where on disk. */
export class LocalMatch {
  readonly #base: BaseTree
  readonly #local: LocalTree
  /** Directories on disk that are base entries by their inode. */
  readonly #directories = new Map<BaseEntry, Sighting>()
  /** Leaves whose inode the base has under another path. */
  readonly #leaves = new Map<BaseEntry, Sighting[]>()
  readonly #places = new Map<BaseEntry, string | undefined>()
  readonly #claimed = new Map<BaseEntry, LocalName>()

  constructor(base: BaseTree, local: LocalTree) {
    this.#base = base
    this.#local = local
  }

  /** To be called for every directory that was looked at, before anything is asked. */
  indexDirectory(directory: LocalDirectory): void {
    const there = this.#base.at(directory.folder, directory.names)
    for (const found of directory.entries.values()) {
      const expected = there?.children?.get(found.name)
      // The usual case first, and cheap: the stamp is the one the base has.
      if (expected !== undefined && !expected.isDirectory && expected.stampText === found.stampText) continue
      for (const entry of this.#base.byInode(found.stamp)) {
        if (entry.parent === undefined) continue
        const sighting = { directory, found }
        if (entry.isDirectory) {
          const other = this.#directories.get(entry)
          if (other === undefined || expected === entry) this.#directories.set(entry, sighting)
        } else if (expected !== entry) {
          const others = this.#leaves.get(entry)
          if (others === undefined) this.#leaves.set(entry, [sighting])
          else others.push(sighting)
        }
      }
    }
  }

  /** Where a directory of the base is now, as a key; `undefined` where it was not found. */
  placeOf(directory: BaseEntry): string | undefined {
    if (directory.parent === undefined) return directory.name
    if (this.#places.has(directory)) return this.#places.get(directory)
    const place = this.#findDirectory(directory, directory.parent)
    this.#places.set(directory, place)
    return place
  }

  #findDirectory(directory: BaseEntry, parent: BaseEntry): string | undefined {
    const sighting = this.#directories.get(directory)
    if (sighting !== undefined) return childKey(sighting.directory, sighting.found.name)
    const above = this.placeOf(parent)
    if (above === undefined) return undefined
    const listing = this.#local.get(above)
    if (listing === undefined || isOwnName(directory.name)) return `${above}/${directory.name}`
    const found = listing.entries.get(directory.name)
    if (found?.stamp.kind !== 'directory') return undefined
    const isAnother = this.#base.byInode(found.stamp).some((other) => other.isDirectory && other !== directory)
    return isAnother ? undefined : `${above}/${directory.name}`
  }

  /** The base entry of a directory on disk. */
  baseAt(directory: LocalDirectory): BaseEntry | undefined {
    if (directory.names.length === 0) return this.#base.folders.get(directory.folder)
    const key = localKey(directory.folder, directory.names)
    const above = this.#local.get(localKey(directory.folder, directory.names.slice(0, -1)))
    const name = directory.names.at(-1) as string
    const found = above?.entries.get(name)
    if (above === undefined || found === undefined) return this.#base.at(directory.folder, directory.names)
    for (const entry of this.#base.byInode(found.stamp)) {
      if (entry.isDirectory && this.placeOf(entry) === key) return entry
    }
    const child = this.baseAt(above)?.children?.get(name)
    return child?.isDirectory === true && this.placeOf(child) === key ? child : undefined
  }

  /** Whether a child of the directory's base entry still is what stands there under its name. */
  isAt(entry: BaseEntry, directory: LocalDirectory, found: LocalName): boolean {
    if (entry.kind !== found.stamp.kind) return false
    if (entry.isDirectory) return this.placeOf(entry) === childKey(directory, found.name)
    if (entry.stampText === found.stampText || hasInode(entry, found)) return true
    // Another inode: an edit by a program that saves so, unless it is a base entry that came here.
    return !this.#base.byInode(found.stamp).some((other) => !other.isDirectory && !this.#isInPlace(other))
  }

  /** Whether it stands where the base has it, by its inode. */
  #isInPlace(entry: BaseEntry): boolean {
    if (entry.parent === undefined) return true
    const above = this.placeOf(entry.parent)
    if (above === undefined) return false
    const listing = this.#local.get(above)
    if (listing === undefined || isOwnName(entry.name)) return true
    const found = listing.entries.get(entry.name)
    return found !== undefined && found.stamp.kind === entry.kind && hasInode(entry, found)
  }

  /** The base entry that came to this name from elsewhere; each is taken once. */
  takeMoved(directory: LocalDirectory, found: LocalName): BaseEntry | undefined {
    for (const entry of this.#base.byInode(found.stamp)) {
      if (entry.parent === undefined || this.#claimed.has(entry)) continue
      const isHere = entry.isDirectory
        ? this.placeOf(entry) === childKey(directory, found.name)
        : this.#sightings(entry).some((sighting) => sighting.found === found)
      if (!isHere) continue
      this.#claimed.set(entry, found)
      return entry
    }
    return undefined
  }

  /** Where a leaf may have gone, when it is not where the base has it. */
  #sightings(entry: BaseEntry): readonly Sighting[] {
    const sightings = this.#leaves.get(entry) ?? []
    return sightings.length > 0 && !this.#staysByPath(entry) ? sightings : []
  }

  #staysByPath(entry: BaseEntry): boolean {
    const above = entry.parent === undefined ? undefined : this.placeOf(entry.parent)
    if (above === undefined) return false
    const listing = this.#local.get(above)
    if (listing === undefined || isOwnName(entry.name)) return true
    const found = listing.entries.get(entry.name)
    return found !== undefined && this.isAt(entry, listing, found)
  }

  isFound(entry: BaseEntry): boolean {
    if (this.#claimed.has(entry)) return true
    return entry.isDirectory ? this.placeOf(entry) !== undefined : this.#staysByPath(entry)
  }

  /** `refresh`: the same, but the base should know its stamp or spelling anew. */
  compareStamps(entry: BaseEntry, found: LocalName): 'same' | 'refresh' | 'changed' {
    if (entry.stampText === found.stampText && entry.rawName === found.rawName) return 'same'
    const { stamp } = entry
    const isSame = isSameStamp(stamp, found.stamp, this.#claimed.has(entry))
    if (entry.isDirectory) {
      if (stamp.mode !== found.stamp.mode) return 'changed'
      return isSame && entry.rawName === found.rawName ? 'same' : 'refresh'
    }
    if (!isSame) return 'changed'
    return 'refresh'
  }
}

function hasInode(entry: BaseEntry, found: LocalName): boolean {
  return entry.kind === found.stamp.kind && inodeOfText(entry.stampText) === inodeOfText(found.stampText)
}
