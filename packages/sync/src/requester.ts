import {
  type Clock,
  chunkId,
  type DeviceKey,
  DittoError,
  MAX_REQUESTS_IN_FLIGHT,
  type SpaceId,
} from '@dittofs/interface'
import { type ChunksMessage, encodeMessage, type PackedChunksMessage, type WantMessage } from '@dittofs/wire'
import { unpackRecords } from './chunk-packing.ts'
import { type Batch, expectedBytes, type WantedChunk } from './fetch-queue.ts'
import type { LinkTuning } from './link-tuning.ts'
import type { LinkWriter } from './link-writer.ts'
import type { MemoryBudget } from './memory-budget.ts'
import type { RateLimiter } from './rate-limiter.ts'
import type { ReferenceQuestions } from './reference-questions.ts'
import { MIN_WINDOW_BYTES, TransferWindow } from './transfer-window.ts'
import { WireRate } from './wire-rate.ts'

/** Requests kept open at once; some of the peer's limit is left for requests that were cancelled and not yet closed. */
const MAX_OPEN_REQUESTS = MAX_REQUESTS_IN_FLIGHT / 2
/** Bytes of one request, whatever the profile of the link: a part of the window, so that several are always under way. */
const MIN_REQUEST_BYTES = 64 * 1024
export const MAX_REQUEST_BYTES = 4 * 1024 * 1024

/** Who asked, and is told what became of each chunk of its batches. */
export interface BatchOwner {
  readonly space: SpaceId
  /** The chunk's expected bytes stay charged to the budget; the owner gives them back. */
  received(requester: Requester, chunk: WantedChunk, bytes: Uint8Array): void
  absent(requester: Requester, chunks: readonly WantedChunk[]): void
  /** The peer will not be waited for any longer; what it sends all the same is `received`. */
  released(requester: Requester, chunks: readonly WantedChunk[]): void
}

interface OpenRequest {
  readonly owner: BatchOwner
  readonly batch: Batch
  readonly answered: Uint8Array
  readonly sentAt: number
  left: number
  leftBytes: number
  /** Its chunks were asked of somebody else; what still comes is taken all the same. */
  isReleased: boolean
}

export interface RequesterInit {
  peer: DeviceKey
  isMetered: boolean
  /** Whether the transport is: then little is asked for until its rate is known. */
  isSlow: boolean
  tuning: LinkTuning
  /** What the peer can be asked about manifests. */
  references: ReferenceQuestions
  writer: LinkWriter
  clock: Clock
  budget: MemoryBudget
  /** What content is asked for at. */
  download: RateLimiter
  /** Number of a space in this session. */
  spaceNumber: (space: SpaceId) => number | undefined
}

/**
 * The requests open at one peer. Every chunk asked for is answered once, by its bytes or as absent, also after a
 * cancel; anything else ends the link.
 */
export class Requester {
  readonly peer: DeviceKey
  /** Whether bytes over the link cost money or battery. */
  readonly isMetered: boolean
  readonly references: ReferenceQuestions
  readonly tuning: LinkTuning
  readonly window: TransferWindow
  /** Whether it may be asked for more; over a link that another has taken over from, what was asked for still comes. */
  isServing = false
  readonly #init: RequesterInit
  readonly #wire = new WireRate()
  readonly #open = new Map<number, OpenRequest>()
  #nextRequest = 1
  #inFlightBytes = 0
  #lastAnswerAt = 0

  constructor(init: RequesterInit) {
    this.#init = init
    this.peer = init.peer
    this.isMetered = init.isMetered
    this.references = init.references
    this.tuning = init.tuning
    const { isSlow, tuning } = init
    this.window = new TransferWindow(() =>
      isSlow ? { ...tuning.profile, startWindowBytes: MIN_WINDOW_BYTES } : tuning.profile,
    )
  }

  get inFlightBytes(): number {
    return this.#inFlightBytes
  }

  /** Milliseconds on the monotonic clock when content last came, or when the first open request was sent. */
  get lastAnswerAt(): number {
    return this.#lastAnswerAt
  }

