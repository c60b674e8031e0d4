import { type AbortOptions, type ChunkDamage, type ChunkId, chunkId, MAX_CHUNK_BYTES } from '@dittofs/interface'
import type { ChunkIndex } from './chunk-index.ts'
import type { ChunkPool } from './chunk-pool.ts'
import { Gate } from './gate.ts'
import type { IndexEntry } from './index-codec.ts'
import { RECORD_HEADER_BYTES } from './pack-format.ts'
import type { PackHandles } from './pack-handles.ts'
import { isPassingFailure, storageError } from './storage-error.ts'

/** Bytes of one batch, unless a single chunk is longer. */
const BATCH_BYTES = 1024 * 1024
/** Chunks of one batch: very small ones must not make a batch that takes long to handle. */
const BATCH_CHUNKS = 1024
/** Bytes between two chunks that are read along rather than skipped by a second read. */
const MAX_GAP_BYTES = 64 * 1024
/** Batches read at once by all callers together; each needs a buffer of about BATCH_BYTES. */
const BATCHES_AT_ONCE = 16

/** A chunk to read: what the index says of it, and where its answer goes. */
export interface WantedChunk {
  readonly id: ChunkId
  readonly entry: IndexEntry
}

/** A chunk that was read: its bytes, or why there are none. */
export interface ReadChunk<Wanted extends WantedChunk> {
  readonly wanted: Wanted
  readonly bytes: Uint8Array | undefined
  readonly problem?: ChunkDamage['problem']
}

interface Piece<Wanted> {
  readonly wanted: Wanted
  /** Where its bytes are in the batch's buffer. */
  readonly at: number
}

interface Span {
  readonly pack: number
  readonly position: number
  readonly at: number
  length: number
}

interface Batch<Wanted> {
  readonly pieces: Piece<Wanted>[]
  readonly spans: Span[]
  bytes: number
}

export interface ChunkReaderInit {
  handles: PackHandles
  pool: ChunkPool
  index: ChunkIndex
}

/** Reads chunks from packs in the order they lie there, neighbours in one read, and verifies them in the workers. */
export class ChunkReader {
  readonly #init: ChunkReaderInit
  readonly #gate = new Gate(BATCHES_AT_ONCE)

  constructor(init: ChunkReaderInit) {
    this.#init = init
  }

  /**
   * Reads chunks, in batches. While one batch is used the next is read; no more than that is held.
   *
   * @throws DittoError DITTO_IO, DITTO_PERMISSION for failures that say nothing about the chunks
   */
  async *read<Wanted extends WantedChunk>(
    chunks: readonly Wanted[],
    options: AbortOptions = {},
  ): AsyncGenerator<readonly ReadChunk<Wanted>[]> {
    const batches = planBatches(chunks)
    let next = this.#start(batches[0], options)
    try {
      for (let nth = 0; nth < batches.length; nth++) {
        const batch = await next
        next = this.#start(batches[nth + 1], options)
        options.signal?.throwIfAborted()
        yield batch
      }
    } finally {
      await next.catch(() => {})
    }
  }

