import {
  type ChunkId,
  type ChunkStore,
  type Clock,
  chunkId,
  DittoError,
  type Logger,
  MAX_CHUNK_BYTES,
  MAX_FRAME_BYTES,
  MAX_QUEUED_ANSWER_BYTES,
  MAX_REQUESTS_IN_FLIGHT,
  type ReadManifest,
  type SpaceId,
} from '@dittofs/interface'
import {
  CHUNKS_HEADER_BYTES,
  type ChunkRecord,
  encodeChunks,
  encodeMessage,
  encodePackedChunks,
  PACKED_RECORD_HEADER_BYTES,
  type WantMessage,
  wantedCount,
} from '@dittofs/wire'
import { packRecords } from './chunk-packing.ts'
import type { LinkWriter } from './link-writer.ts'
import { ManifestCursor } from './manifest-cursor.ts'
import { PackingCost } from './packing-cost.ts'
import type { RateLimiter } from './rate-limiter.ts'
import { Wakeup } from './wakeup.ts'

/** Requests answered in turn; more only wait. Each holds one frame read ahead, and one batch of the store, about as large. */
const MAX_ACTIVE = MAX_QUEUED_ANSWER_BYTES / (2 * MAX_FRAME_BYTES)
/** Manifests whose walk is remembered for the next request. Each holds one run of at most 4,096 chunk IDs. */
const MAX_CURSORS = 4

export interface ProviderInit {
  store: ChunkStore
  readManifest: ReadManifest
  writer: LinkWriter
  log: Logger
  /** What content is sent at. */
  upload: RateLimiter
  clock: Clock
  /** The space that a number of the peer stands for, where the peer is a member of it now. */
  spaceOf: (number: number) => SpaceId | undefined
}

interface Answer {
  readonly want: WantMessage
  readonly frames: AsyncGenerator<readonly Uint8Array[]>
  isCancelled: boolean
  /** The next frame, read while the one before it is being sent. */
  ahead: Promise<IteratorResult<readonly Uint8Array[]>> | undefined
}

/**
 * Answers the requests of one peer, and only for chunks that are available in the space named: an unknown space, a
 * space that the peer is no member of and a missing chunk are all `absent`. Small requests are not held up by large
 * ones, a peer that does not read holds up nobody else, and costs at most MAX_ACTIVE batches.
 */
export class Provider {
  readonly #init: ProviderInit
  readonly #wakeup = new Wakeup()
  readonly #answers = new Map<number, Answer>()
  #active: Answer[] = []
  #waiting: Answer[] = []
  readonly #cursors = new Map<string, ManifestCursor>()
  readonly #packing = new PackingCost()

  constructor(init: ProviderInit) {
    this.#init = init
  }

