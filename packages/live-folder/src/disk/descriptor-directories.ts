import { constants, readlinkSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { DittoError } from '@dittofs/interface'
import type { SafeDirectories } from './safe-directories.ts'
import { systemErrorName } from './system-error.ts'

/** Descriptors kept open for the next write in the same directory; a process may have 1,024. */
const MAX_IDLE_DESCRIPTORS = 256

interface Held {
  readonly handle: Promise<FileHandle>
  /** Actions that use it now: it is closed only when none does. */
  users: number
  /** Open, so that it can be asked where it is now. */
  opened?: FileHandle
}

/**
 * Walks by descriptors: `/proc/self/fd/N/name` means the directory that is open as N, wherever it has been moved to
 * since. With O_NOFOLLOW for each name this is what openat(2) gives, which Node does not offer.
 */
export class DescriptorDirectories implements SafeDirectories {
  readonly #root: FileHandle
  /** By the names joined; the least recently used comes first. */
  readonly #held = new Map<string, Held>()

  static async open(root: string): Promise<DescriptorDirectories> {
    return new DescriptorDirectories(await open(root, constants.O_RDONLY | constants.O_DIRECTORY))
  }

  constructor(root: FileHandle) {
    this.#root = root
  }

  async within<T>(names: readonly string[], action: (place: string) => Promise<T>): Promise<T> {
    if (names.length === 0) return action(placeOf(this.#root))
    const key = names.join('/')
    const held = this.#current(key) ?? this.#open(names)
    held.users++
    this.#held.delete(key)
    this.#held.set(key, held)
    try {
      return await action(placeOf(await held.handle))
    } finally {
      held.users--
      if (held.users === 0 && this.#held.get(key) !== held) await close(held)
      await this.#closeIdle()
    }
  }

  async close(): Promise<void> {
    const handles = await Promise.allSettled([...this.#held.values()].map((held) => held.handle))
    this.#held.clear()
    await Promise.all(
      [this.#root, ...handles.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))].map(
        (handle) => handle.close(),
      ),
    )
  }

  /**
   * The descriptor that is held for a directory, unless the directory was moved or removed since: another may stand
   * under its name now. The kernel tells from memory where it is, so this waits for no disk.
   */
  #current(key: string): Held | undefined {
    const held = this.#held.get(key)
    if (held?.opened === undefined) return held
    if (whereIs(held.opened) === `${whereIs(this.#root)}/${key}`) return held
    this.#held.delete(key)
    if (held.users === 0) close(held).catch(() => undefined)
    return undefined
  }

  #open(names: readonly string[]): Held {
    const key = names.join('/')
    const handle = this.within(names.slice(0, -1), (place) => openDirectory(`${place}/${names.at(-1)}`, key))
    const held: Held = { handle, users: 0 }
    handle.then(
      (opened) => {
        held.opened = opened
      },
      () => {
        if (this.#held.get(key) === held) this.#held.delete(key)
      },
    )
    return held
  }

  async #closeIdle(): Promise<void> {
    if (this.#held.size <= MAX_IDLE_DESCRIPTORS) return
    for (const [key, held] of this.#held) {
      if (held.users > 0) continue
      this.#held.delete(key)
      await held.handle.then((handle) => handle.close())
      if (this.#held.size <= MAX_IDLE_DESCRIPTORS) return
    }
  }
}

async function close(held: Held): Promise<void> {
  const handle = await held.handle.catch(() => undefined)
  await handle?.close()
}

/** @returns `undefined` where the path is too long to be told */
function whereIs(handle: FileHandle): string | undefined {
  try {
    const path = readlinkSync(placeOf(handle))
    return path === '/' ? '' : path
  } catch {
    return undefined
  }
}

function placeOf(handle: FileHandle): string {
  return `/proc/self/fd/${handle.fd}`
}

async function openDirectory(place: string, shown: string): Promise<FileHandle> {
  try {
    return await open(place, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW)
  } catch (error) {
    const name = systemErrorName(error)
    if (name !== 'ELOOP' && name !== 'ENOTDIR') throw error
    throw new DittoError(
      'DITTO_PATH_INVALID',
      `Nothing is written below ${JSON.stringify(shown)}: it is a symlink or a file, not a directory.`,
      { cause: error },
    )
  }
}
