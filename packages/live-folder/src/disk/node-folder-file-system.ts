/**
 * A live folder's directory on the disks of this machine.
 *
 * What replaces a file is written beside it under a name of ours, then renamed over it. Between the last look and the
 * rename somebody may still write into the old file; so it first gets a second name (a hard link), is looked at once
 * more after the rename, and only then goes. Where it was changed it stays, under a name that people see.
 */
import { isUtf8 } from 'node:buffer'
import { constants } from 'node:fs'
import {
  link as hardLink,
  lutimes,
  mkdir,
  open,
  readlink,
  rename,
  rmdir,
  stat,
  symlink,
  unlink,
} from 'node:fs/promises'
import nodePath from 'node:path'
import { type AbortOptions, DittoError, isDittoError } from '@dittofs/interface'
import { type DiskStamp, isSameStamp } from '../disk-stamp.ts'
import type { DiskListing, FileSource, FolderFileSystem } from '../folder-file-system.ts'
import type { WatchDirectory } from '../watch/watch-directory.ts'
import { asSeen } from './as-seen.ts'
import { changedMeanwhile, existing, requireExpected } from './changed-meanwhile.ts'
import { makeDurable } from './disk-flush.ts'
import { fileTime } from './file-times.ts'
import { fillFile } from './fill-file.ts'
import { listPlace } from './list-place.ts'
import { openSafeDirectories } from './open-safe-directories.ts'
import { isSameName, requireUsableNames, shownPath } from './path-on-disk.ts'
import { readStamp, stampOf } from './read-stamp.ts'
import { rescue } from './rescue.ts'
import type { SafeDirectories } from './safe-directories.ts'
import { setAttributes } from './set-attributes.ts'
import { staysInside } from './symlink-target.ts'
import { fromSystemError, systemErrorName } from './system-error.ts'
import { isAsKept, isTemporaryName, keptName, temporaryName } from './temporary-names.ts'
import { taken, tryLink } from './try-link.ts'

/** Which symlinks are made: those that stay within the folder, or every one. */
export type SymlinkPolicy = 'inside' | 'all'

export interface NodeFolderFileSystemInit {
  /** Absolute; symlinks in this path are followed. */
  root: string
  symlinks: SymlinkPolicy
  watchDirectory: WatchDirectory
  /** Milliseconds since the Unix epoch. */
  now: () => number
}

const NOFOLLOW = constants.O_NOFOLLOW ?? 0
const NONBLOCK = constants.O_NONBLOCK ?? 0
/** A directory is ours alone until it has its own mode. */
const NEW_DIRECTORY_MODE = 0o700
const READ_BYTES = 1024 * 1024
const MAX_TARGET_BYTES = 4095
/** Files remembered until the next `flush`. */
const MAX_UNFLUSHED = 100_000
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** @throws DittoError DITTO_NOT_FOUND, DITTO_PERMISSION */
export async function openNodeFolderFileSystem(init: NodeFolderFileSystemInit): Promise<FolderFileSystem> {
  try {
    return new NodeFolderFileSystem(await openSafeDirectories(init.root), init)
  } catch (error) {
    throw fromSystemError(error, `open the live folder ${JSON.stringify(init.root)}`)
  }
}

class NodeFolderFileSystem implements FolderFileSystem {
  #directories: SafeDirectories
  #watching: (() => void) | undefined
  readonly #init: NodeFolderFileSystemInit
  /** Names of ours in use now; others like them were left by a crash. */
  readonly #ownNames = new Set<string>()
  #unflushed: string[] = []

  constructor(directories: SafeDirectories, init: NodeFolderFileSystemInit) {
    this.#directories = directories
    this.#init = init
  }

