import type { Logger, Volume, VolumeHandle } from '@dittofs/interface'
import { MAX_DIRTY_FILES } from '../limits.ts'
import { keyOf, type Target } from './nfs-handle.ts'

interface DirtyFile {
  readonly volume: Volume
  readonly handle: VolumeHandle
}

/** Files that were written to and that nobody has committed since, so that a gateway that stops can do it. */
export class DirtyFiles {
  readonly #logger: Logger | undefined
  /** The file written to longest ago first. */
  readonly #files = new Map<string, DirtyFile>()

  constructor(logger: Logger | undefined) {
    this.#logger = logger
  }

  get size(): number {
    return this.#files.size
  }

  has(target: Target): boolean {
    return this.#files.has(keyOf(target))
  }

  /** To be called with a write, before it is waited for. Where too many are remembered, waits for the oldest to be committed. */
  async add(target: Target): Promise<void> {
    const key = keyOf(target)
    this.#files.delete(key)
    this.#files.set(key, { volume: target.export.volume, handle: target.handle })
    if (this.#files.size > MAX_DIRTY_FILES) await this.#commitOldest()
  }

  /** Runs a commit, and forgets the file if nothing was written to it meanwhile. */
  async commit<T>(target: Target, commit: () => Promise<T>): Promise<T> {
    const key = keyOf(target)
    const before = this.#files.get(key)
    const result = await commit()
    if (this.#files.get(key) === before) this.#files.delete(key)
    return result
  }

  /** Commits all, one after another; what fails is told to the log, for nobody is left to hear of it. */
  async commitAll(): Promise<void> {
    while (this.#files.size > 0) await this.#commitOldest()
  }

  async #commitOldest(): Promise<void> {
    for (const [key, { volume, handle }] of this.#files) {
      this.#files.delete(key)
      await volume.commit(handle).catch((error: unknown) => {
        this.#logger?.warn({ error }, 'What was written to a file over NFS could not be committed.')
      })
      return
    }
  }
}
