import { randomBytes } from 'node:crypto'
import {
  type AttributeChange,
  type Clock,
  type ContentSource,
  type CreateOptions,
  type CreateWithContentOptions,
  MAX_FILE_BYTES,
  MAX_TRANSFER_BYTES,
  parsePath,
  type RandomBytes,
  type ReadDirectoryOptions,
  type ReadOptions,
  type ReplaceContentOptions,
  systemClock,
  type Volume,
  type VolumeAttributes,
  type VolumeDirent,
  type VolumeEntry,
  type VolumeHandle,
  type VolumeName,
  type VolumePieces,
  type VolumePlace,
  type VolumeRead,
  type VolumeStatistics,
  type WriteOptions,
} from '@dittofs/interface'
import { contentFrom, MemoryFileContent } from './memory-file-content.ts'
import { checkedName, checkRange, exists, fault, isDirectory, notDirectory } from './memory-volume-checks.ts'
import {
  attributesOf,
  changeTagOf,
  entryOf,
  type MemoryVolumeNode,
  memoryVolumeNode,
  nameOf,
} from './memory-volume-node.ts'

/** Entries of one listing, and bytes of a symlink's target. */
const MAX_LISTED = 4096
const MAX_TARGET_BYTES = 4095

export interface MemoryVolumeInit {
  isReadOnly?: boolean
  /** Bytes that all files may take in memory; 256 MiB unless told otherwise. */
  maxBytes?: number
  clock?: Clock
  randomBytes?: RandomBytes
}

/** A volume in this process's memory, for tests of what serves volumes. */
export function memoryVolume(init: MemoryVolumeInit = {}): MemoryVolume {
  return new MemoryVolume(init)
}

export class MemoryVolume implements Volume {
  readonly root: VolumeHandle
  readonly isReadOnly: boolean
  readonly #maxBytes: number
  readonly #clock: Clock
  readonly #randomBytes: RandomBytes
  readonly #nodes = new Map<VolumeHandle, MemoryVolumeNode>()
  readonly #root: MemoryVolumeNode
  #writeVerifier: Uint8Array
  #nextNumber = 1
  #nextCookie = 1n
  #isClosed = false

  constructor(init: MemoryVolumeInit) {
    this.#clock = init.clock ?? systemClock
    this.#randomBytes = init.randomBytes ?? randomBytes
    this.#maxBytes = init.maxBytes ?? 256 * 1024 * 1024
    this.isReadOnly = init.isReadOnly ?? false
    this.#writeVerifier = Uint8Array.from(this.#randomBytes(8))
    this.#root = this.#makeNode('directory', 0o755)
    this.root = this.#root.handle
  }

  get writeVerifier(): Uint8Array {
    return this.#writeVerifier
  }

  /** From now on every call fails with DITTO_CLOSED. */
  close(): void {
    this.#isClosed = true
  }

