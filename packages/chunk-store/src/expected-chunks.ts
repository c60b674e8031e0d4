import { type ChunkStore, chunkId, type ImportOptions, type SpaceId } from '@dittofs/interface'
import { readManifest } from './read-manifest.ts'
import { type ExpectedChunks, SEGMENT_BYTES } from './worker-messages.ts'

/** Shorter files are cut before their manifest would be read. */
const MIN_FILE_BYTES = 4 * SEGMENT_BYTES
/** Chunks of all files that are read at once; 36 bytes each, about 75 KB of content. */
const MAX_CHUNKS = 128 * 1024

/** Reads the chunks of content that a file may hold, for as many files at once as there is memory for. */
export class ExpectedChunksReader {
  readonly #store: Pick<ChunkStore, 'has' | 'getMany'>
  #left = MAX_CHUNKS

  constructor(store: Pick<ChunkStore, 'has' | 'getMany'>) {
    this.#store = store
  }

  /**
   * Runs an import with what is known, which is released when the import settles.
   *
   * @param like - as in {@link ImportOptions}; nothing is expected where its manifest is damaged, not held or too long
   */
  async with<T>(
    space: SpaceId,
    { like, signal }: ImportOptions,
    run: (expected: ExpectedChunks | undefined) => Promise<T>,
  ): Promise<T> {
    if (like?.content.kind !== 'manifest' || like.size < MIN_FILE_BYTES) return run(undefined)
    const { chunkCount } = like.content
    if (chunkCount > this.#left) return run(undefined)
    this.#left -= chunkCount
    try {
      return await run(await this.#read(space, like, chunkCount, signal))
    } finally {
      this.#left += chunkCount
    }
  }

  async #read(
    space: SpaceId,
    { content, size }: NonNullable<ImportOptions['like']>,
    chunkCount: number,
    signal: AbortSignal | undefined,
  ): Promise<ExpectedChunks | undefined> {
    const lengths = new Uint32Array(chunkCount)
    const digests = new Uint8Array(chunkCount * 32)
    try {
      const steps = readManifest(
        this.#store as ChunkStore,
        space,
        content,
        size,
        signal === undefined ? {} : { signal },
      )
      for await (const step of steps) {
        if (step.kind === 'missing') return undefined
        for (const [nth, { id, length }] of step.run.chunks.entries()) {
          lengths[step.run.first + nth] = length
          digests.set(chunkId.toBytes(id), (step.run.first + nth) * 32)
        }
      }
    } catch (error) {
      if (signal?.aborted === true) throw error
      // Nobody vouches for old content, and it is of use alone.
      return undefined
    }
    return { lengths, digests }
  }
}
