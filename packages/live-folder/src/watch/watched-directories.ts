import type { Dirent, FSWatcher, watch } from 'node:fs'
import { lstat, readdir, stat } from 'node:fs/promises'
import { setImmediate } from 'node:timers/promises'
import type { SafeDirectories } from '../disk/safe-directories.ts'
import { systemErrorName } from '../disk/system-error.ts'
import { isOwnName } from '../plan/own-names.ts'

/** A directory that is watched, and the ones in it. */
interface Watched {
  readonly names: readonly string[]
  readonly dev: bigint
  readonly ino: bigint
  /** Absent where it could not be watched. */
  watcher: FSWatcher | undefined
  readonly children: Map<string, Watched>
}

/** Directories of one directory that are looked into at once. */
const CONCURRENT_DIRECTORIES = 4
const WATCHES_A_SLICE = 500

export interface WatchedDirectoriesInit {
  /** Node's own. */
  watch: typeof watch
  directories: SafeDirectories
  /** Called for each change in a directory; `isName`: a name in it came, went or became another thing. */
  onEvent: (names: readonly string[], isName: boolean) => void
  /** Called when a directory cannot be watched; what is below it is tried all the same. */
  onFault: (names: readonly string[], error: unknown) => void
}

/**
 * One watch for each directory below a root, for systems that watch no trees (Linux). A directory is watched before its
 * names are read, so that one that comes between the two is not missed.
 */
export class WatchedDirectories {
  readonly #init: WatchedDirectoriesInit
  #root: Watched | undefined
  #isClosed = false

  constructor(init: WatchedDirectoriesInit) {
    this.#init = init
  }

  /** @returns the directories that are watched since this call. @throws system errors when the root cannot be watched */
  async open(): Promise<(readonly string[])[]> {
    const added: (readonly string[])[] = []
    this.#root = await this.#add([], added)
    return added
  }

  /**
   * Watches the directories that came in one, and no longer those that went.
   *
   * @returns the directories that are watched since this call: what was changed in them before is to be looked for
   */
  async update(names: readonly string[]): Promise<(readonly string[])[]> {
    const added: (readonly string[])[] = []
    const watched = this.#find(names)
    if (watched !== undefined) await this.#updateChildren(watched, added)
    return added
  }

  /** As {@link update}, of every directory. */
  async updateAll(): Promise<void> {
    const update = async (watched: Watched): Promise<void> => {
      await this.#updateChildren(watched, [])
      for (const child of watched.children.values()) await update(child)
    }
    if (this.#root !== undefined) await update(this.#root)
  }

  /**
   * Tries once more to watch a directory that could not be; `onFault` is called again where it still cannot.
   *
   * @returns as {@link update}
   */
  async retry(names: readonly string[]): Promise<(readonly string[])[]> {
    const watched = this.#find(names)
    if (watched?.watcher !== undefined) return []
    if (watched !== undefined) await this.#watch(watched)
    return this.update(watched === undefined ? names.slice(0, -1) : names)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    if (this.#root !== undefined) await closeAll(this.#root)
  }

  #find(names: readonly string[]): Watched | undefined {
    let watched = this.#root
    for (const name of names) watched = watched?.children.get(name)
    return watched
  }

  /** @returns `undefined` when it is gone already */
  async #add(names: readonly string[], added: (readonly string[])[]): Promise<Watched | undefined> {
    let watched: Watched | undefined
    try {
      watched = await this.#init.directories.within(names, async (place) => {
        const { dev, ino } = await stat(`${place}/.`, { bigint: true })
        return { names, dev, ino, watcher: undefined, children: new Map<string, Watched>() }
      })
    } catch (error) {
      if (names.length === 0) throw error
      if (isRefusal(error)) this.#init.onFault(names, error)
      return undefined
    }
    await this.#watch(watched)
    added.push(names)
    await this.#updateChildren(watched, added)
    return watched
  }

  async #watch(watched: Watched): Promise<void> {
    const { names } = watched
    try {
      await this.#init.directories.within(names, async (place) => {
        // By its descriptor: a symlink put in its place is not followed.
        if (this.#isClosed) return
        const watcher = this.#init.watch(`${place}/.`, { persistent: false }, (type) => {
          this.#init.onEvent(names, type === 'rename')
        })
        watcher.on('error', (error) => this.#init.onFault(names, error))
        watched.watcher = watcher
      })
    } catch (error) {
      if (systemErrorName(error) !== undefined) this.#init.onFault(names, error)
    }
  }

  async #updateChildren(watched: Watched, added: (readonly string[])[]): Promise<void> {
    const found = await this.#directoriesIn(watched.names)
    for (const [name, child] of watched.children) {
      const there = found.get(name)
      if (there?.ino === child.ino && there.dev === child.dev) continue
      watched.children.delete(name)
      await closeAll(child)
    }
    const fresh = [...found.keys()].filter((name) => !watched.children.has(name))
    for (let at = 0; at < fresh.length && !this.#isClosed; at += CONCURRENT_DIRECTORIES) {
      await Promise.all(
        fresh.slice(at, at + CONCURRENT_DIRECTORIES).map(async (name) => {
          const child = await this.#add([...watched.names, name], added)
          if (child === undefined) return
          if (this.#isClosed) await closeAll(child)
          else watched.children.set(name, child)
        }),
      )
    }
  }

  async #directoriesIn(names: readonly string[]): Promise<Map<string, { readonly dev: bigint; readonly ino: bigint }>> {
    const found = new Map<string, { readonly dev: bigint; readonly ino: bigint }>()
    const look = async (place: string): Promise<void> => {
      for (const child of await readdir(place, { withFileTypes: true })) {
        if (isOwnName(child.name) || !canBeDirectory(child)) continue
        const there = await lstat(`${place}/${child.name}`, { bigint: true }).catch(() => undefined)
        if (there?.isDirectory() === true) found.set(child.name, there)
      }
    }
    // What is gone, or may not be read, holds nothing to watch.
    await this.#init.directories.within(names, look).catch(() => undefined)
    return found
  }
}

/** Whether a directory is there but may not be opened, for now. */
function isRefusal(error: unknown): boolean {
  return ['EACCES', 'EPERM', 'EMFILE', 'ENFILE'].includes(systemErrorName(error) ?? '')
}

/** Some file systems do not say in a listing what a name is. */
function canBeDirectory(entry: Dirent): boolean {
  return entry.isDirectory() || !(entry.isFile() || entry.isSymbolicLink())
}

/** Each watch takes some microseconds to close: thousands of them are closed in slices. */
async function closeAll(watched: Watched): Promise<void> {
  const left = [watched]
  for (let closed = 1; left.length > 0; closed++) {
    const next = left.pop() as Watched
    next.watcher?.close()
    left.push(...next.children.values())
    if (closed % WATCHES_A_SLICE === 0) await setImmediate()
  }
}
