import type { AbortOptions } from '@dittofs/interface'
import { type ChunkOutcome, type ChunkWaiter, expectedBytes, type WantedChunk } from './fetch-queue.ts'
import { Wakeup } from './wakeup.ts'

export interface ChunkWaitInit {
  isUrgent: boolean
  isPatient: boolean
  /** Only counts what is missing. */
  isCounting?: boolean
  onProgress?: (bytesDone: number, bytesTotal: number) => void
}

/** Waits for chunks that were added to the queue, and tells how they ended. */
export class ChunkWait {
  readonly waiter: ChunkWaiter
  /** Every way a chunk ended other than stored. */
  readonly failures = new Set<ChunkOutcome>()
  readonly #left = new Set<WantedChunk>()
  readonly #done = new Wakeup()
  #bytesTotal = 0
  #bytesDone = 0
  #bytesStored = 0

  constructor(init: ChunkWaitInit) {
    this.waiter = {
      isUrgent: init.isUrgent,
      isPatient: init.isPatient,
      isCounting: init.isCounting === true,
      settled: (chunk, outcome, bytes) => {
        this.#left.delete(chunk)
        this.#bytesStored += bytes
        if (outcome === 'stored') this.#bytesDone += expectedBytes(chunk)
        else this.failures.add(outcome)
        init.onProgress?.(this.#bytesDone, this.#bytesTotal)
        if (this.#left.size === 0) this.#done.wake()
      },
    }
  }

  /** Bytes that were stored. */
  get bytesStored(): number {
    return this.#bytesStored
  }

  /** Waits for these as well. */
  add(chunks: readonly WantedChunk[]): void {
    for (const chunk of chunks) {
      this.#bytesTotal += expectedBytes(chunk)
      if (chunk.state !== 'settled') this.#left.add(chunk)
    }
  }

  /** Resolves when all have ended. */
  async over(options: AbortOptions): Promise<void> {
    while (this.#left.size > 0) await this.#done.wait(options)
  }
}
