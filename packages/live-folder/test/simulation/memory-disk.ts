import { DittoError, type ErrorCode } from '@dittofs/interface'
import type { DiskKind, DiskStamp } from '../../src/disk-stamp.ts'
import { foldName } from '../../src/plan/simulated-disk.ts'

/** An inode. Directories have children, by name. */
export interface Inode {
  readonly ino: bigint
  readonly kind: DiskKind
  readonly birthtimeNs: bigint
  mode: number
  mtimeNs: bigint
  ctimeNs: bigint
  text: string
  readonly children: Map<string, Inode>
}

export interface MemoryDiskInit {
  readonly nowNs: () => bigint
  /** Whether names that differ by case only are one. */
  readonly foldsCase?: boolean
  readonly dev?: bigint
}

/**
 * A disk in memory, with inodes, times and names like a real one. What a person does on it is durable at once; what a
 * program does is so after `flush`.
 */
export class MemoryDisk {
  readonly foldsCase: boolean
  readonly #nowNs: () => bigint
  readonly #dev: bigint
  root: Inode
  #durable: Inode
  #nextIno = 2n
  #listeners = new Set<(names: readonly string[]) => void>()

  constructor({ nowNs, foldsCase = false, dev = 1n }: MemoryDiskInit) {
    this.#dev = dev
    this.#nowNs = nowNs
    this.foldsCase = foldsCase
    this.root = this.#inode('directory', 0o755)
    this.#durable = copy(this.root)
  }

  /** Tells of every directory in which something changed. */
  onTouch(listener: (names: readonly string[]) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  flush(): void {
    this.#durable = copy(this.root)
  }

  /** What was not flushed is gone. */
  crash(): void {
    this.root = copy(this.#durable)
    this.#listeners.clear()
  }

  at(names: readonly string[]): Inode | undefined {
    let inode: Inode | undefined = this.root
    for (const name of names) {
      if (inode?.kind !== 'directory') return undefined
      const key = this.#nameIn(inode, name)
      inode = key === undefined ? undefined : inode.children.get(key)
    }
    return inode
  }

  stamp(inode: Inode): DiskStamp {
    const { kind, ino, mode, mtimeNs, ctimeNs, birthtimeNs, text } = inode
    const size = kind === 'directory' ? 4096 : Buffer.byteLength(text)
    return { kind, dev: this.#dev, ino, size, mode, mtimeNs, ctimeNs, birthtimeNs }
  }

  /** Writes in place, or makes a file. */
  write(names: readonly string[], text: string, mtimeNs = this.#nowNs()): void {
    const there = this.at(names)
    if (there?.kind === 'directory') throw failure('DITTO_PATH_INVALID')
    if (there?.kind === 'file') {
      there.text = text
      there.mtimeNs = mtimeNs
      there.ctimeNs = this.#nowNs()
      this.#tell(names.slice(0, -1))
      return
    }
    this.put(names, { kind: 'file', text, mode: 0o644, mtimeNs })
  }

  /** Puts a new inode under a name, in place of what was there. */
  put(
    names: readonly string[],
    { kind, text = '', mode, mtimeNs }: { kind: DiskKind; text?: string; mode: number; mtimeNs: bigint },
  ): Inode {
    const parent = this.#parent(names)
    const inode = this.#inode(kind, mode)
    inode.text = text
    inode.mtimeNs = mtimeNs
    const name = names.at(-1) as string
    parent.children.set(this.#nameIn(parent, name) ?? name, inode)
    this.#touch(parent, names.slice(0, -1))
    return inode
  }

  makeDirectory(names: readonly string[], mode = 0o755): Inode {
    if (this.at(names) !== undefined) throw failure('DITTO_EXISTS')
    return this.put(names, { kind: 'directory', mode, mtimeNs: this.#nowNs() })
  }

  setAttributes(names: readonly string[], { mode, mtimeNs }: { mode?: number; mtimeNs?: bigint }): void {
    const inode = this.at(names)
    if (inode === undefined) throw failure('DITTO_NOT_FOUND')
    if (mode !== undefined) inode.mode = mode
    if (mtimeNs !== undefined) inode.mtimeNs = mtimeNs
    inode.ctimeNs = this.#nowNs()
    this.#tell(names.slice(0, -1))
  }

  /** Replaces a file or symlink at the target, as rename(2) does. */
  rename(from: readonly string[], to: readonly string[]): void {
    const inode = this.at(from)
    const parent = this.#parent(to)
    if (inode === undefined) throw failure('DITTO_NOT_FOUND')
    for (let at = to.length; at >= from.length; at -= 1) {
      if (at < to.length && this.at(to.slice(0, at)) === inode) throw failure('DITTO_PATH_INVALID')
    }
    const old = this.#parent(from)
    old.children.delete(this.#nameIn(old, from.at(-1) as string) as string)
    const name = to.at(-1) as string
    const there = this.#nameIn(parent, name)
    if (there !== undefined) parent.children.delete(there)
    parent.children.set(name, inode)
    inode.ctimeNs = this.#nowNs()
    this.#touch(old, from.slice(0, -1))
    this.#touch(parent, to.slice(0, -1))
  }

  remove(names: readonly string[]): void {
    const parent = this.#parent(names)
    const name = this.#nameIn(parent, names.at(-1) as string)
    if (name === undefined) throw failure('DITTO_NOT_FOUND')
    parent.children.delete(name)
    this.#touch(parent, names.slice(0, -1))
  }

  *files(names: readonly string[] = []): Generator<{ readonly names: readonly string[]; readonly inode: Inode }> {
    const inode = this.at(names)
    if (inode === undefined) return
    for (const [name, child] of inode.children) {
      yield { names: [...names, name], inode: child }
      if (child.kind === 'directory') yield* this.files([...names, name])
    }
  }

  #inode(kind: DiskKind, mode: number): Inode {
    const nowNs = this.#nowNs()
    const ino = this.#nextIno
    this.#nextIno += 1n
    const times = { mtimeNs: nowNs, ctimeNs: nowNs, birthtimeNs: nowNs }
    return { ino, kind, mode, ...times, text: '', children: new Map() }
  }

  #parent(names: readonly string[]): Inode {
    const parent = this.at(names.slice(0, -1))
    if (parent?.kind !== 'directory') throw failure('DITTO_PATH_INVALID')
    return parent
  }

  #nameIn(directory: Inode, name: string): string | undefined {
    if (directory.children.has(name)) return name
    if (!this.foldsCase) return undefined
    return [...directory.children.keys()].find((other) => foldName(other) === foldName(name))
  }

  #touch(directory: Inode, names: readonly string[]): void {
    directory.mtimeNs = this.#nowNs()
    directory.ctimeNs = this.#nowNs()
    this.#tell(names)
  }

  #tell(names: readonly string[]): void {
    for (const listener of this.#listeners) listener(names)
  }
}

export function failure(code: ErrorCode): DittoError {
  return new DittoError(code, `The disk in memory says ${code}.`)
}

function copy(inode: Inode): Inode {
  const children = new Map([...inode.children].map(([name, child]) => [name, copy(child)]))
  return { ...inode, children }
}
