import { randomBytes } from 'node:crypto'
import { constants, type Stats } from 'node:fs'
import { lstat, lutimes, mkdir, open, readlink, rename, symlink, unlink } from 'node:fs/promises'
import { DittoError, type Durability, nameFault } from '@dittofs/interface'
import {
  fileTime,
  fromSystemError,
  openSafeDirectories,
  platformNameFault,
  type SafeDirectories,
  staysInside,
  systemErrorName,
} from '@dittofs/live-folder'
import type { SymlinkPolicy } from '../config/config-schema.ts'
import { sameContent } from './same-content.ts'

/** A directory is ours alone while it is filled. */
const FILLING_MODE = 0o700
/** Permission bits: never setuid, setgid or sticky, whatever a peer says. */
const PERMISSIONS = 0o777

export interface Attributes {
  readonly mode: number
  readonly mtimeNs: bigint
}

export interface TreeWriterInit {
  /** An existing directory, by absolute path; symlinks in this path are followed. */
  root: string
  symlinks: SymlinkPolicy
  durability: Durability
  /** Whether a file or symlink that differs is replaced; without it that is DITTO_EXISTS. */
  canReplace: boolean
  /** A name in the root that the user chose: any that the file system takes. Others come from a space. */
  chosenName?: string
}

/** `same`: what is there already has this content and was left alone. */
export type WriteOutcome = 'written' | 'same'

/**
 * Writes files, directories and symlinks of a space below one directory of the user's, never outside it. Each file is
 * written under a temporary name and then renamed, so that it is there whole or not at all.
 *
 * `names` are the parts of a path below the root; parents must have been made. Calls may be concurrent.
 */
export class TreeWriter {
  readonly #directories: SafeDirectories
  readonly #init: TreeWriterInit

  /** @throws DittoError DITTO_PERMISSION, DITTO_NOT_FOUND, DITTO_IO */
  static async open(init: TreeWriterInit): Promise<TreeWriter> {
    const directories = await openSafeDirectories(init.root).catch((error: unknown) => {
      throw fromSystemError(error, `write to ${JSON.stringify(init.root)}`)
    })
    return new TreeWriter(directories, init)
  }

  constructor(directories: SafeDirectories, init: TreeWriterInit) {
    this.#directories = directories
    this.#init = init
  }

