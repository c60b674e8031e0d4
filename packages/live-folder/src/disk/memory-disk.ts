import type { DiskKind, DiskStamp } from '../disk-stamp.ts'

/** A thing on a disk in memory. Every change makes the bytes anew; they are never changed in place. */
interface Inode {
  readonly number: bigint
  readonly kind: DiskKind
  bytes: Uint8Array
  target: string
  readonly children: Map<string, Inode>
  mode: number
  mtimeNs: bigint
  ctimeNs: bigint
  readonly birthtimeNs: bigint
  /** How many names it has; without any its number is given to another. */
  links: number
  /** The bytes as they would be after a loss of power. */
  durableBytes: Uint8Array
}

export interface MemoryDiskInit {
  /** Nanoseconds since the Unix epoch; each change takes one more than the last where it stands still. */
  nowNs: () => bigint
  /** Whether two names that differ only in case are one. Default `false`. */
  foldsCase?: boolean
}

/** What a person or a program does to a disk in memory; each call is one moment. Paths are absolute, `/a/b`. */
export class MemoryDisk {
  readonly #init: MemoryDiskInit
  readonly #root: Inode
  #lastInode = 1n
  /** Numbers of what is gone: as on ext4, the lowest is given first. */
  readonly #freeInodes = new Set<bigint>()
  #lastNs = 0n
  readonly #listeners = new Set<(path: string) => void>()
  /** Bytes that may still be written; beyond them the disk is full. */
  freeBytes = Number.POSITIVE_INFINITY
  /** Directories in which nothing can be made, renamed or removed. */
  readonly readOnly = new Set<string>()

  constructor(init: MemoryDiskInit) {
    this.#init = init
    this.#root = this.#make('directory', 0o755)
  }

  /** Called with the path of each directory in which something changed, and of each file whose bytes or mode did. */
  onChange(listener: (path: string) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  stat(path: string): DiskStamp | undefined {
    const inode = this.#find(path)
    return inode === undefined ? undefined : stampOf(inode)
  }

  /** The names of a directory, in the order they were made; `undefined` where there is none. */
  names(path: string): readonly string[] | undefined {
    const inode = this.#find(path)
    return inode?.kind === 'directory' ? [...inode.children.keys()] : undefined
  }

  read(path: string): Uint8Array {
    return this.#existing(path, 'file').bytes
  }

  readLink(path: string): string {
    return this.#existing(path, 'symlink').target
  }

  /** Makes a file, or writes other bytes into the one that is there. */
  write(path: string, bytes: Uint8Array, mode = 0o644): void {
    const { parent, name } = this.#place(path)
    const inode = parent.children.get(name) ?? this.#add(path, this.#make('file', mode))
    if (inode.kind !== 'file') throw failure('EISDIR', path)
    this.#spend(bytes.length, path)
    inode.bytes = bytes
    this.#touch(inode, path)
  }

  /** Adds bytes at the end of a file and leaves its time as it was. */
  appendKeepingTime(path: string, bytes: Uint8Array): void {
    const inode = this.#existing(path, 'file')
    const { mtimeNs } = inode
    this.write(path, Buffer.concat([inode.bytes, bytes]))
    inode.mtimeNs = mtimeNs
  }

  makeDirectory(path: string, mode = 0o755): void {
    this.#add(path, this.#make('directory', mode))
  }

  makeSymlink(path: string, target: string): void {
    this.#add(path, this.#make('symlink', 0o777)).target = target
  }

  /** Makes a FIFO, a socket, a device. */
  makeSpecial(path: string): void {
    this.#add(path, this.#make('other', 0o644))
  }

  /** Gives a file another name beside the one it has. */
  hardLink(from: string, to: string): void {
    const inode = this.#find(from)
    if (inode === undefined) throw failure('ENOENT', from)
    this.#add(to, inode)
    inode.ctimeNs = this.#now()
  }

  /** As rename(2): a file, or an empty directory, that is at `to` goes. */
  rename(from: string, to: string): void {
    const source = this.#place(from)
    const target = this.#place(to)
    const inode = source.parent.children.get(source.name)
    if (inode === undefined) throw failure('ENOENT', from)
    const there = target.parent.children.get(target.name)
    if (there === inode && source.name === target.name) return
    if (this.#isBelow(target.parent, inode)) throw failure('EINVAL', to)
    if (there !== undefined && there !== inode) {
      if (inode.kind === 'directory' && there.kind !== 'directory') throw failure('ENOTDIR', to)
      if (inode.kind !== 'directory' && there.kind === 'directory') throw failure('EISDIR', to)
      if (there.children.size > 0) throw failure('ENOTEMPTY', to)
    }
    // As rename(2) does with two names of one file: nothing.
    if (there === inode) {
      if (target.parent !== source.parent || target.name !== source.name) return
    } else if (there !== undefined) this.#unlinked(there)
    source.parent.children.delete(source.name)
    target.parent.children.set(lastName(to), inode)
    if (target.name !== lastName(to)) target.parent.children.delete(target.name)
    inode.ctimeNs = this.#now()
    this.#changed(source.parent, parentOf(from))
    this.#changed(target.parent, parentOf(to))
  }

  /** Removes a file, a symlink or an empty directory. */
  remove(path: string): void {
    const { parent, name } = this.#place(path)
    const inode = parent.children.get(name)
    if (inode === undefined) throw failure('ENOENT', path)
    if (inode.children.size > 0) throw failure('ENOTEMPTY', path)
    parent.children.delete(name)
    this.#unlinked(inode)
    this.#changed(parent, parentOf(path))
  }

  /** Removes whatever is at a path, with all below. */
  removeAll(path: string): void {
    for (const name of this.names(path) ?? []) this.removeAll(`${path}/${name}`)
    this.remove(path)
  }

  setMode(path: string, mode: number): void {
    const inode = this.#find(path)
    if (inode === undefined) throw failure('ENOENT', path)
    inode.mode = mode
    inode.ctimeNs = this.#now()
    this.#tell(path)
  }

  setTime(path: string, mtimeNs: bigint): void {
    const inode = this.#find(path)
    if (inode === undefined) throw failure('ENOENT', path)
    inode.mtimeNs = mtimeNs
    inode.ctimeNs = this.#now()
    this.#tell(path)
  }

  /** Makes all bytes durable. Names and times are at once, in order, as a journal keeps them. */
  flush(): void {
    this.#each(this.#root, (inode) => {
      inode.durableBytes = inode.bytes
    })
  }