  /** Bytes the next request may name; 0 when the window, the memory budget, the rate or the number of requests is used up. */
  get roomBytes(): number {
    if (!this.isServing) return 0
    if (this.#open.size >= MAX_OPEN_REQUESTS || !this.#init.download.hasRoom) return 0
    const room = Math.min(this.window.bytes - this.#inFlightBytes, this.#init.budget.roomBytes)
    if (room <= 0 && !(this.#inFlightBytes === 0 && this.#init.budget.isIdle)) return 0
    const { minRequestBytes, maxRequestBytes } = this.tuning.profile
    const share = Math.max(this.window.bytes / 4, Math.min(minRequestBytes, this.window.bytes / 2))
    const bytes = Math.min(share, this.#init.download.pieceBytes)
    return Math.min(Math.max(bytes, MIN_REQUEST_BYTES), maxRequestBytes)
  }

  /** The peer answered a ping. */
  roundTrip(elapsedMs: number): void {
    this.window.answered(elapsedMs)
    this.#measured()
  }

  /** Sends one request. The budget is charged for its chunks until the owner gives it back. */
  request(owner: BatchOwner, batch: Batch): void {
    const space = this.#init.spaceNumber(owner.space)
    const now = this.#init.clock.monotonic()
    if (this.#inFlightBytes === 0) {
      this.window.begin(now)
      this.#wire.begin(now)
      this.#lastAnswerAt = now
    }
    const request = this.#nextRequest
    this.#nextRequest = request === 0xffff_ffff ? 1 : request + 1
    this.#open.set(request, {
      owner,
      batch,
      answered: new Uint8Array(batch.chunks.length),
      sentAt: now,
      left: batch.chunks.length,
      leftBytes: batch.bytes,
      isReleased: false,
    })
    this.#inFlightBytes += batch.bytes
    this.#init.budget.take(batch.bytes)
    this.#init.download.spend(batch.bytes)
    const want = wantMessage(request, space ?? 0, batch)
    this.#init.writer.post(encodeMessage({ ...want, ...this.#wire.packing }))
  }

  /** @throws DittoError DITTO_PROTOCOL for content nobody asked for, or that cannot be unpacked */
  async onPackedChunks(message: PackedChunksMessage): Promise<void> {
    const wireBytes = message.records.reduce((sum, { bytes }) => sum + bytes.length, 0)
    const records = await unpackRecords(message.records)
    this.onChunks({ type: 'chunks', request: message.request, records }, wireBytes)
  }

  /**
   * @param wireBytes - as many as came over the link; those of the chunks where they were not packed
   * @throws DittoError DITTO_PROTOCOL for content nobody asked for
   */
  onChunks(message: ChunksMessage, wireBytes?: number): void {
    const open = this.#find(message.request)
    const now = this.#init.clock.monotonic()
    this.#lastAnswerAt = now
    if (open.left === open.batch.chunks.length) this.window.answered(now - open.sentAt)
    let bytes = 0
    for (const record of message.records) {
      const chunk = this.#answer(message.request, open, record.index)
      bytes += record.bytes.length
      if (open.isReleased) this.#init.budget.take(expectedBytes(chunk))
      open.owner.received(this, chunk, record.bytes)
    }
    this.window.received(bytes, now)
    this.#measured()
    this.#wire.received(wireBytes ?? bytes, now)
  }

  /** @throws DittoError DITTO_PROTOCOL for an answer nobody waits for */
  onAbsent(message: { readonly request: number; readonly indexes: readonly number[] }): void {
    const open = this.#find(message.request)
    this.#lastAnswerAt = this.#init.clock.monotonic()
    const chunks = message.indexes.map((index) => this.#answer(message.request, open, index))
    // What a cancelled request leaves unanswered says nothing about who has it.
    if (open.isReleased) return
    this.#init.budget.give(sum(chunks))
    open.owner.absent(this, chunks)
  }

  /**
   * Takes back the owner's newest request of which another peer may have something, so that it can be asked.
   *
   * @param mayHave - whether that peer may have a chunk
   */
  releaseNewest(owner: BatchOwner, mayHave: (chunk: WantedChunk) => boolean): boolean {
    const newest = [...this.#open].findLast(
      ([, { owner: its, batch, answered, isReleased }]) =>
        its === owner && !isReleased && batch.chunks.some((chunk, i) => answered[i] === 0 && mayHave(chunk)),
    )
    if (newest === undefined) return false
    this.#release(...newest)
    return true
  }

  /** Takes back all that was asked, for one owner or for all of them: the peer is silent, or gone. */
  releaseAll(owner?: BatchOwner): void {
    for (const [request, open] of this.#open) {
      if (!open.isReleased && (owner === undefined || open.owner === owner)) this.#release(request, open)
    }
  }

  #measured(): void {
    const { bytesPerSecond, roundTripMs } = this.window
    this.tuning.measured({
      ...(bytesPerSecond !== undefined && { bytesPerSecond }),
      ...(roundTripMs !== undefined && { roundTripMs }),
    })
  }

  #release(request: number, open: OpenRequest): void {
    open.isReleased = true
    this.#inFlightBytes -= open.leftBytes
    this.#init.writer.post(encodeMessage({ type: 'cancel', request }))
    const chunks = open.batch.chunks.filter((_, i) => open.answered[i] === 0)
    this.#init.budget.give(sum(chunks))
    open.owner.released(this, chunks)
  }

  #find(request: number): OpenRequest {
    const open = this.#open.get(request)
    if (open === undefined) throw unrequested()
    return open
  }

  #answer(request: number, open: OpenRequest, index: number): WantedChunk {
    const chunk = open.batch.chunks[index]
    if (chunk === undefined || open.answered[index] !== 0) throw unrequested()
    open.answered[index] = 1
    open.left--
    open.leftBytes -= expectedBytes(chunk)
    if (!open.isReleased) this.#inFlightBytes -= expectedBytes(chunk)
    if (open.left === 0) this.#open.delete(request)
    return chunk
  }
}

function wantMessage(request: number, space: number, batch: Batch): WantMessage {
  if (batch.manifest === undefined) {
    const ids = Buffer.allocUnsafe(32 * batch.chunks.length)
    for (const [i, chunk] of batch.chunks.entries()) ids.write(chunk.id, 32 * i, 'hex')
    return { type: 'want', request, space, ids }
  }
  const { content, size, ranges } = batch.manifest
  const { root, depth, chunkCount } = content
  return {
    type: 'want',
    request,
    space,
    manifest: { root: chunkId.toBytes(root), depth, chunks: chunkCount, size, ranges },
  }
}

function sum(chunks: readonly WantedChunk[]): number {
  return chunks.reduce((bytes, chunk) => bytes + expectedBytes(chunk), 0)
}

function unrequested(): DittoError {
  return new DittoError('DITTO_PROTOCOL', 'The peer sent content that nobody asked for.')
}
