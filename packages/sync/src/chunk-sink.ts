import type { ChunkStore, SpaceId } from '@dittofs/interface'
import type { WantedChunk } from './fetch-queue.ts'
import type { LinkProfile } from './link-profile.ts'

/** A chunk that arrived, with who sent it. */
export interface ReceivedChunk<Sender> {
  readonly chunk: WantedChunk
  readonly bytes: Uint8Array
  readonly sender: Sender
}

export interface ChunkSinkInit<Sender> {
  store: ChunkStore
  space: SpaceId
  /**
   * Bytes of one call to the store: enough that a barrier of the disk is shared by many. Calls under way at once, so that
   * hashing, writing and the barrier overlap; what runs out is memory. As it is now.
   */
  batch: () => Pick<LinkProfile, 'putBytes' | 'puts'>
  /** Called for all chunks of one call to the store: those stored, and those whose bytes do not match their ID. */
  onStored: (stored: readonly ReceivedChunk<Sender>[], corrupt: readonly ReceivedChunk<Sender>[]) => void
  /** The store refused: none of these is stored. */
  onFailed: (chunks: readonly ReceivedChunk<Sender>[], error: unknown) => void
}

/**
 * Hands received chunks to the store, many at a time and several times at once; what arrives while the store is busy
 * goes with the next call. Memory is bounded by whoever asks for chunks, not here.
 */
export class ChunkSink<Sender> {
  readonly #init: ChunkSinkInit<Sender>
  #waiting: ReceivedChunk<Sender>[] = []
  #waitingBytes = 0
  #puts = 0
  #isScheduled = false

  constructor(init: ChunkSinkInit<Sender>) {
    this.#init = init
  }

  add(received: ReceivedChunk<Sender>): void {
    this.#waiting.push(received)
    this.#waitingBytes += received.bytes.length
    if (this.#isScheduled) return
    this.#isScheduled = true
    // All chunks of a frame first, then one call for them.
    queueMicrotask(() => {
      this.#isScheduled = false
      this.#start()
    })
  }

  #start(): void {
    const { putBytes, puts } = this.#init.batch()
    // The first call goes at once, for the sake of a lone file; further ones only when full.
    while (this.#waiting.length > 0 && (this.#puts === 0 || (this.#puts < puts && this.#waitingBytes >= putBytes))) {
      let bytes = 0
      let count = 0
      let frame: ArrayBufferLike | undefined
      for (const { bytes: content } of this.#waiting) {
        // Chunks of one frame share memory, which the store may hand to a worker as a whole: they stay together.
        if (bytes >= putBytes && content.buffer !== frame) break
        frame = content.buffer
        bytes += content.length
        count++
      }
      const chunks = this.#waiting.splice(0, count)
      this.#waitingBytes -= bytes
      this.#puts++
      void this.#put(chunks)
    }
  }

  async #put(chunks: readonly ReceivedChunk<Sender>[]): Promise<void> {
    const { store, space, onStored, onFailed } = this.#init
    try {
      const corrupt = new Set(
        await store.put(
          space,
          chunks.map(({ chunk, bytes }) => ({ id: chunk.id, bytes })),
        ),
      )
      this.#puts--
      if (corrupt.size === 0) onStored(chunks, [])
      else {
        onStored(
          chunks.filter(({ chunk }) => !corrupt.has(chunk.id)),
          chunks.filter(({ chunk }) => corrupt.has(chunk.id)),
        )
      }
    } catch (error) {
      this.#puts--
      onFailed(chunks, error)
    }
    this.#start()
  }
}