  /** Loses power: of each file whose bytes were not durable, `keeps` says whether they have arrived all the same. */
  crash(keeps: () => boolean): void {
    this.#each(this.#root, (inode) => {
      if (inode.kind === 'file' && inode.bytes !== inode.durableBytes && !keeps()) inode.bytes = inode.durableBytes
      inode.durableBytes = inode.bytes
    })
  }

  /** The name under which a directory has what is asked for by this name. */
  storedName(directory: string, name: string): string | undefined {
    const inode = this.#find(directory)
    return inode === undefined ? undefined : this.#nameIn(inode, name)
  }

  #each(inode: Inode, visit: (inode: Inode) => void): void {
    visit(inode)
    for (const child of inode.children.values()) this.#each(child, visit)
  }

  #make(kind: DiskKind, mode: number): Inode {
    const [freed] = [...this.#freeInodes].sort((a, b) => (a < b ? -1 : 1))
    if (freed === undefined) this.#lastInode += 1n
    else this.#freeInodes.delete(freed)
    const now = this.#now()
    const bytes = new Uint8Array()
    return {
      ...{ number: freed ?? this.#lastInode, kind, links: 0, bytes, target: '', children: new Map(), mode },
      ...{ mtimeNs: now, ctimeNs: now, birthtimeNs: now, durableBytes: bytes },
    }
  }

  #add(path: string, inode: Inode): Inode {
    const { parent, name } = this.#place(path)
    if (parent.children.has(name)) throw failure('EEXIST', path)
    parent.children.set(name, inode)
    inode.links += 1
    this.#changed(parent, parentOf(path))
    return inode
  }

  #unlinked(inode: Inode): void {
    inode.links -= 1
    inode.ctimeNs = this.#now()
    if (inode.links === 0) this.#freeInodes.add(inode.number)
  }

  #touch(inode: Inode, path: string): void {
    inode.mtimeNs = this.#now()
    inode.ctimeNs = inode.mtimeNs
    this.#tell(path)
  }

  #changed(directory: Inode, path: string): void {
    directory.mtimeNs = this.#now()
    directory.ctimeNs = directory.mtimeNs
    this.#tell(path)
  }

  #tell(path: string): void {
    for (const listener of this.#listeners) listener(path)
  }

  #spend(bytes: number, path: string): void {
    if (bytes > this.freeBytes) throw failure('ENOSPC', path)
    this.freeBytes -= bytes
  }

  #find(path: string): Inode | undefined {
    let inode: Inode | undefined = this.#root
    for (const name of partsOf(path)) {
      if (inode?.kind !== 'directory') return undefined
      inode = inode.children.get(this.#nameIn(inode, name) ?? name)
    }
    return inode
  }

  #existing(path: string, kind: DiskKind): Inode {
    const inode = this.#find(path)
    if (inode?.kind !== kind) throw failure('ENOENT', path)
    return inode
  }

  /** The directory something stands in, which must be there and writable, and the name it has or would have there. */
  #place(path: string): { readonly parent: Inode; readonly name: string } {
    const directory = parentOf(path)
    const parent = this.#find(directory)
    if (parent === undefined) throw failure('ENOENT', path)
    if (parent.kind !== 'directory') throw failure('ENOTDIR', path)
    if (this.readOnly.has(directory)) throw failure('EACCES', path)
    const name = lastName(path)
    return { parent, name: this.#nameIn(parent, name) ?? name }
  }

  #nameIn(directory: Inode, name: string): string | undefined {
    if (directory.children.has(name)) return name
    if (this.#init.foldsCase !== true) return undefined
    const folded = name.toLowerCase()
    return [...directory.children.keys()].find((other) => other.toLowerCase() === folded)
  }

  #isBelow(directory: Inode, above: Inode): boolean {
    let isBelow = false
    this.#each(above, (inode) => {
      isBelow ||= inode === directory
    })
    return isBelow
  }

  #now(): bigint {
    const now = this.#init.nowNs()
    this.#lastNs = now > this.#lastNs ? now : this.#lastNs + 1n
    return this.#lastNs
  }
}

function stampOf(inode: Inode): DiskStamp {
  const { kind, number, mode, mtimeNs, ctimeNs, birthtimeNs } = inode
  const size = kind === 'symlink' ? Buffer.byteLength(inode.target) : inode.bytes.length
  return { kind, dev: 1n, ino: number, size, mode, mtimeNs, ctimeNs, birthtimeNs }
}

function partsOf(path: string): string[] {
  return path.split('/').filter((part) => part !== '')
}

function parentOf(path: string): string {
  return `/${partsOf(path).slice(0, -1).join('/')}`
}

function lastName(path: string): string {
  return partsOf(path).at(-1) ?? ''
}

/** An error as Node's file system throws it. */
function failure(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code })
}
