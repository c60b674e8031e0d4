import {
  type Action,
  type CreateOptions,
  DittoError,
  type MetadataStore,
  type NodeContent,
  type NodeId,
  parsePath,
  type TreeEntry,
  type VolumeHandle,
} from '@dittofs/interface'
import type { EntryFinder } from './entry-finder.ts'
import type { GroupedChanges } from './grouped-changes.ts'
import type { NodeTimes } from './node-times.ts'
import { isWithin, pathIn } from './tree-paths.ts'
import {
  checkedName,
  fault,
  isDirectory,
  notDirectory,
  notEmpty,
  notFound,
  staleHandle,
  taken,
} from './volume-faults.ts'

/** Exclusive creates that are remembered. */
const MAX_VERIFIERS = 4096
const MAX_TARGET_BYTES = 4095
const EMPTY = { kind: 'inline', chunks: [] } as const

export interface TreeChangesInit {
  metadata: Pick<MetadataStore, 'lookup' | 'isEmpty'>
  changes: GroupedChanges
  finder: EntryFinder
  times: NodeTimes
  nowNs: () => bigint
}

/** A name in a directory. */
type Place = readonly [directory: VolumeHandle, name: string]

/** How a change looks at the tree: at one name of one directory alone, or at more. */
type Reach = 'name' | 'tree'

/**
 * Changes of names. Each looks and changes in one transaction of the metadata, between which and the looking nothing else
 * can happen.
 */
export class TreeChanges {
  readonly #init: TreeChangesInit
  readonly #verifiers = new Map<NodeId, string>()
  /** By directory, the last change of a name in it that was asked for and is not made yet. */
  readonly #pending = new Map<NodeId, Promise<unknown>>()

  constructor(init: TreeChangesInit) {
    this.#init = init
  }

  /** Of a directory: waits for the changes of names in it that were asked for before. */
  async settled({ node }: TreeEntry): Promise<void> {
    await this.#pending.get(node)
  }

  async create(handle: VolumeHandle, givenName: string, options: CreateOptions): Promise<TreeEntry> {
    const name = checkedName(givenName)
    const verifier = options.verifier === undefined ? undefined : Buffer.from(options.verifier).toString('hex')
    const mtimeNs = this.#init.nowNs()
    const file = { size: 0, mode: options.mode & 0o777, mtimeNs, content: EMPTY }
    let found: TreeEntry | undefined
    const made = await this.#change('name', [[handle, name]], () => {
      const directory = this.#directory(handle)
      found = this.#child(directory, name)
      return found === undefined ? [this.#creation(directory, name, { kind: 'file', file })] : []
    })
    if (found === undefined) {
      if (made === undefined) throw staleHandle()
      if (verifier !== undefined) this.#remember(made.node, verifier)
      return made
    }
    if (verifier !== undefined) {
      if (this.#verifiers.get(found.node) === verifier) return found
      throw taken(name)
    }
    if (options.rule === 'guarded' || found.kind === 'symlink') throw taken(name)
    if (found.kind === 'directory') throw isDirectory()
    return found
  }

