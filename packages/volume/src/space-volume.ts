import {
  type AbortOptions,
  type AttributeChange,
  type ContentSource,
  type CreateOptions,
  type CreateWithContentOptions,
  isDittoError,
  MAX_FILE_BYTES,
  MAX_TRANSFER_BYTES,
  type ReadDirectoryOptions,
  type ReadOptions,
  type ReplaceContentOptions,
  type TreeEntry,
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
import { AttributeChanges } from './attribute-changes.ts'
import { DirectoryReader } from './directory-reader.ts'
import { type FileEntry, FileReads } from './file-reads.ts'
import { findPlace } from './find-place.ts'
import { formatHandle } from './handle-codec.ts'
import { NodeDescriptions } from './node-descriptions.ts'
import { directoryOf, pathIn } from './tree-paths.ts'
import { checkedName, checkRange, fault, isDirectory, notDirectory, notFound, staleHandle } from './volume-faults.ts'
import type { VolumeInit } from './volume-init.ts'
import { type VolumeParts, volumeParts } from './volume-parts.ts'

/** How long a volume that closes waits for bytes from other devices: a device is to close within five seconds. */
const CLOSE_FETCH_MS = 3000

/** A space as a file system, over its metadata and the store of its chunks. See {@link Volume}. */
export class SpaceVolume implements Volume {
  readonly root: VolumeHandle
  readonly writeVerifier: Uint8Array
  readonly #init: VolumeInit
  readonly #parts: VolumeParts
  readonly #epoch: string
  readonly #stop = new AbortController()
  readonly #calls = new Set<Promise<unknown>>()
  readonly #unsubscribe: () => void
  readonly #attributeChanges: AttributeChanges
  readonly #descriptions: NodeDescriptions
  readonly #directories: DirectoryReader
  readonly #reads: FileReads
  #closing: Promise<void> | undefined

  constructor(init: VolumeInit) {
    this.#init = init
    this.writeVerifier = Uint8Array.from(init.randomBytes(8))
    this.#epoch = Buffer.from(this.writeVerifier).toString('hex')
    this.root = formatHandle({ node: init.metadata.root, version: undefined })
    this.#parts = volumeParts(init, this.#stop.signal, () => this.#assertWritable())
    this.#attributeChanges = new AttributeChanges(this.#parts, (handle) => this.#entry(handle))
    this.#descriptions = new NodeDescriptions(this.#parts, this.#epoch, () => this.#attributeChanges.ofRoot)
    const { listings, finder } = this.#parts
    const directory = (handle: VolumeHandle) => this.#directory(handle)
    this.#directories = new DirectoryReader({ listings, finder, descriptions: this.#descriptions, directory })
    this.#reads = new FileReads(this.#parts, this.#epoch, (handle) => this.#fileEntry(handle))
    this.#unsubscribe = init.metadata.onChange((change) => {
      this.#parts.times.take(change)
      const isRemoval = change.events === undefined || change.events.some(({ kind }) => kind === 'deletion')
      // What others deleted while it was written here lives again with the commit.
      if (change.isLocal && isRemoval) this.#parts.files.dropGone()
    })
  }

  get isReadOnly(): boolean {
    return this.#init.isReadOnly?.() ?? false
  }

  /** Commits what was written and ends. Idempotent. @throws DittoError where something could not be committed */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  /** Ends at once: what was not committed is lost, as after a crash. */
  async abort(): Promise<void> {
    this.#closing ??= Promise.resolve()
    this.#unsubscribe()
    this.#stop.abort(closed())
    await this.#parts.files.abort()
  }

  attributes(handle: VolumeHandle): Promise<VolumeAttributes> {
    return this.#run(async () => {
      await this.#parts.tree.settled(this.#entry(handle))
      return this.#descriptions.attributes(handle, this.#entry(handle))
    })
  }

  lookup(directory: VolumeHandle, name: string): Promise<VolumeEntry> {
    return this.#run(async () => {
      const at = this.#directory(directory)
      const entry = this.#init.metadata.lookup(pathIn(at, checkedName(name)))
      if (entry === undefined) throw notFound(name)
      return this.#descriptions.entry(entry)
    })
  }

  find(names: readonly string[]): Promise<VolumePlace | undefined> {
    return this.#run(() => findPlace(this.#init.metadata, this.#parts.finder, this.#descriptions, names))
  }

  parent(handle: VolumeHandle): Promise<VolumeEntry> {
    return this.#run(async () => {
      const entry = this.#init.metadata.lookup(directoryOf(this.#entry(handle).path))
      if (entry === undefined) throw staleHandle()
      return this.#descriptions.entry(entry)
    })
  }

  path(handle: VolumeHandle): Promise<readonly string[]> {
    return this.#run(async () => {
      const { path } = this.#entry(handle)
      return path === '' ? [] : path.split('/')
    })
  }

  readDirectory(
    directory: VolumeHandle,
    options: ReadDirectoryOptions,
  ): Promise<{ entries: readonly VolumeDirent[]; isEnd: boolean }> {
    return this.#run(() => this.#directories.entries(directory, options))
  }

  readNames(
    directory: VolumeHandle,
    options: ReadDirectoryOptions,
  ): Promise<{ entries: readonly VolumeName[]; isEnd: boolean }> {
    return this.#run(() => this.#directories.names(directory, options))
  }

  readLink(handle: VolumeHandle): Promise<string> {
    return this.#run(async () => {
      const { symlink } = this.#entry(handle)
      if (symlink === undefined) throw fault('DITTO_UNSUPPORTED', 'This is no symbolic link.')
      return symlink.target
    })
  }

  async read(handle: VolumeHandle, options: ReadOptions): Promise<VolumeRead> {
    const { pieces, isEnd, changeTag } = await this.readPieces(handle, options)
    return { bytes: joined(pieces), isEnd, changeTag }
  }

  readPieces(handle: VolumeHandle, options: ReadOptions): Promise<VolumePieces> {
    return this.#run(async () => {
      options.signal?.throwIfAborted()
      const key = this.#fileKey(handle)
      checkRange(options.offset, 0, MAX_FILE_BYTES, 'The offset of a read')
      checkRange(options.length, 1, MAX_TRANSFER_BYTES, 'The number of bytes of a read')
      return this.#reads.read(key, options)
    })
  }

  write(handle: VolumeHandle, bytes: Uint8Array, options: WriteOptions): Promise<VolumeAttributes> {
    return this.#change(async () => {
      options.signal?.throwIfAborted()
      const key = this.#fileKey(handle)
      checkRange(bytes.length, 0, MAX_TRANSFER_BYTES, 'The number of bytes of a write')
      checkRange(options.offset, 0, MAX_FILE_BYTES - bytes.length, 'The offset of a write')
      const writing = this.#parts.turns.alone(key, async () => {
        options.signal?.throwIfAborted()
        await this.#write(key, options.offset, bytes)
        return this.#descriptions.attributes(handle, this.#entry(handle))
      })
      if (!options.isStable) return writing
      const committing = this.#commit(key)
      await Promise.all([writing, committing])
      return this.#descriptions.attributes(handle, this.#entry(handle))
    })
  }

  commit(handle: VolumeHandle, options: AbortOptions = {}): Promise<VolumeAttributes> {
    return this.#run(async () => {
      options.signal?.throwIfAborted()
      await this.#commit(this.#fileKey(handle))
      return this.#descriptions.attributes(handle, this.#entry(handle))
    })
  }

  replaceContent(
    handle: VolumeHandle,
    source: ContentSource,
    options: ReplaceContentOptions = {},
  ): Promise<VolumeAttributes> {
    return this.#change(async () => {
      options.signal?.throwIfAborted()
      const key = this.#fileKey(handle)
      return this.#parts.turns.alone(key, async () => {
        await this.#parts.contents.replace(key, this.#fileEntry(key), source, options)
        return this.#descriptions.attributes(handle, this.#entry(handle))
      })
    })
  }

  setAttributes(handle: VolumeHandle, change: AttributeChange): Promise<VolumeAttributes> {
    return this.#change(async () => {
      const { size } = change
      const key = size === undefined ? this.#key(handle) : this.#fileKey(handle)
      if (size !== undefined) checkRange(size, 0, MAX_FILE_BYTES, 'The size of a file')
      return this.#parts.turns.alone(key, async () => {
        await this.#attributeChanges.apply(key, change)
        return this.#descriptions.attributes(handle, this.#entry(handle))
      })
    })
  }

  create(directory: VolumeHandle, name: string, options: CreateOptions): Promise<VolumeEntry> {
    return this.#change(async () => this.#descriptions.entry(await this.#parts.tree.create(directory, name, options)))
  }

  createWithContent(
    directory: VolumeHandle,
    name: string,
    source: ContentSource,
    options: CreateWithContentOptions,
  ): Promise<VolumeEntry> {
    const { contents } = this.#parts
    return this.#change(async () => this.#descriptions.entry(await contents.create(directory, name, source, options)))
  }

  makeDirectory(directory: VolumeHandle, name: string, mode: number): Promise<VolumeEntry> {
    const content = () =>
      ({ kind: 'directory', directory: { mode: mode & 0o777, mtimeNs: this.#parts.nowNs() } }) as const
    return this.#change(async () => this.#descriptions.entry(await this.#parts.tree.make(directory, name, content)))
  }

  makeSymlink(directory: VolumeHandle, name: string, target: string): Promise<VolumeEntry> {
    return this.#change(async () =>
      this.#descriptions.entry(await this.#parts.tree.makeSymlink(directory, name, target)),
    )
  }

  removeFile(directory: VolumeHandle, name: string): Promise<void> {
    return this.#change(() => this.#parts.tree.removeFile(directory, name))
  }

  removeDirectory(directory: VolumeHandle, name: string): Promise<void> {
    return this.#change(() => this.#parts.tree.removeDirectory(directory, name))
  }

  removeTree(directory: VolumeHandle, name: string): Promise<void> {
    return this.#change(() => this.#parts.tree.removeTree(directory, name))
  }

  rename(from: VolumeHandle, fromName: string, to: VolumeHandle, toName: string): Promise<void> {
    return this.#change(async () => {
      const { tree, finder } = this.#parts
      const entry = this.#init.metadata.lookup(pathIn(this.#directory(from), checkedName(fromName)))
      // Moved, a conflict copy becomes a file of its own, which what was written to it could not follow.
      if (entry?.conflictOf !== undefined) await this.#commit(finder.handleOf(entry))
      await tree.rename(from, fromName, to, toName)
    })
  }

  copyFile(handle: VolumeHandle, directory: VolumeHandle, name: string): Promise<VolumeEntry> {
    return this.#change(async () => {
      const key = this.#fileKey(handle)
      await this.#commit(key)
      const { tree, nowNs } = this.#parts
      const content = () => ({ kind: 'file', file: { ...this.#fileEntry(key).file, mtimeNs: nowNs() } }) as const
      return this.#descriptions.entry(await tree.make(directory, name, content))
    })
  }

  statistics(): Promise<VolumeStatistics> {
    return this.#run(async () => {
      const { totalBytes, freeBytes } = await this.#init.diskSpace()
      const { files, bytes } = this.#init.metadata.counts()
      return { totalBytes, freeBytes, files, usedBytes: bytes + this.#parts.files.addedBytes }
    })
  }

  async #write(key: VolumeHandle, offset: number, bytes: Uint8Array): Promise<void> {
    const { files, nowNs } = this.#parts
    if (bytes.length === 0) return
    const open = files.open(key, this.#fileEntry(key))
    await open.buffer.write(offset, bytes)
    open.mtimeNs = nowNs()
    files.changed(open, open.mtimeNs, true)
  }

  #commit(key: VolumeHandle): Promise<void> {
    const { files, turns, committer } = this.#parts
    return turns.share(key, async () => {
      const open = files.get(key)
      if (open !== undefined) await committer.commit(open)
    })
  }

  /** What a handle names; for a file that others deleted while it was written here, what it was. */
  #entry(handle: VolumeHandle): TreeEntry {
    const { finder, files } = this.#parts
    const entry = finder.find(handle) ?? files.get(handle)?.entry
    if (entry === undefined) throw staleHandle()
    return entry
  }

  #directory(handle: VolumeHandle): TreeEntry {
    const entry = this.#entry(handle)
    if (entry.kind !== 'directory') throw notDirectory()
    return entry
  }

  #fileEntry(handle: VolumeHandle): FileEntry {
    const entry = this.#entry(handle)
    if (entry.kind === 'directory') throw isDirectory()
    if (entry.file === undefined) throw fault('DITTO_UNSUPPORTED', 'A symbolic link has no content.')
    return entry as FileEntry
  }

  /** One handle for all that name the same: by it calls take turns. */
  #key(handle: VolumeHandle): VolumeHandle {
    const entry = this.#parts.finder.find(handle)
    if (entry !== undefined) return this.#parts.finder.handleOf(entry)
    this.#entry(handle)
    return handle
  }

  #fileKey(handle: VolumeHandle): VolumeHandle {
    this.#fileEntry(handle)
    return this.#key(handle)
  }

  #change<T>(work: () => Promise<T>): Promise<T> {
    return this.#run(async () => {
      this.#assertWritable()
      return work()
    })
  }

  #assertWritable(): void {
    if (this.isReadOnly) throw fault('DITTO_ROLE', 'This device may only read the space.')
  }

  async #run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closing !== undefined) throw closed()
    const running = work()
    this.#calls.add(running)
    try {
      return await running
    } catch (error) {
      // The stores below end with the device, perhaps in the middle of a call.
      if (this.#closing !== undefined && isDittoError(error, 'DITTO_CLOSED')) throw closed()
      throw error
    } finally {
      this.#calls.delete(running)
    }
  }

  async #close(): Promise<void> {
    const over = new AbortController()
    const late = this.#init.clock
      .sleep(CLOSE_FETCH_MS, { signal: over.signal })
      .then(() => this.#stop.abort(closed()))
      .catch(() => undefined)
    try {
      await Promise.allSettled(this.#calls)
      await this.#parts.files.close()
    } finally {
      this.#unsubscribe()
      over.abort()
      await late
      this.#stop.abort(closed())
    }
  }
}

function closed() {
  return fault('DITTO_CLOSED', 'The volume was closed.')
}

/** Pieces as one, owned by whoever gets it. */
function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const piece of pieces) {
    bytes.set(piece, at)
    at += piece.length
  }
  return bytes
}
