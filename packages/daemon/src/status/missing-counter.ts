import type { Clock } from '@dittofs/interface'
import type { HeldChunks, Missing } from '../content/held-chunks.ts'
import type { MarkReader } from '../pins/mark-reader.ts'
import type { OpenSpace } from '../spaces/open-space.ts'

/** While content arrives, counting may take this share of the time at most: 1 of 20. */
const REST_FACTOR = 20
const MAX_ROUNDS = 3

/**
 * How much of a space's content is not here. Counted by a walk once, and again only after something changed that may
 * have changed the number; while content arrives, not so often that the counting itself costs.
 */
export class MissingCounter {
  readonly #space: OpenSpace
  readonly #held: HeldChunks
  readonly #clock: Clock
  readonly #isArriving: () => boolean
  readonly #marks: () => Pick<MarkReader, 'of'>
  #known: Missing | undefined
  #isStale = true
  #counting: Promise<Missing> | undefined
  #notBeforeMs = Number.NEGATIVE_INFINITY

  /**
   * @param isArriving - whether content of the space is being fetched now
   * @param marks - for one walk: what is evicted is not missing
   */
  constructor(
    space: OpenSpace,
    held: HeldChunks,
    clock: Clock,
    isArriving: () => boolean,
    marks: () => Pick<MarkReader, 'of'>,
  ) {
    this.#space = space
    this.#held = held
    this.#clock = clock
    this.#isArriving = isArriving
    this.#marks = marks
  }

  /** Something came, went or was found damaged. */
  invalidate(): void {
    this.#isStale = true
  }

  /** Own additions bring their content with them: they change nothing where nothing is missing. */
  invalidateByOwnChange(): void {
    if (this.#known?.chunks !== 0) this.#isStale = true
  }

  async count(): Promise<Missing> {
    // What changed while it was counted is counted again; where changes never cease, the last count will do.
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const isTooSoon = this.#clock.monotonic() < this.#notBeforeMs && this.#isArriving()
      if (this.#known !== undefined && (!this.#isStale || isTooSoon)) return this.#known
      this.#counting ??= this.#walk().finally(() => {
        this.#counting = undefined
      })
      this.#known = await this.#counting
    }
    return this.#known ?? { chunks: 0, bytes: 0 }
  }

  async #walk(): Promise<Missing> {
    const startedMs = this.#clock.monotonic()
    this.#isStale = false
    let chunks = 0
    let bytes = 0
    const marks = this.#marks()
    try {
      for await (const entries of this.#space.metadata.walk('')) {
        const files = entries.flatMap((entry) =>
          entry.file === undefined || marks.of(entry) === 'evicted' ? [] : [entry.file],
        )
        for (const missing of await this.#held.missingOf(this.#space.id, files)) {
          chunks += missing.chunks
          bytes += missing.bytes
        }
      }
    } catch (error) {
      this.#isStale = true
      throw error
    }
    const endedMs = this.#clock.monotonic()
    this.#notBeforeMs = endedMs + REST_FACTOR * (endedMs - startedMs)
    return { chunks, bytes }
  }
}
