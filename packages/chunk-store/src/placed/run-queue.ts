import type { ChunkRef } from '@dittofs/interface'
import type { PlacedRun } from './place-table.ts'

/** Chunks that a cutter finds, for a reader that takes them as they come: 40 bytes each wait at most. */
export class RunQueue implements AsyncIterable<PlacedRun> {
  readonly #waiting: ChunkRef[][] = []
  #failure: { readonly reason: unknown } | undefined
  #isEnded = false
  #wake = () => {}

  add(chunks: readonly ChunkRef[]): void {
    this.#waiting.push([...chunks])
    this.#wake()
  }

  end(): void {
    this.#isEnded = true
    this.#wake()
  }

  fail(reason: unknown): void {
    this.#failure = { reason }
    this.#wake()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<PlacedRun> {
    let offset = 0
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure.reason
      const chunks = this.#waiting.shift()
      if (chunks !== undefined) {
        yield { offset, chunks }
        offset = chunks.reduce((end, { length }) => end + length, offset)
      } else if (this.#isEnded) return
      else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
      }
    }
  }
}