  /** As if the process had been killed and started again: what was not committed is gone. */
  restart(): void {
    this.#writeVerifier = Uint8Array.from(this.#randomBytes(8))
    for (const node of this.#nodes.values()) node.content = new MemoryFileContent(node.committed)
  }

  /** Whether reading the file fails as if no device that has its bytes were reached. */
  withhold(handle: VolumeHandle, isWithheld: boolean): void {
    this.#node(handle).isWithheld = isWithheld
  }

  async attributes(handle: VolumeHandle): Promise<VolumeAttributes> {
    return attributesOf(this.#node(handle))
  }

  async lookup(directory: VolumeHandle, name: string): Promise<VolumeEntry> {
    return entryOf(this.#child(this.#directory(directory), name))
  }

  async find(names: readonly string[]): Promise<VolumePlace | undefined> {
    const way = names.map(checkedName)
    const name = checkedName(way.pop() ?? '')
    let directory = this.#node(this.root)
    for (const one of way) {
      const next = directory.children.get(one)?.node
      if (next?.kind !== 'directory') return undefined
      directory = next
    }
    const node = directory.children.get(name)?.node
    return { directory: directory.handle, entry: node === undefined ? undefined : entryOf(node) }
  }

  async parent(handle: VolumeHandle): Promise<VolumeEntry> {
    return entryOf(this.#node(handle).parent)
  }

  async path(handle: VolumeHandle): Promise<readonly string[]> {
    return this.#path(this.#node(handle))
  }

  async readDirectory(
    directory: VolumeHandle,
    options: ReadDirectoryOptions,
  ): Promise<{ entries: readonly VolumeDirent[]; isEnd: boolean }> {
    options.signal?.throwIfAborted()
    const { children } = this.#directory(directory)
    checkRange(options.limit, 1, MAX_LISTED, 'entries of a listing')
    const left = [...children]
      .filter(([, { cookie }]) => cookie > options.after)
      .sort(([, a], [, b]) => (a.cookie < b.cookie ? -1 : 1))
    const entries = left.slice(0, options.limit).map(([name, { cookie, node }]) => ({ ...entryOf(node), name, cookie }))
    return { entries, isEnd: entries.length === left.length }
  }

  async readNames(
    directory: VolumeHandle,
    options: ReadDirectoryOptions,
  ): Promise<{ entries: readonly VolumeName[]; isEnd: boolean }> {
    const { entries, isEnd } = await this.readDirectory(directory, options)
    return { entries: entries.map(nameOf), isEnd }
  }

  async readLink(handle: VolumeHandle): Promise<string> {
    const node = this.#node(handle)
    if (node.kind !== 'symlink') throw fault('DITTO_UNSUPPORTED', 'This is no symbolic link.')
    return node.target
  }

  async read(handle: VolumeHandle, options: ReadOptions): Promise<VolumeRead> {
    options.signal?.throwIfAborted()
    const { content, isWithheld, changes } = this.#file(handle)
    checkRange(options.offset, 0, MAX_FILE_BYTES, 'the offset of a read')
    checkRange(options.length, 1, MAX_TRANSFER_BYTES, 'the bytes of a read')
    if (isWithheld) throw fault('DITTO_CHUNK_MISSING', 'The bytes of this file are on no device that is reached.')
    const bytes = content.read(options.offset, options.length)
    return { bytes, isEnd: options.offset + bytes.length >= content.size, changeTag: changeTagOf(changes) }
  }

  async readPieces(handle: VolumeHandle, options: ReadOptions): Promise<VolumePieces> {
    const { bytes, isEnd, changeTag } = await this.read(handle, options)
    return { pieces: [bytes], isEnd, changeTag }
  }

  async write(handle: VolumeHandle, bytes: Uint8Array, options: WriteOptions): Promise<VolumeAttributes> {
    options.signal?.throwIfAborted()
    this.#checkWritable()
    const node = this.#file(handle)
    checkRange(bytes.length, 0, MAX_TRANSFER_BYTES, 'the bytes of a write')
    checkRange(options.offset, 0, MAX_FILE_BYTES - bytes.length, 'the offset of a write')
    this.#checkRoom(bytes.length)
    node.content.write(options.offset, bytes)
    if (bytes.length > 0) this.#attributesChanged(node, true)
    if (options.isStable) node.committed = new MemoryFileContent(node.content)
    return attributesOf(node)
  }

  async commit(handle: VolumeHandle): Promise<VolumeAttributes> {
    this.#checkWritable()
    const node = this.#file(handle)
    node.committed = new MemoryFileContent(node.content)
    return attributesOf(node)
  }

  async replaceContent(
    handle: VolumeHandle,
    source: ContentSource,
    { mtimeNs, signal }: ReplaceContentOptions = {},
  ): Promise<VolumeAttributes> {
    signal?.throwIfAborted()
    this.#checkWritable()
    this.#file(handle)
    const content = await contentFrom(source, (bytes) => this.#checkRoom(bytes), signal)
    const node = this.#file(handle)
    Object.assign(node, { content, committed: new MemoryFileContent(content) })
    this.#attributesChanged(node, true)
    if (mtimeNs !== undefined) node.mtimeNs = mtimeNs
    return attributesOf(node)
  }

  async createWithContent(
    directory: VolumeHandle,
    name: string,
    source: ContentSource,
    { mode, mtimeNs, signal }: CreateWithContentOptions,
  ): Promise<VolumeEntry> {
    signal?.throwIfAborted()
    this.#checkWritable()
    if (this.#directory(directory).children.has(checkedName(name))) throw exists()
    const content = await contentFrom(source, (bytes) => this.#checkRoom(bytes), signal)
    const { handle } = this.#make(directory, name, () => this.#makeNode('file', mode & 0o777))
    const node = this.#file(handle)
    Object.assign(node, { content, committed: new MemoryFileContent(content) })
    if (mtimeNs !== undefined) node.mtimeNs = mtimeNs
    return entryOf(node)
  }

  async setAttributes(handle: VolumeHandle, change: AttributeChange): Promise<VolumeAttributes> {
    this.#checkWritable()
    const node = change.size === undefined ? this.#node(handle) : this.#file(handle)
    if (change.size !== undefined) {
      checkRange(change.size, 0, MAX_FILE_BYTES, 'the size of a file')
      node.content.resize(change.size)
      this.#attributesChanged(node, true)
    }
    if (change.mode !== undefined && node.kind !== 'symlink') node.mode = change.mode & 0o777
    if (change.mtimeNs !== undefined) node.mtimeNs = change.mtimeNs
    this.#attributesChanged(node)
    return attributesOf(node)
  }

  async create(directory: VolumeHandle, name: string, options: CreateOptions): Promise<VolumeEntry> {
    const verifier = options.verifier === undefined ? undefined : Buffer.from(options.verifier).toString('hex')
    this.#checkWritable()
    const parent = this.#directory(directory)
    const found = parent.children.get(checkedName(name))?.node
    if (found !== undefined) {
      if (verifier !== undefined && found.verifier === verifier) return entryOf(found)
      if (verifier !== undefined || options.rule === 'guarded' || found.kind === 'symlink') throw exists()
      if (found.kind === 'directory') throw isDirectory()
      return entryOf(found)
    }
    const node = this.#makeNode('file', options.mode & 0o777)
    node.verifier = verifier
    this.#link(parent, name, node)
    return entryOf(node)
  }

  async makeDirectory(directory: VolumeHandle, name: string, mode: number): Promise<VolumeEntry> {
    return this.#make(directory, name, () => this.#makeNode('directory', mode & 0o777))
  }

  async makeSymlink(directory: VolumeHandle, name: string, target: string): Promise<VolumeEntry> {
    const bytes = Buffer.byteLength(target)
    if (bytes < 1 || bytes > MAX_TARGET_BYTES || target.includes('\0') || !target.isWellFormed()) {
      throw fault('DITTO_PATH_INVALID', `A symbolic link leads to 1 to ${MAX_TARGET_BYTES} bytes of text.`)
    }
    return this.#make(directory, name, () => this.#makeNode('symlink', 0o777, target))
  }

  async removeFile(directory: VolumeHandle, name: string): Promise<void> {
    this.#checkWritable()
    const node = this.#child(this.#directory(directory), name)
    if (node.kind === 'directory') throw isDirectory()
    this.#unlink(node)
  }

  async removeDirectory(directory: VolumeHandle, name: string): Promise<void> {
    this.#checkWritable()
    const node = this.#child(this.#directory(directory), name)
    if (node.kind !== 'directory') throw notDirectory()
    if (node.children.size > 0) throw fault('DITTO_NOT_EMPTY', 'The directory is not empty.')
    this.#unlink(node)
  }

  async removeTree(directory: VolumeHandle, name: string): Promise<void> {
    this.#checkWritable()
    this.#unlink(this.#child(this.#directory(directory), name))
  }

  async rename(from: VolumeHandle, fromName: string, to: VolumeHandle, toName: string): Promise<void> {
    this.#checkWritable()
    const node = this.#child(this.#directory(from), fromName)
    const target = this.#directory(to)
    const name = checkedName(toName)
    for (let at = target; ; at = at.parent) {
      if (at === node) throw fault('DITTO_USAGE', 'A directory cannot be moved into itself.')
      if (at === this.#root) break
    }
    const replaced = target.children.get(name)
    if (replaced?.node === node) return
    if (replaced !== undefined) {
      if (replaced.node.kind === 'directory' && node.kind !== 'directory') throw isDirectory()
      if (replaced.node.kind !== 'directory' && node.kind === 'directory') throw notDirectory()
      if (replaced.node.children.size > 0) throw fault('DITTO_NOT_EMPTY', 'The directory to be replaced is not empty.')
    }
    parsePath([...this.#path(target), name].join('/'))
    node.parent.children.delete(node.name)
    this.#attributesChanged(node.parent, true)
    if (replaced !== undefined) this.#forget(replaced.node)
    this.#link(target, name, node, replaced?.cookie)
    node.ctimeNs = this.#nowNs()
  }

  async copyFile(handle: VolumeHandle, directory: VolumeHandle, name: string): Promise<VolumeEntry> {
    this.#checkWritable()
    const source = this.#file(handle)
    source.committed = new MemoryFileContent(source.content)
    const entry = this.#make(directory, name, () => this.#makeNode('file', source.mode))
    const [content, committed] = [new MemoryFileContent(source.content), new MemoryFileContent(source.content)]
    return entryOf(Object.assign(this.#node(entry.handle), { content, committed }))
  }

  async statistics(): Promise<VolumeStatistics> {
    this.#check()
    const files = [...this.#nodes.values()].filter(({ kind }) => kind === 'file')
    const usedBytes = files.reduce((sum, { content }) => sum + content.size, 0)
    const freeBytes = Math.max(this.#maxBytes - this.#usedBytes(), 0)
    return { totalBytes: this.#maxBytes, freeBytes, usedBytes, files: files.length }
  }

  #make(directory: VolumeHandle, name: string, make: () => MemoryVolumeNode): VolumeEntry {
    this.#checkWritable()
    const parent = this.#directory(directory)
    if (parent.children.has(checkedName(name))) throw exists()
    const node = make()
    this.#link(parent, name, node)
    return entryOf(node)
  }

  #makeNode(kind: MemoryVolumeNode['kind'], mode: number, target?: string): MemoryVolumeNode {
    const number = this.#nextNumber++
    return memoryVolumeNode({ number, kind, mode, nowNs: this.#nowNs(), ...(target !== undefined && { target }) })
  }

  /** @param cookie - of what stood there before: a name keeps its own */
  #link(parent: MemoryVolumeNode, givenName: string, node: MemoryVolumeNode, cookie = this.#nextCookie++): void {
    const name = checkedName(givenName)
    parsePath([...this.#path(parent), name].join('/'))
    parent.children.set(name, { cookie, node })
    node.parent = parent
    node.name = name
    this.#nodes.set(node.handle, node)
    this.#attributesChanged(parent, true)
  }

  #unlink(node: MemoryVolumeNode): void {
    node.parent.children.delete(node.name)
    this.#attributesChanged(node.parent, true)
    this.#forget(node)
  }

  #forget(node: MemoryVolumeNode): void {
    this.#nodes.delete(node.handle)
    for (const child of node.children.values()) this.#forget(child.node)
  }

  #path(node: MemoryVolumeNode): string[] {
    return node === this.#root ? [] : [...this.#path(node.parent), node.name]
  }

  #attributesChanged(node: MemoryVolumeNode, isContent = false): void {
    const now = this.#nowNs()
    node.changes++
    if (isContent) {
      node.mtimeNs = now
      node.contentChanges = node.changes
    }
    node.ctimeNs = now
  }

  #checkRoom(bytes: number): void {
    if (this.#usedBytes() + bytes > this.#maxBytes) throw fault('DITTO_NO_SPACE', 'The memory volume is full.')
  }

  #usedBytes(): number {
    let bytes = 0
    for (const node of this.#nodes.values()) bytes += node.content.storedBytes
    return bytes
  }

  #nowNs(): bigint {
    return BigInt(Math.round(this.#clock.now() * 1000)) * 1000n
  }

  #check(): void {
    if (this.#isClosed) throw fault('DITTO_CLOSED', 'The volume was closed.')
  }

  #checkWritable(): void {
    this.#check()
    if (this.isReadOnly) throw fault('DITTO_ROLE', 'This device may only read the space.')
  }

  #node(handle: VolumeHandle): MemoryVolumeNode {
    this.#check()
    const node = handle === this.root ? this.#root : this.#nodes.get(handle)
    if (node === undefined) throw fault('DITTO_HANDLE_STALE', 'What the handle named is no longer there.')
    return node
  }

  #directory(handle: VolumeHandle): MemoryVolumeNode {
    const node = this.#node(handle)
    if (node.kind !== 'directory') throw notDirectory()
    return node
  }

  #file(handle: VolumeHandle): MemoryVolumeNode {
    const node = this.#node(handle)
    if (node.kind === 'directory') throw isDirectory()
    if (node.kind === 'symlink') throw fault('DITTO_UNSUPPORTED', 'A symbolic link has no content.')
    return node
  }

  #child(directory: MemoryVolumeNode, name: string): MemoryVolumeNode {
    const found = directory.children.get(checkedName(name))
    if (found === undefined) throw fault('DITTO_NOT_FOUND', `There is no ${JSON.stringify(name)}.`)
    return found.node
  }
}