  /** @throws DittoError DITTO_EXISTS, and what else keeps a name from being made */
  assertFree(handle: VolumeHandle, givenName: string): void {
    const name = checkedName(givenName)
    const directory = this.#directory(handle)
    if (this.#child(directory, name) !== undefined) throw taken(name)
    parsePath(pathIn(directory, name))
  }

  /** Makes a node under a name that is free. */
  async make(handle: VolumeHandle, givenName: string, content: () => NodeContent): Promise<TreeEntry> {
    const name = checkedName(givenName)
    const made = await this.#change('name', [[handle, name]], () => {
      const directory = this.#directory(handle)
      if (this.#child(directory, name) !== undefined) throw taken(name)
      return [this.#creation(directory, name, content())]
    })
    if (made === undefined) throw staleHandle()
    return made
  }

  async makeSymlink(handle: VolumeHandle, name: string, target: string): Promise<TreeEntry> {
    const bytes = Buffer.byteLength(target)
    if (bytes < 1 || bytes > MAX_TARGET_BYTES || target.includes('\0') || !target.isWellFormed()) {
      throw fault('DITTO_PATH_INVALID', `A symbolic link leads to 1 to ${MAX_TARGET_BYTES} bytes of text.`)
    }
    return this.make(handle, name, () => ({ kind: 'symlink', symlink: { target, mtimeNs: this.#init.nowNs() } }))
  }

  async removeFile(handle: VolumeHandle, name: string): Promise<void> {
    await this.#remove('name', handle, name, (entry) => {
      if (entry.kind === 'directory') throw isDirectory()
    })
  }

  async removeDirectory(handle: VolumeHandle, name: string): Promise<void> {
    await this.#remove('tree', handle, name, (entry) => {
      if (entry.kind !== 'directory') throw notDirectory()
      if (!this.#isEmpty(entry)) throw notEmpty()
    })
  }

  async removeTree(handle: VolumeHandle, name: string): Promise<void> {
    await this.#remove('tree', handle, name, () => undefined)
    this.#init.times.treeChanged()
  }

  async rename(from: VolumeHandle, fromName: string, to: VolumeHandle, toName: string): Promise<void> {
    const { finder } = this.#init
    const [oldName, newName] = [checkedName(fromName), checkedName(toName)]
    let before: { readonly handle: VolumeHandle; readonly entry: TreeEntry } | undefined
    const places: Place[] = [
      [from, oldName],
      [to, newName],
    ]
    const moved = await this.#change('tree', places, () => {
      const [source, target] = [this.#directory(from), this.#directory(to)]
      const entry = this.#existing(source, oldName)
      if (entry.kind === 'directory' && isWithin(target.path, entry.path)) {
        throw fault('DITTO_USAGE', 'A directory cannot be moved into itself.')
      }
      const replaced = this.#child(target, newName)
      if (replaced?.path === entry.path) return []
      if (replaced !== undefined) this.#checkReplaced(entry, replaced)
      parsePath(pathIn(target, newName))
      before = { handle: finder.handleOf(entry), entry }
      const { node, version, kind } = entry
      const place = { type: 'place', node, parent: target.node, name: newName } as const
      return [
        ...(replaced === undefined ? [] : [deletion(replaced)]),
        kind === 'directory' || version === undefined ? place : { ...place, version },
      ]
    })
    // A conflict copy that is moved becomes a file of its own.
    if (moved !== undefined && before !== undefined) finder.follow(before.handle, before.entry, moved)
  }

  #checkReplaced(entry: TreeEntry, replaced: TreeEntry): void {
    if (entry.kind !== 'directory' && replaced.kind === 'directory') throw isDirectory()
    if (entry.kind === 'directory' && replaced.kind !== 'directory') throw notDirectory()
    if (replaced.kind === 'directory' && !this.#isEmpty(replaced)) throw notEmpty()
  }

  async #remove(
    reach: Reach,
    handle: VolumeHandle,
    givenName: string,
    check: (entry: TreeEntry) => void,
  ): Promise<void> {
    const name = checkedName(givenName)
    await this.#change(reach, [[handle, name]], () => {
      const entry = this.#existing(this.#directory(handle), name)
      check(entry)
      return [deletion(entry)]
    })
  }

  /**
   * @param places - the names that are changed
   * @returns the entry that the last action left shown
   */
  async #change(reach: Reach, places: readonly Place[], plan: () => readonly Action[]): Promise<TreeEntry | undefined> {
    const touches = () => (reach === 'tree' ? undefined : places.flatMap((place) => this.#touched(place)))
    const changing = this.#init.changes.change({ touches, plan })
    const settled = changing.then(nothing, nothing)
    const directories = places.flatMap(([handle]) => this.#init.finder.find(handle)?.node ?? [])
    for (const node of directories) this.#pending.set(node, settled)
    const shown = await changing.finally(() => {
      for (const node of directories) if (this.#pending.get(node) === settled) this.#pending.delete(node)
    })
    return shown.at(-1)
  }

  /** A name, and what stands there, which may be changed by other ways. */
  #touched([handle, name]: Place): string[] {
    const path = pathIn(this.#directory(handle), name)
    const entry = this.#init.metadata.lookup(path)
    return [`/${path}`, ...(entry === undefined ? [] : (entry.nodes ?? [entry.node]))]
  }

  #directory(handle: VolumeHandle): TreeEntry {
    const entry = this.#init.finder.find(handle)
    if (entry === undefined) throw staleHandle()
    if (entry.kind !== 'directory') throw notDirectory()
    return entry
  }

  #child(directory: TreeEntry, name: string): TreeEntry | undefined {
    return this.#init.metadata.lookup(pathIn(directory, name))
  }

  #existing(directory: TreeEntry, name: string): TreeEntry {
    const entry = this.#child(directory, name)
    if (entry === undefined) throw notFound(name)
    return entry
  }

  #isEmpty(directory: TreeEntry): boolean {
    return this.#init.metadata.isEmpty(directory.path)
  }

  /** @throws DittoError DITTO_PATH_INVALID where the path would be too long */
  #creation(directory: TreeEntry, name: string, content: NodeContent): Action {
    parsePath(pathIn(directory, name))
    return { type: 'create', parent: directory.node, name, content }
  }

  #remember(node: NodeId, verifier: string): void {
    this.#verifiers.set(node, verifier)
    if (this.#verifiers.size <= MAX_VERIFIERS) return
    for (const oldest of this.#verifiers.keys()) {
      this.#verifiers.delete(oldest)
      break
    }
  }
}

function deletion({ kind, node, version }: TreeEntry): Action {
  if (kind === 'directory') return { type: 'delete', node }
  if (version === undefined) throw new DittoError('DITTO_INTERNAL', 'A file without a version.')
  return { type: 'delete', node, base: version }
}

function nothing(): void {}
