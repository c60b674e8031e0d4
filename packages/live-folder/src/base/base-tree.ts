import type { NodeContent, NodeId, VersionId } from '@dittofs/interface'
import type { DiskStamp } from '../disk-stamp.ts'
import { BaseEntry, type BaseEntryInit } from './base-entry.ts'
import { contentText } from './content-text.ts'
import { inodeOf, inodeOfText, isSameInode, stampText } from './stamp-text.ts'

export interface NewBaseEntry {
  readonly parent: BaseEntry
  readonly name: string
  readonly rawName: string
  readonly node: NodeId
  readonly nodes?: readonly NodeId[] | undefined
  readonly version: VersionId | undefined
  readonly content: NodeContent
  readonly stamp: DiskStamp
  /** Of a file, the number of its place where it has one already; else it is given one. */
  readonly place?: number | undefined
}

/** What changes of an entry that stays where it is. */
export interface BaseUpdate {
  readonly node?: NodeId
  readonly nodes?: readonly NodeId[] | undefined
  readonly version?: VersionId | undefined
  readonly content?: NodeContent
  readonly stamp?: DiskStamp
  readonly rawName?: string
  /** As in {@link NewBaseEntry}, for other content. */
  readonly place?: number | undefined
}

/** A folder that no folder is called. */
const LIMBO = '/'
const NO_TIMES = { mtimeNs: 0n, ctimeNs: 0n, birthtimeNs: 0n }

/** Totals of one folder. */
export interface BaseCounts {
  files: number
  directories: number
  symlinks: number
  bytes: number
}

type Many<T> = T | T[]

/**
 * The last synced state of all live folders of a space: a tree for each, found by path, node, inode and place. Every change
 * is noted until it is written by `BaseStore`.
 */
export class BaseTree {
  readonly folders = new Map<string, BaseEntry>()
  /** Entries to write, and IDs of entries to delete, since the last write. */
  readonly changed = new Set<BaseEntry>()
  readonly removed = new Set<number>()
  readonly #counts = new Map<string, BaseCounts>()
  readonly #byNode = new Map<NodeId, Many<BaseEntry>>()
  readonly #byInode = new Map<string, Many<BaseEntry>>()
  readonly #byPlace = new Map<number, BaseEntry>()
  #nextId = 1

  /** Numbers that were never given before: IDs, places, and the names of what is put aside. */
  takeNumber(): number {
    this.#nextId += 1
    return this.#nextId - 1
  }

  get nextNumber(): number {
    return this.#nextId
  }

  set nextNumber(next: number) {
    this.#nextId = Math.max(this.#nextId, next)
  }

  /** Takes an entry as it was written; its parent first. */
  load(init: BaseEntryInit): BaseEntry {
    const entry = new BaseEntry(init)
    this.nextNumber = Math.max(init.id, init.place) + 1
    this.#attach(entry)
    return entry
  }

  addFolder(folder: string, node: NodeId, stamp: DiskStamp): BaseEntry {
    const content: NodeContent = { kind: 'directory', directory: { mode: stamp.mode, mtimeNs: stamp.mtimeNs } }
    const entry = new BaseEntry({
      ...{ id: this.takeNumber(), parent: undefined, name: folder, rawName: folder, kind: 'directory', node },
      ...{ version: undefined, content: contentText(content), stamp: stampText(stamp), place: 0 },
    })
    this.#attach(entry)
    this.changed.add(entry)
    return entry
  }

  add(init: NewBaseEntry): BaseEntry {
    const { content, stamp, place, ...rest } = init
    const entry = new BaseEntry({
      ...rest,
      id: this.takeNumber(),
      kind: content.kind,
      content: contentText(content),
      stamp: stampText(stamp),
      place: content.kind === 'file' ? (place ?? this.takeNumber()) : 0,
    })
    this.#attach(entry)
    this.changed.add(entry)
    return entry
  }

  /** Other content, by its bytes, gets a place of its own. */
  update(entry: BaseEntry, update: BaseUpdate, isOtherContent = false): void {
    this.#unindex(entry)
    this.#count(entry, -1)
    if (update.node !== undefined) entry.node = update.node
    if ('nodes' in update) {
      entry.otherNodes = update.nodes !== undefined && update.nodes.length > 1 ? update.nodes : undefined
    }
    if ('version' in update) entry.version = update.version
    if (update.content !== undefined) entry.contentText = contentText(update.content)
    if (update.stamp !== undefined) entry.stampText = stampText(update.stamp)
    if (update.rawName !== undefined) entry.otherName = update.rawName === entry.name ? undefined : update.rawName
    if (isOtherContent && entry.kind === 'file') entry.place = update.place ?? this.takeNumber()
    this.#index(entry)
    this.#count(entry, 1)
    this.changed.add(entry)
  }

  /** Moves an entry with all below. What the base has at the target goes first: `remove` it, or move it. */
  move(entry: BaseEntry, parent: BaseEntry, name: string, rawName = name): void {
    const isOtherFolder = entry.root !== parent.root
    const moved = isOtherFolder ? [...entry.subtree()] : []
    if (isOtherFolder) for (const one of moved) this.#count(one, -1)
    detach(entry)
    entry.parent = parent
    entry.name = name
    entry.otherName = rawName === name ? undefined : rawName
    parent.children ??= new Map()
    parent.children.set(name, entry)
    if (isOtherFolder) for (const one of moved) this.#count(one, 1)
    this.changed.add(entry)
  }

