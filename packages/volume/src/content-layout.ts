import {
  type AbortOptions,
  type ByteRange,
  type ChunkId,
  type ChunkRef,
  type ChunkRun,
  type ChunkStore,
  DittoError,
  type FileContent,
  type ReadManifest,
  type SpaceId,
} from '@dittofs/interface'

/** What reading needs of a file's version. */
export type StoredContent = Pick<FileContent, 'content' | 'size'>

/** A chunk and where its first byte is in the file. */
export interface PlacedChunk extends ChunkRef {
  readonly offset: number
}

export interface ContentLayoutInit {
  store: ChunkStore
  space: SpaceId
  readManifest: ReadManifest
  /** Brings manifest nodes. */
  fetch: (ids: readonly ChunkId[], options: AbortOptions) => Promise<void>
}

/** Runs kept: of 4,096 chunks each, about 1 MB in memory. */
const MAX_RUNS = 24
/** A manifest has three levels of nodes at most: each may have to be fetched once. */
const MAX_FETCHES = 4

interface KeptRun {
  readonly root: ChunkId
  readonly start: number
  readonly end: number
  readonly chunks: readonly PlacedChunk[]
}

/**
 * Where the chunks of files lie. What was found of a manifest is kept for the files used last, so that a reader of a large
 * file does not walk its manifest each time.
 */
export class ContentLayout {
  readonly #init: ContentLayoutInit
  /** The one used last at the end. */
  readonly #runs: KeptRun[] = []

  constructor(init: ContentLayoutInit) {
    this.#init = init
  }

  /**
   * The chunks that have bytes of a part of a file, in order.
   *
   * @throws DittoError DITTO_MANIFEST_INVALID, DITTO_CHUNK_MISSING
   */
  async chunksOf(
    { content, size }: StoredContent,
    part: ByteRange,
    options: AbortOptions = {},
  ): Promise<PlacedChunk[]> {
    if (content.kind === 'inline') return overlapping(placed({ first: 0, offset: 0, chunks: content.chunks }), part)
    const found: PlacedChunk[] = []
    for (let at = part.start; at < part.end; ) {
      const run = this.#kept(content.root, at) ?? (await this.#load({ content, size }, content.root, at, options))
      found.push(...overlapping(run.chunks, { start: at, end: part.end }))
      at = run.end
    }
    return found
  }

  #kept(root: ChunkId, at: number): KeptRun | undefined {
    const index = this.#runs.findIndex((run) => run.start <= at && at < run.end && run.root === root)
    if (index === -1) return undefined
    const [run] = this.#runs.splice(index, 1)
    this.#runs.push(run as KeptRun)
    return run
  }

  async #load(stored: StoredContent, root: ChunkId, at: number, options: AbortOptions): Promise<KeptRun> {
    const { store, space, readManifest, fetch } = this.#init
    const within = { start: at, end: at + 1 }
    for (let fetches = 0; fetches < MAX_FETCHES; fetches++) {
      const missing: ChunkId[] = []
      for await (const step of readManifest(store, space, stored.content, stored.size, { ...options, within })) {
        if (step.kind === 'chunks') return this.#keep(root, step.run)
        missing.push(...step.nodes)
      }
      await fetch(missing, options)
    }
    throw new DittoError('DITTO_CHUNK_MISSING', 'The list of the file’s chunks did not come; try again later.')
  }

  #keep(root: ChunkId, run: ChunkRun): KeptRun {
    const chunks = placed(run)
    const last = chunks.at(-1)
    const end = last === undefined ? run.offset : last.offset + last.length
    const kept = { root, start: run.offset, end, chunks }
    this.#runs.push(kept)
    if (this.#runs.length > MAX_RUNS) this.#runs.shift()
    return kept
  }
}

function placed({ offset, chunks }: ChunkRun): PlacedChunk[] {
  let at = offset
  return chunks.map(({ id, length }) => {
    const chunk = { id, length, offset: at }
    at += length
    return chunk
  })
}

/** Those of some chunks, in order, that have bytes of a part. */
function overlapping(chunks: readonly PlacedChunk[], { start, end }: ByteRange): PlacedChunk[] {
  let low = 0
  let high = chunks.length
  while (low < high) {
    const middle = (low + high) >> 1
    const chunk = chunks[middle] as PlacedChunk
    if (chunk.offset + chunk.length <= start) low = middle + 1
    else high = middle
  }
  const found: PlacedChunk[] = []
  for (let at = low; at < chunks.length && (chunks[at] as PlacedChunk).offset < end; at++) {
    found.push(chunks[at] as PlacedChunk)
  }
  return found
}
