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
  metadata: MetadataStore
  finder: EntryFinder
  times: NodeTimes
  nowNs: () => bigint
}

/**
 * Changes of names. Each looks and changes in one transaction of the metadata, between which and the looking nothing else
 * can happen.
 */
export class TreeChanges {
  readonly #init: TreeChangesInit
  readonly #verifiers = new Map<NodeId, string>()

  constructor(init: TreeChangesInit) {
    this.#init = init
  }

  async create(handle: VolumeHandle, givenName: string, options: CreateOptions): Promise<TreeEntry> {
    const name = checkedName(givenName)
    const verifier = options.verifier === undefined ? undefined : Buffer.from(options.verifier).toString('hex')
    const mtimeNs = this.#init.nowNs()
    const file = { size: 0, mode: options.mode & 0o777, mtimeNs, content: EMPTY }
    let found: TreeEntry | undefined
    const made = await this.#change(() => {
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

  /** Makes a node under a name that is free. */
  async make(handle: VolumeHandle, givenName: string, content: () => NodeContent): Promise<TreeEntry> {
    const name = checkedName(givenName)
    const made = await this.#change(() => {
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
    await this.#remove(handle, name, (entry) => {
      if (entry.kind === 'directory') throw isDirectory()
    })
  }

  async removeDirectory(handle: VolumeHandle, name: string): Promise<void> {
    await this.#remove(handle, name, (entry) => {
      if (entry.kind !== 'directory') throw notDirectory()
      if (!this.#isEmpty(entry)) throw notEmpty()
    })
  }

  async removeTree(handle: VolumeHandle, name: string): Promise<void> {
    await this.#remove(handle, name, () => undefined)
    this.#init.times.treeChanged()
  }

  async rename(from: VolumeHandle, fromName: string, to: VolumeHandle, toName: string): Promise<void> {
    const { finder } = this.#init
    const [oldName, newName] = [checkedName(fromName), checkedName(toName)]
    let before: { readonly handle: VolumeHandle; readonly entry: TreeEntry } | undefined
    const moved = await this.#change(() => {
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

  async #remove(handle: VolumeHandle, givenName: string, check: (entry: TreeEntry) => void): Promise<void> {
    const name = checkedName(givenName)
    await this.#change(() => {
      const entry = this.#existing(this.#directory(handle), name)
      check(entry)
      return [deletion(entry)]
    })
  }

  /** @returns the entry that the last action left shown */
  async #change(plan: () => readonly Action[]): Promise<TreeEntry | undefined> {
    const shown = await this.#init.metadata.transact(plan)
    return shown.at(-1)
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
    return (this.#init.metadata.children(directory.path) ?? []).length === 0
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