  /** @throws DittoError DITTO_LIMIT (too many requests open), DITTO_PROTOCOL (a number in use) */
  want(want: WantMessage): void {
    if (this.#answers.has(want.request)) {
      throw new DittoError('DITTO_PROTOCOL', 'The peer used the number of a request that is still open.')
    }
    if (this.#answers.size >= MAX_REQUESTS_IN_FLIGHT) {
      throw new DittoError('DITTO_LIMIT', `The peer opened more than ${MAX_REQUESTS_IN_FLIGHT} requests.`)
    }
    const answer: Answer = { want, frames: this.#frames(want), isCancelled: false, ahead: undefined }
    this.#answers.set(want.request, answer)
    this.#waiting.push(answer)
    this.#wakeup.wake()
  }

  /** What is left of the request is answered as absent. A number that is not open was answered already. */
  cancel(request: number): void {
    const answer = this.#answers.get(request)
    if (answer !== undefined) answer.isCancelled = true
  }

  /** Answers until the signal is aborted or the link ends; rejects with the reason. */
  async run(signal: AbortSignal): Promise<void> {
    try {
      for (;;) {
        while (this.#active.length < MAX_ACTIVE && this.#waiting.length > 0) {
          this.#active.push(this.#waiting.shift() as Answer)
        }
        const answer = this.#active.shift()
        if (answer === undefined) {
          await this.#wakeup.wait({ signal })
          continue
        }
        const frame = await (answer.ahead ?? answer.frames.next())
        if (frame.done === true) {
          this.#answers.delete(answer.want.request)
          continue
        }
        answer.ahead = answer.frames.next()
        // Awaited in its turn; until then a failure is nobody's.
        answer.ahead.catch(() => undefined)
        this.#active.push(answer)
        await this.#init.upload.pass(lengthOf(frame.value), { signal })
        await this.#init.writer.write(frame.value, { signal })
      }
    } finally {
      for (const answer of this.#answers.values()) answer.isCancelled = true
      await Promise.allSettled([...this.#answers.values()].map((answer) => answer.frames.return(undefined)))
      this.#answers.clear()
      await Promise.allSettled([...this.#cursors.values()].map((cursor) => cursor.close()))
      this.#cursors.clear()
    }
  }

  /** One frame of chunks, compressed where the peer asks for that, there is time for it and the chunks shrink. */
  async #frameOf(want: WantMessage, records: readonly ChunkRecord[]): Promise<readonly Uint8Array[]> {
    if (want.packBelow === undefined || !this.#packing.isWorthIt(want.packBelow))
      return encodeChunks(want.request, records)
    const { clock } = this.#init
    const start = clock.monotonic()
    const packed = await packRecords(records)
    if (packed === undefined) return encodeChunks(want.request, records)
    const bytes = packed.reduce((sum, { length }) => sum + length, 0)
    this.#packing.packed(bytes, clock.monotonic() - start)
    return encodePackedChunks(want.request, packed)
  }

  async *#frames(want: WantMessage): AsyncGenerator<readonly Uint8Array[]> {
    const count = wantedCount(want)
    const answered = new Uint8Array(count)
    try {
      const space = this.#init.spaceOf(want.space)
      if (space !== undefined) yield* this.#chunkFrames(want, space, answered)
    } catch (error) {
      this.#init.log.warn({ error }, 'A request of a peer could not be answered from the store.')
    }
    const absent: number[] = []
    for (let index = 0; index < count; index++) if (answered[index] === 0) absent.push(index)
    if (absent.length > 0) yield [encodeMessage({ type: 'absent', request: want.request, indexes: absent })]
  }

  async *#chunkFrames(want: WantMessage, space: SpaceId, answered: Uint8Array): AsyncGenerator<readonly Uint8Array[]> {
    const { store, spaceOf } = this.#init
    const isOver = () => this.#answers.get(want.request)?.isCancelled !== false || spaceOf(want.space) !== space
    const { ids, indexes } = known(await this.#idsOf(want, space))
    let records: ChunkRecord[] = []
    let bytes = CHUNKS_HEADER_BYTES
    const takeFrame = async () => {
      const frame = await this.#frameOf(want, records)
      for (const record of records) answered[record.index] = 1
      records = []
      bytes = CHUNKS_HEADER_BYTES
      return frame
    }
    for await (const batch of store.getMany(space, ids)) {
      for (const item of batch) {
        if (isOver()) return
        const index = indexes[item.index]
        if (index === undefined || item.bytes === undefined) continue
        const size = PACKED_RECORD_HEADER_BYTES + item.bytes.length
        if (bytes + size > MAX_FRAME_BYTES) yield await takeFrame()
        records.push({ index, bytes: item.bytes })
        bytes += size
        if (bytes > this.#init.upload.pieceBytes) yield await takeFrame()
      }
      // Sent when no chunk of any size would go in: what the store gives at once is about one frame.
      if (bytes > MAX_FRAME_BYTES - MAX_CHUNK_BYTES) yield await takeFrame()
    }
    if (records.length > 0 && !isOver()) yield await takeFrame()
  }

  async #idsOf(want: WantMessage, space: SpaceId): Promise<(ChunkId | undefined)[]> {
    if (want.manifest === undefined) {
      const hex = Buffer.from(want.ids ?? new Uint8Array()).toString('hex')
      return Array.from({ length: hex.length / 64 }, (_, i) => hex.slice(64 * i, 64 * i + 64) as ChunkId)
    }
    const { root, depth, chunks, size, ranges } = want.manifest
    const name = `${space} ${Buffer.from(root).toString('hex')} ${depth} ${chunks} ${size}`
    let cursor = this.#cursors.get(name)
    this.#cursors.delete(name)
    cursor ??= new ManifestCursor(
      this.#init.readManifest,
      this.#init.store,
      space,
      { kind: 'manifest', root: chunkId.fromBytes(root), depth, chunkCount: chunks },
      size,
    )
    const ids = await cursor.resolve(ranges)
    if (cursor.isComplete) this.#remember(name, cursor)
    else await cursor.close()
    return ids
  }

  #remember(name: string, cursor: ManifestCursor): void {
    this.#cursors.set(name, cursor)
    if (this.#cursors.size <= MAX_CURSORS) return
    const [oldest] = this.#cursors.keys()
    if (oldest === undefined) return
    void this.#cursors.get(oldest)?.close()
    this.#cursors.delete(oldest)
  }
}

function lengthOf(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, part) => sum + part.length, 0)
}

function known(ids: readonly (ChunkId | undefined)[]): { ids: ChunkId[]; indexes: number[] } {
  const found: { ids: ChunkId[]; indexes: number[] } = { ids: [], indexes: [] }
  for (const [index, id] of ids.entries()) {
    if (id === undefined) continue
    found.ids.push(id)
    found.indexes.push(index)
  }
  return found
}
