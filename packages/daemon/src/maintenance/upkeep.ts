import type { Clock, Logger } from '@dittofs/interface'

/** Bytes that lie in the store and in a live folder too, past which the store's copies are dropped. */
const MAX_DOUBLE_BYTES = 64 * 1024 * 1024
/** How long nothing more may have come before that: collecting while much arrives would go through it many times. */
const QUIET_MS = 15_000
/** What a history need not keep any more is looked for this often. */
const EVERY_MS = 24 * 60 * 60 * 1000

export interface UpkeepInit {
  clock: Clock
  logger: Logger
  collect: (signal: AbortSignal) => Promise<{ readonly chunks: number; readonly bytes: number }>
}

/** Frees by itself, now and then, what the store no longer needs to hold. */
export class Upkeep {
  readonly #init: UpkeepInit
  readonly #stop = new AbortController()
  #doubleBytes = 0
  #waiting: Promise<void> | undefined
  #last = 0
  #running: Promise<void>

  constructor(init: UpkeepInit) {
    this.#init = init
    this.#running = this.#everyDay()
  }

  /** Bytes lie in a live folder now, and in the store beside. */
  copied(bytes: number): void {
    this.#doubleBytes += bytes
    this.#last = this.#init.clock.monotonic()
    if (this.#doubleBytes >= MAX_DOUBLE_BYTES) this.#waiting ??= this.#whenQuiet()
  }

  async close(): Promise<void> {
    this.#stop.abort()
    await Promise.all([this.#running, this.#waiting])
  }

  async #whenQuiet(): Promise<void> {
    const { clock } = this.#init
    const { signal } = this.#stop
    try {
      for (;;) {
        const left = this.#last + QUIET_MS - clock.monotonic()
        if (left <= 0) break
        await clock.sleep(left, { signal })
      }
      this.#doubleBytes = 0
      await this.#collect()
    } catch {
      // Only an abort ends the sleep.
    } finally {
      this.#waiting = undefined
    }
  }

  async #everyDay(): Promise<void> {
    const { clock } = this.#init
    const { signal } = this.#stop
    while (!signal.aborted) {
      const isOver = await clock.sleep(EVERY_MS, { signal }).then(
        () => true,
        () => false,
      )
      if (isOver) await this.#collect()
    }
  }

  async #collect(): Promise<void> {
    const { collect, logger } = this.#init
    try {
      const freed = await collect(this.#stop.signal)
      logger.info(freed, 'What the store no longer needs was freed.')
    } catch (error) {
      if (!this.#stop.signal.aborted) logger.warn({ error }, 'What the store no longer needs could not be freed.')
    }
  }
}
