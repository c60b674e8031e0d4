import type { AbortOptions } from '@dittofs/interface'
import { DittoError } from '@dittofs/interface'
import { type DiskStamp, isSameStamp } from '../disk-stamp.ts'
import type { DirtyDirectories, DiskListing, FileSource, FolderFileSystem } from '../folder-file-system.ts'
import { changedMeanwhile, requireExpected, rescuedName } from './changed-meanwhile.ts'
import type { MemoryDisk } from './memory-disk.ts'
import { isSameName, requireUsableNames } from './path-on-disk.ts'
import { staysInside } from './symlink-target.ts'
import { fromSystemError } from './system-error.ts'

export interface MemoryFolderFileSystemInit {
  disk: MemoryDisk
  /** The folder's root on the disk, absolute. */
  root: string
  /** Awaited before each step of each call, so that a person may act between any two. */
  pause?: () => Promise<void>
  /** Milliseconds since the Unix epoch. */
  now: () => number
  /** Tells listeners after a while; at once where absent. */
  delay?: (tell: () => void) => void
  /** Whether the watcher loses what it should tell now, and knows nothing of it. */
  losesEvents?: () => boolean
  /** Whether the kernel's queue overflows now: the watcher then knows only that something changed. */
  overflows?: () => boolean
}

const PERMISSIONS = 0o777

/** A live folder's directory on a disk in memory, for tests and simulations. */
export class MemoryFolderFileSystem implements FolderFileSystem {
  readonly #init: MemoryFolderFileSystemInit
  #temporary = 0

  constructor(init: MemoryFolderFileSystemInit) {
    this.#init = init
  }

  async list(names: readonly string[], options: AbortOptions = {}): Promise<DiskListing | undefined> {
    await this.#pause()
    options.signal?.throwIfAborted()
    const { disk } = this.#init
    const found = disk.names(this.#path(names))
    if (found === undefined) return undefined
    return {
      names: found.flatMap((name) => {
        const stamp = disk.stat(this.#path([...names, name]))
        return stamp === undefined ? [] : [{ name, stamp }]
      }),
      unusable: [],
    }
  }

  async stat(names: readonly string[]): Promise<DiskStamp | undefined> {
    await this.#pause()
    return this.#stat(names)
  }

  async readLink(names: readonly string[]): Promise<string> {
    await this.#pause()
    return this.#do(names, 'read the symlink', () => this.#init.disk.readLink(this.#path(names)))
  }

  async *read(names: readonly string[], expected: DiskStamp, options: AbortOptions = {}): AsyncGenerator<Uint8Array> {
    await this.#pause()
    options.signal?.throwIfAborted()
    requireExpected(names, this.#stat(names), expected)
    const bytes = this.#init.disk.read(this.#path(names))
    const half = Math.ceil(bytes.length / 2)
    yield bytes.subarray(0, half)
    await this.#pause()
    if (half < bytes.length) yield bytes.subarray(half)
    requireExpected(names, this.#stat(names), expected)
  }

  async makeDirectory(names: readonly string[]): Promise<DiskStamp> {
    await this.#pause()
    return this.#do(names, 'make the directory', () => {
      this.#init.disk.makeDirectory(this.#path(names), 0o700)
      return this.#existing(names)
    })
  }

  async writeFile(names: readonly string[], source: FileSource, expected: DiskStamp | undefined): Promise<DiskStamp> {
    this.#requireUsable(names, 'write the file')
    const temporary = this.#temporaryName(names)
    const parts: Uint8Array[] = []
    for await (const part of source.content()) parts.push(part)
    await this.#pause()
    this.#do(names, 'write the file', () => {
      this.#init.disk.write(this.#path(temporary), Buffer.concat(parts), source.mode & PERMISSIONS)
      this.#init.disk.setTime(this.#path(temporary), source.mtimeNs)
    })
    return this.#replace(temporary, names, expected)
  }

