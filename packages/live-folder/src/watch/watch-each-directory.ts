import { watch as watchPath } from 'node:fs'
import type { Clock } from '@dittofs/interface'
import { openSafeDirectories } from '../disk/open-safe-directories.ts'
import { systemErrorName } from '../disk/system-error.ts'
import type { DirtyDirectories } from '../folder-file-system.ts'
import { DirtySet } from './dirty-set.ts'
import { EventBurst } from './event-burst.ts'
import { readLimit, watchFault } from './watch-fault.ts'
import { WatchedDirectories } from './watched-directories.ts'

/** Changes are gathered that long. */
const GATHER_MS = 50
/** How often directories that could not be watched are tried again, and told as dirty meanwhile. */
const RETRY_MS = 10_000
const DEFAULT_QUEUE_EVENTS = 16_384

const burst = new EventBurst(readLimit('max_queued_events') ?? DEFAULT_QUEUE_EVENTS, setImmediate)

/** `FolderFileSystem.watch` by a watch for each directory. */
export async function watchEachDirectory(
  root: string,
  onDirty: (dirty: DirtyDirectories) => void,
  options: { clock: Clock; signal: AbortSignal; watch?: typeof watchPath },
): Promise<void> {
  options.signal.throwIfAborted()
  const directories = await openSafeDirectories(root).catch((error: unknown) => {
    throw watchFault(error, root)
  })
  const watch = new DirectoryWatch(onDirty, options)
  const watched = new WatchedDirectories({ directories, watch: options.watch ?? watchPath, ...watch.listeners })
  const end = async (): Promise<void> => {
    await watched.close()
    await watch.end()
    await directories.close()
  }
  try {
    await watched.open()
    if (watch.limit !== undefined) throw watch.limit
    options.signal.throwIfAborted()
  } catch (error) {
    await end()
    throw watchFault(error, root)
  }
  watch.begin(watched)
  options.signal.addEventListener('abort', () => void end().catch(() => undefined), { once: true })
}

/** Gathers events, keeps the watches in step with the directories there are, and only then tells. */
class DirectoryWatch {
  readonly #onDirty: (dirty: DirtyDirectories) => void
  readonly #clock: Clock
  readonly #ending = new AbortController()
  readonly #signal: AbortSignal
  readonly #dirty = new DirtySet()
  /** Directories in which names came or went. */
  readonly #renamed = new DirtySet()
  readonly #unwatched = new Map<string, readonly string[]>()
  #watched: WatchedDirectories | undefined
  #round: Promise<void> | undefined
  #retrying: Promise<void> | undefined
  /** That the system allows no more watches, where that was met before the watch began. */
  limit: unknown

  constructor(onDirty: (dirty: DirtyDirectories) => void, options: { clock: Clock; signal: AbortSignal }) {
    this.#onDirty = onDirty
    this.#clock = options.clock
    this.#signal = AbortSignal.any([options.signal, this.#ending.signal])
  }

  readonly listeners = {
    onEvent: (names: readonly string[], isName: boolean): void => {
      this.#dirty.add(names)
      if (isName) this.#renamed.add(names)
      if (burst.count()) {
        this.#dirty.addAll()
        this.#renamed.addAll()
      }
      this.#stir()
    },
    onFault: (names: readonly string[], error: unknown): void => {
      const isLimit = ['ENOSPC', 'EMFILE'].includes(systemErrorName(error) ?? '')
      if (this.#watched === undefined && isLimit) this.limit ??= error
      this.#unwatched.set(names.join('/'), names)
      this.#retrying ??= this.#retry().catch(() => undefined)
    },
  }

  begin(watched: WatchedDirectories): void {
    this.#watched = watched
    this.#stir()
  }

  async end(): Promise<void> {
    this.#ending.abort()
    await Promise.all([this.#round, this.#retrying])
  }

  #stir(): void {
    if (this.#watched === undefined) return
    this.#round ??= this.#run(this.#watched)
      .catch(() => undefined)
      .finally(() => {
        this.#round = undefined
      })
  }

  async #run(watched: WatchedDirectories): Promise<void> {
    for (;;) {
      await this.#clock.sleep(GATHER_MS, { signal: this.#signal })
      const renamed = this.#renamed.take()
      if (renamed === 'all') await this.#updateAll(watched)
      else for (const names of renamed ?? []) await this.#update(watched, names)
      const dirty = this.#dirty.take()
      if (dirty === undefined) return
      this.#signal.throwIfAborted()
      this.#onDirty(dirty)
    }
  }

  async #update(watched: WatchedDirectories, names: readonly string[]): Promise<void> {
    for (const added of await watched.update(names)) this.#dirty.add(added)
  }

  /** After an overflow any directory may have come or gone: all are compared, from the root down. */
  async #updateAll(watched: WatchedDirectories): Promise<void> {
    await watched.updateAll()
    this.#dirty.addAll()
  }

  async #retry(): Promise<void> {
    while (this.#unwatched.size > 0) {
      await this.#clock.sleep(RETRY_MS, { signal: this.#signal })
      if (this.#watched === undefined) continue
      for (const [key, names] of [...this.#unwatched]) {
        this.#unwatched.delete(key)
        this.#dirty.add(names)
        for (const added of await this.#watched.retry(names)) this.#dirty.add(added)
      }
      this.#stir()
    }
    this.#retrying = undefined
  }
}
