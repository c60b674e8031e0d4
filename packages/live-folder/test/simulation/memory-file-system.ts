import type { DiskStamp } from '../../src/disk-stamp.ts'
import { isSameStamp } from '../../src/disk-stamp.ts'
import type { DirtyDirectories, DiskListing, FileSource, FolderFileSystem } from '../../src/folder-file-system.ts'
import { failure, type MemoryDisk } from './memory-disk.ts'

/** What may come between two calls: a person, a fault, the end of the machine. */
export type DiskHook = (call: keyof FolderFileSystem, names: readonly string[]) => void | Promise<void>

/** A live folder's view of a disk in memory. Times are kept to the microsecond, as Node.js can set them. */
export class MemoryFileSystem implements FolderFileSystem {
  readonly #disk: MemoryDisk
  readonly #hook: DiskHook
  readonly #calls = new Map<string, number>()

  constructor(disk: MemoryDisk, hook: DiskHook = () => undefined) {
    this.#disk = disk
    this.#hook = hook
  }

  /** How often a method was called. */
  calls(method: keyof FolderFileSystem): number {
    return this.#calls.get(method) ?? 0
  }

  async list(names: readonly string[]): Promise<DiskListing | undefined> {
    await this.#before('list', names)
    const directory = this.#disk.at(names)
    if (directory?.kind !== 'directory') return undefined
    const listed = [...directory.children].map(([name, inode]) => ({ name, stamp: this.#disk.stamp(inode) }))
    return { names: listed.filter(({ name }) => !name.startsWith('.dittofs')), unusable: [] }
  }

  async stat(names: readonly string[]): Promise<DiskStamp | undefined> {
    await this.#before('stat', names)
    const inode = this.#disk.at(names)
    return inode === undefined ? undefined : this.#disk.stamp(inode)
  }

  async readLink(names: readonly string[]): Promise<string> {
    await this.#before('readLink', names)
    const inode = this.#disk.at(names)
    if (inode?.kind !== 'symlink') throw failure('DITTO_FILE_CHANGED')
    return inode.text
  }

  async *read(names: readonly string[], expected: DiskStamp): AsyncGenerator<Uint8Array> {
    await this.#before('read', names)
    this.#expect(names, expected)
    const text = this.#disk.at(names)?.text ?? ''
    await this.#before('read', names)
    this.#expect(names, expected)
    yield Buffer.from(text)
  }

  async makeDirectory(names: readonly string[]): Promise<DiskStamp> {
    await this.#before('makeDirectory', names)
    return this.#disk.stamp(this.#disk.makeDirectory(names))
  }

  async writeFile(names: readonly string[], source: FileSource, expected: DiskStamp | undefined): Promise<DiskStamp> {
    await this.#before('writeFile', names)
    let text = ''
    for await (const bytes of source.content()) text += Buffer.from(bytes).toString()
    await this.#before('writeFile', names)
    this.#expect(names, expected)
    const { mode, mtimeNs } = source
    const inode = this.#disk.put(names, { kind: 'file', text, mode, mtimeNs: rounded(mtimeNs) })
    return this.#disk.stamp(inode)
  }

  async makeSymlink(
    names: readonly string[],
    link: { readonly target: string; readonly mtimeNs: bigint },
    expected: DiskStamp | undefined,
  ): Promise<DiskStamp | undefined> {
    await this.#before('makeSymlink', names)
    this.#expect(names, expected)
    const mtimeNs = rounded(link.mtimeNs)
    return this.#disk.stamp(this.#disk.put(names, { kind: 'symlink', text: link.target, mode: 0o777, mtimeNs }))
  }

  async setAttributes(
    names: readonly string[],
    { mode, mtimeNs }: { readonly mode?: number; readonly mtimeNs: bigint },
    expected: DiskStamp,
  ): Promise<DiskStamp> {
    await this.#before('setAttributes', names)
    const inode = this.#expect(names, expected)
    this.#disk.setAttributes(names, { mtimeNs: rounded(mtimeNs), ...(mode === undefined ? {} : { mode }) })
    return this.#disk.stamp(inode as NonNullable<typeof inode>)
  }

  async rename(from: readonly string[], to: readonly string[], expected: DiskStamp): Promise<DiskStamp> {
    await this.#before('rename', from)
    const inode = this.#expect(from, expected)
    const there = this.#disk.at(to)
    if (there !== undefined && there !== inode) throw failure('DITTO_EXISTS')
    this.#disk.rename(from, to)
    return this.#disk.stamp(inode as NonNullable<typeof inode>)
  }

  async remove(names: readonly string[], expected: DiskStamp): Promise<void> {
    await this.#before('remove', names)
    const inode = this.#expect(names, expected)
    if (inode !== undefined && inode.children.size > 0) throw failure('DITTO_EXISTS')
    this.#disk.remove(names)
  }

  async watch(onDirty: (dirty: DirtyDirectories) => void, { signal }: { signal: AbortSignal }): Promise<void> {
    const stop = this.#disk.onTouch((names) => onDirty([names]))
    signal.addEventListener('abort', stop, { once: true })
  }

  async flush(): Promise<void> {
    await this.#before('flush', [])
    this.#disk.flush()
  }

  async close(): Promise<void> {
    this.#calls.clear()
  }

  async #before(call: keyof FolderFileSystem, names: readonly string[]): Promise<void> {
    this.#calls.set(call, this.calls(call) + 1)
    await this.#hook(call, names)
  }

  #expect(names: readonly string[], expected: DiskStamp | undefined) {
    const inode = this.#disk.at(names)
    if (expected === undefined) {
      if (inode !== undefined) throw failure('DITTO_FILE_CHANGED')
      if (this.#disk.at(names.slice(0, -1))?.kind !== 'directory') throw failure('DITTO_PATH_INVALID')
      return undefined
    }
    if (inode === undefined || !isSameStamp(expected, this.#disk.stamp(inode))) throw failure('DITTO_FILE_CHANGED')
    return inode
  }
}

function rounded(timeNs: bigint): bigint {
  return (timeNs / 1000n) * 1000n
}
