import type { PlacedChunks, PlaceKey } from '@dittofs/chunk-store'
import type { AbortOptions, Clock, Logger } from '@dittofs/interface'
import type { LocatePlace } from './placed-paths.ts'

/** Most doubts are of a file that is moved or changed right now, and are gone when the folders have seen it. */
const FIRST_LOOK_MS = 3000
/** Between one look at the folders and the next, which may be large. */
const NEXT_LOOK_MS = 30_000
/** Folders in which somebody works without a pause are never in step. */
const MAX_WAIT_MS = 60_000
/** Doubts kept; what is past it is doubted again when it is read again. */
const MAX_DOUBTS = 10_000

export interface PlaceDoubtsInit {
  store: Pick<PlacedChunks, 'holds' | 'isPlaced' | 'unplace'>
  locate: LocatePlace
  /** Looks again at the live folders that files of these keys lie in; resolves once they are in step. */
  lookAgain: (keys: readonly PlaceKey[], options: AbortOptions) => Promise<void>
  /** Told of a file that is placed no more, because it does not hold what it should. */
  onLost: (key: PlaceKey) => void
  clock: Clock
  logger: Logger
}

/**
 * Files of live folders that did not hold a chunk when it was read. What counts as held and cannot be read would be
 * fetched from nobody and be waited for by everybody: so once the folders have been looked at, and are in step, a file
 * that still does not hold what it should counts as holding nothing.
 */
export class PlaceDoubts {
  readonly #init: PlaceDoubtsInit
  readonly #doubts = new Set<PlaceKey>()
  readonly #stop = new AbortController()
  #work: Promise<void> | undefined
  #isNext = false

  constructor(init: PlaceDoubtsInit) {
    this.#init = init
  }

  readonly add = (key: PlaceKey): void => {
    if (this.#stop.signal.aborted || this.#doubts.size >= MAX_DOUBTS) return
    this.#doubts.add(key)
    this.#work ??= this.#lookInto()
      .catch((error: unknown) => {
        if (!this.#stop.signal.aborted) this.#init.logger.warn({ error }, 'A doubtful file could not be looked into.')
      })
      .finally(() => {
        this.#work = undefined
      })
  }

  async close(): Promise<void> {
    this.#stop.abort()
    await this.#work
  }

  async #lookInto(): Promise<void> {
    const { signal } = this.#stop
    while (this.#doubts.size > 0) {
      await this.#init.clock.sleep(this.#isNext ? NEXT_LOOK_MS : FIRST_LOOK_MS, { signal })
      this.#isNext = true
      const keys = [...this.#doubts]
      this.#doubts.clear()
      const isInStep = await this.#lookAgain(keys)
      signal.throwIfAborted()
      for (const key of keys) {
        if (isInStep) await this.#check(key)
        else this.#doubts.add(key)
      }
    }
    this.#isNext = false
  }

  /** @returns whether the folders came to be in step, in the time there is */
  async #lookAgain(keys: readonly PlaceKey[]): Promise<boolean> {
    const { clock, lookAgain } = this.#init
    const over = new AbortController()
    const signal = AbortSignal.any([this.#stop.signal, over.signal])
    const timer = clock.sleep(MAX_WAIT_MS, { signal }).then(
      () => over.abort(),
      () => undefined,
    )
    const isInStep = await lookAgain(keys, { signal }).then(
      () => true,
      () => false,
    )
    over.abort()
    await timer
    return isInStep
  }

  async #check(key: PlaceKey): Promise<void> {
    const { store, locate, logger, onLost } = this.#init
    const { signal } = this.#stop
    if (!(await store.isPlaced(key))) return
    const path = locate(key)
    if (path !== undefined && ((await store.holds(key, { signal })) || locate(key) !== path)) return
    await store.unplace(key)
    // Reading it raised the doubt once more.
    this.#doubts.delete(key)
    logger.warn(
      { key, path },
      'A file of a live folder does not hold what it should; its content is fetched if it is needed.',
    )
    onLost(key)
  }
}
