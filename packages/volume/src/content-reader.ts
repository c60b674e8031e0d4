import type { AbortOptions, ByteRange } from '@dittofs/interface'
import type { ChunkCache } from './chunk-cache.ts'
import type { ContentLayout, StoredContent } from './content-layout.ts'
import type { ReadAhead } from './read-ahead.ts'

/** Chunks waited for together: a manifest may be of chunks of one byte. */
const CHUNKS_AT_ONCE = 256

export interface ContentReaderInit {
  layout: ContentLayout
  cache: ChunkCache
  ahead: ReadAhead
}

/** Reads parts of stored contents, whether their bytes are here or have to come first. */
export class ContentReader {
  readonly #init: ContentReaderInit

  constructor(init: ContentReaderInit) {
    this.#init = init
  }

  /**
   * @param part - within the content
   * @returns its bytes, verified, owned by the caller
   * @throws DittoError DITTO_CHUNK_MISSING, DITTO_MANIFEST_INVALID
   */
  async read(stored: StoredContent, part: ByteRange, options: AbortOptions = {}): Promise<Uint8Array> {
    const bytes = new Uint8Array(part.end - part.start)
    let at = 0
    for (const piece of await this.pieces(stored, part, options)) {
      bytes.set(piece, at)
      at += piece.length
    }
    return bytes
  }

  /** As `read`. @returns the same bytes in order, parts of chunks that belong to the cache and are not to be changed */
  async pieces(stored: StoredContent, part: ByteRange, options: AbortOptions = {}): Promise<Uint8Array[]> {
    const { layout, cache } = this.#init
    if (part.end === part.start) return []
    const pieces: Uint8Array[] = []
    const chunks = await layout.chunksOf(stored, part, options)
    for (let at = 0; at < chunks.length; at += CHUNKS_AT_ONCE) {
      const some = chunks.slice(at, at + CHUNKS_AT_ONCE)
      const loaded = await unlessAborted(Promise.all(cache.load(some)), options.signal)
      for (const [index, { offset }] of some.entries()) {
        const chunk = loaded[index] as Uint8Array
        pieces.push(chunk.subarray(Math.max(part.start - offset, 0), part.end - offset))
      }
    }
    return pieces
  }

  /** Takes note that somebody has read a part, and reads on ahead of them where that seems to be of use. */
  readAhead(stored: StoredContent, part: ByteRange): void {
    const { layout, cache, ahead } = this.#init
    if (stored.content.kind === 'inline') return
    const next = ahead.next(stored.content.root, part, stored.size)
    if (next === undefined) return
    layout
      .chunksOf(stored, next)
      .then((chunks) => Promise.all(cache.load(chunks.slice(0, CHUNKS_AT_ONCE))))
      // Whoever needs these bytes will ask for them, and be told.
      .catch(() => undefined)
  }
}

/** Others may wait for the same work: an abort ends the wait alone. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work
  work.catch(() => undefined)
  signal.throwIfAborted()
  let onAbort = () => {}
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason as Error)
    signal.addEventListener('abort', onAbort, { once: true })
  })
  try {
    return await Promise.race([work, aborted])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
