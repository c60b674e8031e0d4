import type {
  AbortOptions,
  ChunkId,
  ChunkRun,
  ChunkStore,
  ManifestStep,
  ReadManifest,
  SpaceId,
} from '@dittofs/interface'
import type { ManifestContent } from './fetch-queue.ts'

/**
 * Finds chunks of one manifest by their index. Requests mostly go forward, so the walk is kept where the last one
 * ended; going back starts it again. Holds one run of chunks.
 */
export class ManifestCursor {
  readonly #open: () => AsyncIterator<ManifestStep>
  #steps: AsyncIterator<ManifestStep> | undefined
  #run: ChunkRun | undefined
  #isComplete = true
  #isEnded = false
  #turn: Promise<unknown> = Promise.resolve()

  constructor(read: ReadManifest, store: ChunkStore, space: SpaceId, content: ManifestContent, size: number) {
    this.#open = () => read(store, space, content, size)[Symbol.asyncIterator]()
  }

  /** Whether every node met so far was there; a cursor that met a gap does not see it filled. */
  get isComplete(): boolean {
    return this.#isComplete
  }

  /**
   * @returns the IDs of the chunks in the ranges, in order; `undefined` where a node is not available
   * @throws DittoError DITTO_MANIFEST_INVALID
   */
  resolve(
    ranges: readonly { readonly first: number; readonly count: number }[],
    options: AbortOptions = {},
  ): Promise<(ChunkId | undefined)[]> {
    const turn = this.#turn.then(async () => {
      const ids: (ChunkId | undefined)[] = []
      for (const { first, count } of ranges) {
        for (let index = first; index < first + count; index++) {
          if (!this.#holds(index)) await this.#seek(index, options)
          ids.push(this.#run?.chunks[index - this.#run.first]?.id)
        }
      }
      return ids
    })
    this.#turn = turn.catch(() => undefined)
    return turn
  }

  async close(): Promise<void> {
    await this.#turn
    await this.#steps?.return?.()
  }

  #holds(index: number): boolean {
    return this.#run !== undefined && index >= this.#run.first && index < this.#run.first + this.#run.chunks.length
  }

  async #seek(index: number, { signal }: AbortOptions): Promise<void> {
    if (this.#isEnded || (this.#run !== undefined && index < this.#run.first)) {
      // A gap is walked once: otherwise each chunk in it would cost a walk.
      if (!this.#isComplete) return
      await this.#steps?.return?.()
      this.#steps = undefined
    }
    this.#isEnded = false
    this.#steps ??= this.#open()
    for (;;) {
      signal?.throwIfAborted()
      const step = await this.#steps.next()
      if (step.done === true) {
        this.#isEnded = true
        this.#steps = undefined
        this.#run = undefined
        return
      }
      if (step.value.kind === 'missing') this.#isComplete = false
      else {
        this.#run = step.value.run
        if (index < this.#run.first + this.#run.chunks.length) return
      }
    }
  }
}