  /**
   * Keeps an entry without a place, so that another can take its name: what moved and is not there yet, what is gone and
   * not deleted yet. Gone when the base is loaded again.
   */
  setAside(entry: BaseEntry): void {
    let limbo = this.folders.get(LIMBO)
    if (limbo === undefined) {
      const nowhere: DiskStamp = { kind: 'directory', dev: -1n, ino: -1n, size: 0, mode: 0, ...NO_TIMES }
      limbo = this.addFolder(LIMBO, '' as NodeId, nowhere)
    }
    this.move(entry, limbo, String(this.takeNumber()))
  }

  isAside(entry: BaseEntry): boolean {
    return entry.root.name === LIMBO
  }

  /** Forgets what has no place. */
  clearAside(): number[] {
    const limbo = this.folders.get(LIMBO)
    return limbo === undefined ? [] : this.remove(limbo)
  }

  /** Takes an entry out with all below. @returns the keys of the places that are no more */
  remove(entry: BaseEntry): number[] {
    const places: number[] = []
    const all = [...entry.subtree()]
    for (const one of all) {
      if (one.place !== 0) places.push(one.place)
      this.#count(one, -1)
      this.#unindex(one)
      this.changed.delete(one)
      this.removed.add(one.id)
    }
    detach(entry)
    if (entry.parent === undefined) {
      this.folders.delete(entry.name)
      this.#counts.delete(entry.name)
    }
    return places
  }

  /** Whether it still is part of the tree. */
  has(entry: BaseEntry): boolean {
    let at = entry
    while (at.parent !== undefined) {
      if (at.parent.children?.get(at.name) !== at) return false
      at = at.parent
    }
    return this.folders.get(at.name) === at
  }

  byNode(node: NodeId): readonly BaseEntry[] {
    return list(this.#byNode.get(node))
  }

  /** Entries that are the file or directory of this stamp, wherever it is now. */
  byInode(stamp: DiskStamp): readonly BaseEntry[] {
    const found = list(this.#byInode.get(inodeOf(stamp)))
    return found.filter((entry) => isSameInode(entry.stamp, stamp))
  }

  byPlace(place: number): BaseEntry | undefined {
    return this.#byPlace.get(place)
  }

  /** @param path - from the folder's root, in NFC */
  at(folder: string, names: readonly string[]): BaseEntry | undefined {
    let entry = this.folders.get(folder)
    for (const name of names) {
      if (entry === undefined) return undefined
      entry = entry.children?.get(name)
    }
    return entry
  }

  counts(folder: string): Readonly<BaseCounts> {
    return this.#counts.get(folder) ?? { files: 0, directories: 0, symlinks: 0, bytes: 0 }
  }

  #attach(entry: BaseEntry): void {
    if (entry.parent === undefined) {
      this.folders.set(entry.name, entry)
    } else {
      entry.parent.children ??= new Map()
      entry.parent.children.set(entry.name, entry)
    }
    this.#index(entry)
    this.#count(entry, 1)
  }

  #index(entry: BaseEntry): void {
    for (const node of entry.nodes) addTo(this.#byNode, node, entry)
    addTo(this.#byInode, inodeOfText(entry.stampText), entry)
    if (entry.place !== 0) this.#byPlace.set(entry.place, entry)
  }

  #unindex(entry: BaseEntry): void {
    for (const node of entry.nodes) removeFrom(this.#byNode, node, entry)
    removeFrom(this.#byInode, inodeOfText(entry.stampText), entry)
    if (entry.place !== 0) this.#byPlace.delete(entry.place)
  }

  #count(entry: BaseEntry, sign: 1 | -1): void {
    const { root } = entry
    if (entry === root) return
    let counts = this.#counts.get(root.name)
    if (counts === undefined) {
      counts = { files: 0, directories: 0, symlinks: 0, bytes: 0 }
      this.#counts.set(root.name, counts)
    }
    if (entry.kind === 'file') {
      counts.files += sign
      counts.bytes += sign * Number(entry.contentText.slice(0, entry.contentText.indexOf(' ')))
    } else if (entry.kind === 'directory') counts.directories += sign
    else counts.symlinks += sign
  }
}

function detach(entry: BaseEntry): void {
  const siblings = entry.parent?.children
  if (siblings?.get(entry.name) !== entry) return
  siblings.delete(entry.name)
  if (siblings.size === 0 && entry.parent !== undefined) entry.parent.children = undefined
}

function list<T>(found: Many<T> | undefined): readonly T[] {
  if (found === undefined) return []
  return Array.isArray(found) ? found : [found]
}

function addTo<K, T>(map: Map<K, Many<T>>, key: K, value: T): void {
  const there = map.get(key)
  if (there === undefined) map.set(key, value)
  else if (Array.isArray(there)) there.push(value)
  else map.set(key, [there, value])
}

function removeFrom<K, T>(map: Map<K, Many<T>>, key: K, value: T): void {
  const there = map.get(key)
  if (there === value) map.delete(key)
  else if (Array.isArray(there)) {
    const rest = there.filter((other) => other !== value)
    const [only] = rest
    if (only === undefined) map.delete(key)
    else map.set(key, rest.length === 1 ? only : rest)
  }
}