  async makeSymlink(
    names: readonly string[],
    link: { readonly target: string; readonly mtimeNs: bigint },
    expected: DiskStamp | undefined,
  ): Promise<DiskStamp | undefined> {
    if (!staysInside(link.target, names.length - 1) || link.target.includes('\0')) return undefined
    this.#requireUsable(names, 'make the symlink')
    const temporary = this.#temporaryName(names)
    await this.#pause()
    this.#do(names, 'make the symlink', () => {
      this.#init.disk.makeSymlink(this.#path(temporary), link.target)
      this.#init.disk.setTime(this.#path(temporary), link.mtimeNs)
    })
    return this.#replace(temporary, names, expected)
  }

  async setAttributes(
    names: readonly string[],
    attributes: { readonly mode?: number; readonly mtimeNs: bigint },
    expected: DiskStamp,
  ): Promise<DiskStamp> {
    await this.#pause()
    return this.#do(names, 'set mode and time', () => {
      requireExpected(names, this.#stat(names), expected)
      const { disk } = this.#init
      const isLink = expected.kind === 'symlink'
      if (attributes.mode !== undefined && !isLink) disk.setMode(this.#path(names), attributes.mode & PERMISSIONS)
      disk.setTime(this.#path(names), attributes.mtimeNs)
      return this.#existing(names)
    })
  }

  async rename(from: readonly string[], to: readonly string[], expected: DiskStamp): Promise<DiskStamp> {
    await this.#pause()
    this.#requireUsable(to, 'rename to')
    return this.#do(from, 'rename', () => {
      requireExpected(from, this.#stat(from), expected)
      const there = this.#stat(to)
      // A name that only changes its case is the same thing on a disk that folds it.
      if (there !== undefined && !(isSameName(from, to) && there.ino === expected.ino)) {
        throw new DittoError('DITTO_EXISTS', `Something is at ${JSON.stringify(to.join('/'))} already.`)
      }
      this.#init.disk.rename(this.#path(from), this.#path(to))
      return this.#existing(to)
    })
  }

  async remove(names: readonly string[], expected: DiskStamp): Promise<void> {
    await this.#pause()
    this.#do(names, 'remove', () => {
      requireExpected(names, this.#stat(names), expected)
      this.#init.disk.remove(this.#path(names))
    })
  }

  async watch(onDirty: (dirty: DirtyDirectories) => void, options: { signal: AbortSignal }): Promise<void> {
    const { disk, root, delay = (tell) => tell(), losesEvents, overflows } = this.#init
    const stop = disk.onChange((path) => {
      if (losesEvents?.() === true) return
      const names = namesBelow(root, path)
      if (names === undefined) return
      const isDirectory = disk.stat(path)?.kind === 'directory'
      const dirty = isDirectory ? names : names.slice(0, -1)
      const told: DirtyDirectories = overflows?.() === true ? 'all' : [dirty]
      delay(() => {
        if (!options.signal.aborted) onDirty(told)
      })
    })
    options.signal.addEventListener('abort', stop, { once: true })
  }

  async flush(): Promise<void> {
    await this.#pause()
    this.#init.disk.flush()
  }

  async close(): Promise<void> {}

  /** Puts what was made under a temporary name into its place; what is taken away is looked at once more. */
  async #replace(
    temporary: readonly string[],
    names: readonly string[],
    expected: DiskStamp | undefined,
  ): Promise<DiskStamp> {
    const { disk, now } = this.#init
    await this.#pause()
    try {
      requireExpected(names, this.#stat(names), expected)
      if (expected?.kind === 'file') {
        const kept = this.#temporaryName(names)
        disk.hardLink(this.#path(names), this.#path(kept))
        await this.#pause()
        disk.rename(this.#path(temporary), this.#path(names))
        const taken = this.#stat(kept)
        if (taken !== undefined && isSameStamp(taken, expected, true)) disk.remove(this.#path(kept))
        else {
          const parent = names.slice(0, -1)
          const freeName = (number: number): string => {
            const name = rescuedName(names.at(-1) as string, new Date(now()), number)
            return this.#stat([...parent, name]) === undefined ? name : freeName(number + 1)
          }
          const rescued = freeName(0)
          disk.rename(this.#path(kept), this.#path([...names.slice(0, -1), rescued]))
          throw changedMeanwhile(names, rescued)
        }
      } else {
        disk.rename(this.#path(temporary), this.#path(names))
      }
      return this.#existing(names)
    } catch (error) {
      if (this.#stat(temporary) !== undefined) disk.remove(this.#path(temporary))
      throw fromSystemError(error, `write ${JSON.stringify(names.join('/'))}`)
    }
  }

  #requireUsable(names: readonly string[], action: string): void {
    requireUsableNames(names, action)
    for (let depth = 1; depth < names.length; depth++) {
      const parent = names.slice(0, depth)
      const kind = this.#stat(parent)?.kind
      if (kind === undefined || kind === 'directory') continue
      const shown = JSON.stringify(parent.join('/'))
      throw new DittoError('DITTO_PATH_INVALID', `Nothing is done below ${shown}: it is a symlink or a file.`)
    }
  }

  #do<Result>(names: readonly string[], action: string, work: () => Result): Result {
    this.#requireUsable(names, action)
    try {
      return work()
    } catch (error) {
      throw fromSystemError(error, `${action} ${JSON.stringify(names.join('/'))}`)
    }
  }

  #stat(names: readonly string[]): DiskStamp | undefined {
    return this.#init.disk.stat(this.#path(names))
  }

  #existing(names: readonly string[]): DiskStamp {
    const stamp = this.#stat(names)
    if (stamp === undefined) throw changedMeanwhile(names)
    return stamp
  }

  #temporaryName(names: readonly string[]): readonly string[] {
    this.#temporary += 1
    return [...names.slice(0, -1), `.dittofs-${this.#temporary}.tmp`]
  }

  #path(names: readonly string[]): string {
    return [this.#init.root, ...names].join('/')
  }

  async #pause(): Promise<void> {
    await this.#init.pause?.()
  }
}

/** The names from a directory down to a path in it; `undefined` for a path elsewhere. */
function namesBelow(root: string, path: string): readonly string[] | undefined {
  if (path !== root && !path.startsWith(`${root}/`)) return undefined
  return path
    .slice(root.length)
    .split('/')
    .filter((name) => name !== '')
}