  /**
   * Makes a directory that only its owner can enter until {@link finishDirectory}; one that is there stays as it is.
   *
   * @returns whether it is new
   * @throws DittoError DITTO_EXISTS (something else is there), DITTO_PATH_INVALID
   */
  async makeDirectory(names: readonly string[]): Promise<boolean> {
    return this.#inParent(names, 'make the directory', async (place) => {
      try {
        await mkdir(place, { mode: FILLING_MODE })
        return true
      } catch (error) {
        if (systemErrorName(error) !== 'EEXIST') throw error
        if ((await lstat(place)).isDirectory()) return false
        throw exists(names)
      }
    })
  }

  /** Sets what a directory carries, after everything in it was written: a write in it would change its time. */
  async finishDirectory(names: readonly string[], attributes: Attributes): Promise<void> {
    await this.#guarded(names, 'finish the directory', () =>
      this.#directories.within(names, async (place) => {
        const handle = await open(`${place}/.`, constants.O_RDONLY | constants.O_DIRECTORY)
        try {
          await handle.chmod(attributes.mode & PERMISSIONS)
          await handle.utimes(new Date(), fileTime(attributes.mtimeNs))
          if (this.#init.durability === 'full') await handle.sync()
        } finally {
          await handle.close()
        }
      }),
    )
  }

  /**
   * @param size - of the content, in bytes
   * @param content - opens the content; called once to compare and once to write, at most
   * @throws DittoError DITTO_EXISTS, DITTO_PATH_INVALID, DITTO_NO_SPACE, DITTO_PERMISSION, and what `content` throws
   */
  async writeFile(
    names: readonly string[],
    attributes: Attributes,
    size: number,
    content: () => AsyncIterable<Uint8Array>,
  ): Promise<WriteOutcome> {
    return this.#inParent(names, 'write the file', async (place, parent) => {
      const present = await found(place)
      if (present?.isDirectory() === true) throw exists(names)
      if (present !== undefined && !this.#init.canReplace) {
        if (await sameContent(place, size, content())) return 'same'
        throw exists(names)
      }
      const temporary = temporaryName(parent)
      try {
        await this.#fill(temporary, attributes, content())
        await rename(temporary, place)
      } catch (error) {
        await unlink(temporary).catch(() => undefined)
        throw error
      }
      return 'written'
    })
  }

  /**
   * @returns why the symlink was not made; `undefined` when it is there
   * @throws DittoError DITTO_EXISTS, DITTO_PATH_INVALID, DITTO_PERMISSION
   */
  async makeSymlink(names: readonly string[], target: string, mtimeNs: bigint): Promise<string | undefined> {
    if (target.includes('\0')) return 'the target of the symlink has a NUL character in it'
    if (this.#init.symlinks !== 'all' && !staysInside(target, names.length - 1)) {
      return `the symlink leads outside, to ${JSON.stringify(target)}; with symlinks = "all" in the settings it is made`
    }
    return this.#inParent(names, 'make the symlink', async (place, parent) => {
      const present = await found(place)
      if (present?.isSymbolicLink() === true && (await readlink(place)) === target) return undefined
      if (present?.isDirectory() === true || (present !== undefined && !this.#init.canReplace)) throw exists(names)
      const temporary = temporaryName(parent)
      await symlink(target, temporary)
      try {
        await lutimes(temporary, new Date(), fileTime(mtimeNs))
        await rename(temporary, place)
      } catch (error) {
        await unlink(temporary).catch(() => undefined)
        throw error
      }
      return undefined
    })
  }

  async close(): Promise<void> {
    await this.#directories.close()
  }

  async #fill(temporary: string, attributes: Attributes, content: AsyncIterable<Uint8Array>): Promise<void> {
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0)
    const handle = await open(temporary, flags, 0o600)
    try {
      for await (const bytes of content) await writeFully(handle, bytes)
      await handle.chmod(attributes.mode & PERMISSIONS)
      await handle.utimes(new Date(), fileTime(attributes.mtimeNs))
      if (this.#init.durability === 'full') await handle.sync()
    } finally {
      await handle.close()
    }
  }

  #inParent<T>(
    names: readonly string[],
    action: string,
    work: (place: string, parent: string) => Promise<T>,
  ): Promise<T> {
    return this.#guarded(names, action, () =>
      this.#directories.within(names.slice(0, -1), (parent) => work(`${parent}/${names.at(-1)}`, parent)),
    )
  }

  async #guarded<T>(names: readonly string[], action: string, work: () => Promise<T>): Promise<T> {
    const shown = JSON.stringify(names.join('/'))
    for (const [index, name] of names.entries()) {
      if (index === 0 && name === this.#init.chosenName) continue
      const fault = nameFault(name) ?? platformNameFault(name)
      if (fault !== undefined) throw new DittoError('DITTO_PATH_INVALID', `Cannot ${action} ${shown}: ${fault}.`)
    }
    try {
      return await work()
    } catch (error) {
      throw fromSystemError(error, `${action} ${shown}`)
    }
  }
}

async function writeFully(handle: Awaited<ReturnType<typeof open>>, bytes: Uint8Array): Promise<void> {
  let at = 0
  while (at < bytes.length) at += (await handle.write(bytes, at)).bytesWritten
}

async function found(place: string): Promise<Stats | undefined> {
  return lstat(place).catch((error: unknown) => {
    if (systemErrorName(error) === 'ENOENT') return undefined
    throw error
  })
}

function temporaryName(parent: string): string {
  return `${parent}/.dittofs-${randomBytes(8).toString('hex')}.tmp`
}

function exists(names: readonly string[]): DittoError {
  return new DittoError(
    'DITTO_EXISTS',
    `Something else is already at ${JSON.stringify(names.join('/'))}; move it away, or name another place to write to.`,
  )
}