  async list(names: readonly string[], options: AbortOptions = {}): Promise<DiskListing | undefined> {
    options.signal?.throwIfAborted()
    try {
      return await this.#directories.within(names, (place) =>
        listPlace(place, (name, stamp) => this.#isLeftover(place, name, stamp), options),
      )
    } catch (error) {
      if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(systemErrorName(error) ?? '')) return undefined
      if (error instanceof DittoError && error.code === 'DITTO_PATH_INVALID') return undefined
      throw fromSystemError(error, `list ${shownPath(names)}`)
    }
  }

  async stat(names: readonly string[]): Promise<DiskStamp | undefined> {
    try {
      if (names.length === 0 && !(await this.#findRoot())) return undefined
      return await this.#within(names, (place) => readStamp(place))
    } catch (error) {
      if (['ENOENT', 'ENOTDIR'].includes(systemErrorName(error) ?? '')) return undefined
      if (error instanceof DittoError && error.code === 'DITTO_PATH_INVALID') return undefined
      throw fromSystemError(error, `look at ${shownPath(names)}`)
    }
  }

  readLink(names: readonly string[]): Promise<string> {
    return this.#guarded(names, 'read the symlink', async (place) => {
      const target = await readlink(place, { encoding: 'buffer' })
      if (target.length <= MAX_TARGET_BYTES && isUtf8(target)) return utf8.decode(target)
      throw new DittoError(
        'DITTO_UNSUPPORTED',
        `The target of the symlink ${shownPath(names)} is not valid UTF-8, or longer than ${MAX_TARGET_BYTES} bytes.`,
      )
    })
  }

  async *read(names: readonly string[], expected: DiskStamp, options: AbortOptions = {}): AsyncGenerator<Uint8Array> {
    options.signal?.throwIfAborted()
    const handle = await this.#guarded(names, 'read', (place) => open(place, constants.O_RDONLY | NOFOLLOW | NONBLOCK))
    try {
      requireExpected(names, stampOf(await handle.stat({ bigint: true })), expected)
      for (;;) {
        options.signal?.throwIfAborted()
        const buffer = Buffer.allocUnsafeSlow(READ_BYTES)
        const { bytesRead } = await handle.read(buffer, 0, READ_BYTES, null)
        if (bytesRead === 0) break
        yield buffer.subarray(0, bytesRead)
      }
      requireExpected(names, stampOf(await handle.stat({ bigint: true })), expected)
    } catch (error) {
      throw fromSystemError(error, `read ${shownPath(names)}`)
    } finally {
      await handle.close()
    }
  }

  makeDirectory(names: readonly string[]): Promise<DiskStamp> {
    return this.#guarded(names, 'make the directory', async (place) => {
      await mkdir(place, { mode: NEW_DIRECTORY_MODE })
      return existing(names, place)
    })
  }

  writeFile(names: readonly string[], source: FileSource, expected: DiskStamp | undefined): Promise<DiskStamp> {
    return this.#guarded(names, 'write the file', (place, parent) =>
      this.#withOwnName(temporaryName(), async (own) => {
        const temporary = `${parent}/${own}`
        const stamp = await removedOnFailure(temporary, async () => {
          await fillFile(temporary, source)
          return this.#putInPlace(names, { temporary, place, parent }, expected)
        })
        this.#wrote(names)
        return stamp
      }),
    )
  }

  async makeSymlink(
    names: readonly string[],
    link: { readonly target: string; readonly mtimeNs: bigint },
    expected: DiskStamp | undefined,
  ): Promise<DiskStamp | undefined> {
    const { target, mtimeNs } = link
    const isInside = this.#init.symlinks === 'all' || staysInside(target, names.length - 1)
    if (!isInside || target.includes('\0')) return undefined
    return this.#guarded(names, 'make the symlink', (place, parent) =>
      this.#withOwnName(temporaryName(), async (own) => {
        const temporary = `${parent}/${own}`
        return removedOnFailure(temporary, async () => {
          await symlink(target, temporary)
          await lutimes(temporary, new Date(), fileTime(mtimeNs))
          return this.#putInPlace(names, { temporary, place, parent }, expected)
        })
      }),
    )
  }

  setAttributes(
    names: readonly string[],
    attributes: { readonly mode?: number; readonly mtimeNs: bigint },
    expected: DiskStamp,
  ): Promise<DiskStamp> {
    return this.#guarded(names, 'set mode and time of', (place) => setAttributes(names, place, attributes, expected))
  }

  rename(from: readonly string[], to: readonly string[], expected: DiskStamp): Promise<DiskStamp> {
    return this.#guarded(from, 'rename', (source, parent) =>
      this.#guarded(to, 'rename to', async (target) => {
        requireExpected(from, await readStamp(source), expected)
        const there = await readStamp(target)
        const isSelf = isSameName(from, to) && there?.ino === expected.ino && there.dev === expected.dev
        if (there !== undefined && !isSelf) throw taken(to)
        // A link does not replace what came there since; a rename would. It cannot change only the case of a name.
        const isLinked = expected.kind === 'file' && !isSelf && (await tryLink(source, target, to))
        if (!isLinked) {
          await rename(source, target)
          return asSeen(expected, await existing(to, target))
        }
        const moved = await existing(to, target)
        await this.#dropOldName(from, { source, parent }, moved)
        // What got the link may have been saved after the last look: it is moved, but nobody has seen it.
        if (!isSameStamp(moved, expected, true)) throw changedMeanwhile(from)
        return asSeen(moved, await existing(to, target))
      }),
    )
  }

  remove(names: readonly string[], expected: DiskStamp): Promise<void> {
    return this.#guarded(names, 'remove', async (place, parent) => {
      requireExpected(names, await readStamp(place), expected)
      if (expected.kind === 'directory') return rmdir(place)
      await this.#withOwnName(keptName(expected), async (own) => {
        const kept = `${parent}/${own}`
        await rename(place, kept)
        await this.#dropKept(names, kept, parent, expected)
      })
    })
  }

  watch(onDirty: Parameters<FolderFileSystem['watch']>[0], options: { signal: AbortSignal }): Promise<void> {
    this.#watching = () => {
      if (options.signal.aborted) return
      onDirty('all')
      // Until it watches, or where it cannot, looking at everything now and then finds what is missed.
      this.#init.watchDirectory(this.#init.root, onDirty, options).catch(() => undefined)
    }
    return this.#init.watchDirectory(this.#init.root, onDirty, options)
  }

  async flush(): Promise<void> {
    const paths = this.#unflushed
    this.#unflushed = []
    if (paths.length > 0) await makeDurable(this.#init.root, paths)
  }

  async close(): Promise<void> {
    await this.#directories.close()
  }

  /**
   * The root is held open, and a directory that is held open goes on to be read where it is moved to. So where another
   * directory has come to its place, that one is opened instead.
   *
   * @returns whether there is a directory at the root's place
   */
  async #findRoot(): Promise<boolean> {
    const there = await stat(this.#init.root, { bigint: true }).catch((error: unknown) => {
      if (['ENOENT', 'ENOTDIR'].includes(systemErrorName(error) ?? '')) return undefined
      throw error
    })
    if (there?.isDirectory() !== true) return false
    const held = await this.#directories.within([], (place) => readStamp(`${place}/.`)).catch(() => undefined)
    if (held !== undefined && held.ino === there.ino && held.dev === there.dev) return true
    const before = this.#directories
    this.#directories = await openSafeDirectories(this.#init.root)
    await before.close()
    this.#watching?.()
    return true
  }

  /** What a crash left under a name of ours goes, unless somebody's change is in it. */
  async #isLeftover(place: string, name: string, stamp: DiskStamp): Promise<boolean> {
    if (this.#ownNames.has(name)) return false
    const isAsItWas = isAsKept(name, stamp)
    if (isAsItWas === undefined && !isTemporaryName(name)) return false
    if (isAsItWas === false) {
      await rescue(`${place}/${name}`, place, 'recovered file', this.#now()).catch(() => undefined)
    } else {
      await unlink(`${place}/${name}`).catch(() => undefined)
    }
    return true
  }

  /** Puts what was made into its place. */
  async #putInPlace(
    names: readonly string[],
    { temporary, place, parent }: { temporary: string; place: string; parent: string },
    expected: DiskStamp | undefined,
  ): Promise<DiskStamp> {
    const made = await existing(names, temporary)
    if (expected === undefined) {
      // Unlike a rename, a link does not replace what is there, so nothing needs to be looked at before it.
      if (await tryLink(temporary, place, names).catch((error: unknown) => refuseTaken(names, error))) {
        await unlink(temporary).catch(() => undefined)
      } else {
        requireExpected(names, await readStamp(place), undefined)
        await rename(temporary, place)
      }
      return asSeen(made, await existing(names, place))
    }
    requireExpected(names, await readStamp(place), expected)
    if (expected.kind !== 'file') {
      await rename(temporary, place)
      return asSeen(made, await existing(names, place))
    }
    return this.#withOwnName(keptName(expected), async (own) => {
      const kept = `${parent}/${own}`
      const isKept = await hardLink(place, kept).then(
        () => true,
        () => false,
      )
      await rename(temporary, place)
      if (isKept) await this.#dropKept(names, kept, parent, expected)
      return asSeen(made, await existing(names, place))
    })
  }

  /**
   * Takes the first name from a file that has got another. Removing it straight away would remove what was saved under it
   * since: so it is taken aside, looked at, and put back where it is another file.
   *
   * @param moved - what has the new name; while it has one, its inode number is nobody else's
   */
  async #dropOldName(
    from: readonly string[],
    { source, parent }: { source: string; parent: string },
    moved: DiskStamp,
  ): Promise<void> {
    await this.#withOwnName(keptName(moved), async (own) => {
      const kept = `${parent}/${own}`
      await rename(source, kept)
      const stamp = await readStamp(kept)
      const isMoved = stamp === undefined || (stamp.ino === moved.ino && stamp.dev === moved.dev)
      if (isMoved || (await tryLink(kept, source, from).catch(() => false))) await unlink(kept)
      else await rescue(kept, parent, from.at(-1) as string, this.#now())
    })
  }

  /** What was taken away goes, unless it was changed in the last moment: then it gets a name that people see. */
  async #dropKept(names: readonly string[], kept: string, parent: string, expected: DiskStamp): Promise<void> {
    const stamp = await readStamp(kept)
    if (stamp === undefined) return
    if (isSameStamp(stamp, expected, true)) {
      await unlink(kept)
      return
    }
    throw changedMeanwhile(names, await rescue(kept, parent, names.at(-1) as string, this.#now()))
  }

  #now(): Date {
    return new Date(this.#init.now())
  }

  #wrote(names: readonly string[]): void {
    if (this.#unflushed.length < MAX_UNFLUSHED) this.#unflushed.push(nodePath.join(this.#init.root, ...names))
  }

  async #withOwnName<Result>(name: string, work: (name: string) => Promise<Result>): Promise<Result> {
    this.#ownNames.add(name)
    try {
      return await work(name)
    } finally {
      this.#ownNames.delete(name)
    }
  }

  #within<Result>(names: readonly string[], work: (place: string, parent: string) => Promise<Result>): Promise<Result> {
    const name = names.at(-1)
    if (name === undefined) return this.#directories.within([], (place) => work(`${place}/.`, place))
    return this.#directories.within(names.slice(0, -1), (parent) => work(`${parent}/${name}`, parent))
  }

  async #guarded<Result>(
    names: readonly string[],
    action: string,
    work: (place: string, parent: string) => Promise<Result>,
  ): Promise<Result> {
    requireUsableNames(names, action)
    try {
      return await this.#within(names, work)
    } catch (error) {
      throw fromSystemError(error, `${action} ${shownPath(names)}`)
    }
  }
}

/** Leaves nothing at the temporary name when what was to be put into place was not; else nothing is there any more. */
async function removedOnFailure<Result>(temporary: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    await unlink(temporary).catch(() => undefined)
    throw error
  }
}

/** What came to a place where nothing was expected is a change. */
function refuseTaken(names: readonly string[], error: unknown): never {
  throw isDittoError(error, 'DITTO_EXISTS') ? changedMeanwhile(names) : error
}