  #start<Wanted extends WantedChunk>(
    batch: Batch<Wanted> | undefined,
    options: AbortOptions,
  ): Promise<readonly ReadChunk<Wanted>[]> {
    if (batch === undefined) return Promise.resolve([])
    const reading = this.#gate.run(() => this.#readBatch(batch), options)
    // It is awaited one batch later; until then a failure must not count as unhandled.
    reading.catch(() => {})
    return reading
  }

  async #readBatch<Wanted extends WantedChunk>(batch: Batch<Wanted>): Promise<ReadChunk<Wanted>[]> {
    const unread = Buffer.allocUnsafeSlow(batch.bytes)
    const got = await Promise.all(batch.spans.map((span) => this.#readSpan(span, unread)))
    const ranges = Uint32Array.from(batch.pieces.flatMap(({ at, wanted }) => [at, wanted.entry.length]))
    const { buffer, digests } = await this.#init.pool.hash(unread.buffer, ranges)
    // Where a read ended early the buffer has what was in that memory before, which may well be the same chunk.
    const isRead = ({ at, wanted }: Piece<Wanted>) => {
      const nth = batch.spans.findLastIndex((span) => span.at <= at)
      return at + wanted.entry.length <= (batch.spans[nth]?.at ?? 0) + (got[nth] ?? 0)
    }
    const read: ReadChunk<Wanted>[] = []
    for (const [nth, piece] of batch.pieces.entries()) {
      const { wanted, at } = piece
      const id = chunkId.fromBytes(digests.subarray(nth * 32, nth * 32 + 32))
      if (!isRead(piece)) read.push(await this.#readAgain(wanted, 'unreadable'))
      else if (id !== wanted.id) read.push(await this.#readAgain(wanted, 'corrupt'))
      else read.push({ wanted, bytes: new Uint8Array(buffer, at, wanted.entry.length) })
    }
    return read
  }

  /** A chunk that did not come whole: alone this time, for a neighbour may be what failed, or from where it is now. */
  async #readAgain<Wanted extends WantedChunk>(
    wanted: Wanted,
    problem: ChunkDamage['problem'],
  ): Promise<ReadChunk<Wanted>> {
    const [now] = await this.#init.index.lookup([wanted.id])
    if (now === undefined || now.pack === 0) return { wanted, bytes: undefined }
    const isMoved = now.pack !== wanted.entry.pack || now.offset !== wanted.entry.offset
    if (!isMoved && problem === 'corrupt') return { wanted, bytes: undefined, problem }
    const target = Buffer.allocUnsafeSlow(now.length)
    const span: Span = { pack: now.pack, position: now.offset + RECORD_HEADER_BYTES, at: 0, length: now.length }
    const isWhole = (await this.#readSpan(span, target)) === now.length
    const { buffer, digests } = await this.#init.pool.hash(target.buffer, Uint32Array.of(0, now.length))
    if (isWhole && chunkId.fromBytes(digests) === wanted.id) return { wanted, bytes: new Uint8Array(buffer) }
    const found = isWhole ? 'corrupt' : 'unreadable'
    return { wanted: isMoved ? { ...wanted, entry: now } : wanted, bytes: undefined, problem: found }
  }

  /** @returns how many of the span's bytes there were; 0 when the pack cannot be read */
  async #readSpan(span: Span, buffer: Buffer): Promise<number> {
    const target = buffer.subarray(span.at, span.at + span.length)
    try {
      return await this.#init.handles.read(span.pack, target, span.position)
    } catch (error) {
      if (isPassingFailure(error)) throw storageError(error)
      return 0
    }
  }
}

/** Sorts chunks by place and lays them out in buffers of about BATCH_BYTES. */
function planBatches<Wanted extends WantedChunk>(chunks: readonly Wanted[]): Batch<Wanted>[] {
  const sorted = [...chunks].sort((a, b) => a.entry.pack - b.entry.pack || a.entry.offset - b.entry.offset)
  const batches: Batch<Wanted>[] = []
  for (const wanted of sorted) {
    const { pack, offset, length } = wanted.entry
    if (length > MAX_CHUNK_BYTES) continue
    const position = offset + RECORD_HEADER_BYTES
    let batch = batches.at(-1)
    let span = batch?.spans.at(-1)
    if (batch === undefined || batch.bytes + length > BATCH_BYTES || batch.pieces.length >= BATCH_CHUNKS) {
      batch = { pieces: [], spans: [], bytes: 0 }
      batches.push(batch)
      span = undefined
    }
    const end = span === undefined ? 0 : span.position + span.length
    const isNear = span?.pack === pack && position >= end && position - end <= MAX_GAP_BYTES
    if (span === undefined || !isNear || batch.bytes + (position - end) + length > BATCH_BYTES) {
      span = { pack, position, at: batch.bytes, length: 0 }
      batch.spans.push(span)
    }
    const at = span.at + (position - span.position)
    batch.pieces.push({ wanted, at })
    span.length = position + length - span.position
    batch.bytes = span.at + span.length
  }
  return batches
}
