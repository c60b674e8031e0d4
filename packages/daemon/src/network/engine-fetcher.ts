import { type AbortOptions, type ChunkId, DittoError, isDittoError } from '@dittofs/interface'
import type { SyncEngine } from '@dittofs/sync'
import type { ContentFetcher, FetchOptions, LackingFile } from '../content/content-fetcher.ts'
import { missingChunksError, missingError } from '../content/content-fetcher.ts'
import type { OpenSpace } from '../spaces/open-space.ts'

const ADVICE = 'see that a device that has them is running and connected, and try again'

/** Brings what this device lacks from the devices it is connected with. */
export class EngineFetcher implements ContentFetcher {
  readonly #engine: SyncEngine

  constructor(engine: SyncEngine) {
    this.#engine = engine
  }

  async ensure(space: OpenSpace, files: readonly LackingFile[], options: FetchOptions = {}): Promise<number> {
    const contents = files.map(({ file }) => ({ content: file.content, size: file.size }))
    return this.#counted(
      options,
      (counting) => this.#engine.ensure(space.id, contents, counting),
      () => missingError(files, ADVICE),
    )
  }

  /** Fetches chunks by their IDs. @returns bytes that came. @throws DittoError DITTO_CHUNK_MISSING */
  async ensureChunks(space: OpenSpace, ids: readonly ChunkId[], options: AbortOptions = {}): Promise<number> {
    return this.#counted(
      options,
      (counting) => this.#engine.repair(space.id, ids, counting),
      () => missingChunksError(ids),
    )
  }

  async #counted(
    options: FetchOptions,
    fetch: (counting: AbortOptions & { onProgress: (bytesDone: number) => void }) => Promise<number>,
    unavailable: () => DittoError,
  ): Promise<number> {
    let bytes = 0
    const onProgress = (bytesDone: number) => {
      if (bytesDone <= bytes) return
      options.onProgress?.(bytesDone - bytes)
      bytes = bytesDone
    }
    try {
      return await fetch({ onProgress, ...(options.signal === undefined ? {} : { signal: options.signal }) })
    } catch (error) {
      const isUnavailable = isDittoError(error, 'DITTO_PEER_UNREACHABLE') || isDittoError(error, 'DITTO_CHUNK_MISSING')
      if (!isUnavailable) throw error
      // The sentence of the engine knows no path; the code tells whether anybody was there to be asked.
      const { message, details } = unavailable()
      throw new DittoError(error.code, message, { cause: error, details })
    }
  }
}
