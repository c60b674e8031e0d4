import { type ChunkId, type ContentRef, type DeviceKey, MAX_CHUNK_BYTES, MAX_IDS_PER_REQUEST } from '@dittofs/interface'
import { MAX_RANGES_PER_REQUEST } from '@dittofs/wire'

/** How a chunk that was wanted ended. `absent`: no peer has it. `refused`: what came does not match the metadata. */
export type ChunkOutcome = 'stored' | 'absent' | 'refused' | 'failed'

/** Told once about each chunk it waits for. */
export interface ChunkWaiter {
  /** Goes before what is not. */
  readonly isUrgent: boolean
  /** Waits a while for a peer when there is none. */
  readonly isPatient: boolean
  /** Only counts what is missing: nobody is asked for it. */
  readonly isCounting?: boolean
  /** @param bytes - how many were stored */
  settled(chunk: WantedChunk, outcome: ChunkOutcome, bytes: number): void
}

/** What a chunk is wanted for: a person waits for it, or it belongs to a small file, or only to large ones. */
export type Need = 'asked' | 'small' | 'large'

/** Strongest first. */
const NEEDS: readonly Need[] = ['asked', 'small', 'large']

/** A chunk on its way here. */
export interface WantedChunk {
  readonly id: ChunkId
  /** The strongest there was. */
  need: Need
  /** As the metadata has it; `undefined` for a manifest node. */
  readonly length: number | undefined
  /** Whose changes it counts as growth of. */
  readonly author: DeviceKey | undefined
  state: 'queued' | 'asked' | 'storing' | 'settled'
  readonly waiters: ChunkWaiter[]
  /** Peers that said they do not have it. */
  absentAt: Set<object> | undefined
}

export type ManifestContent = Extract<ContentRef, { kind: 'manifest' }>

/** A manifest by which chunks may be named: their places in it instead of their IDs. */
export interface ManifestPlaces {
  readonly content: ManifestContent
  readonly size: number
  /** For each chunk, its index in the file, rising. */
  readonly indexes: readonly number[]
}

/** What one peer may be asked for. */
export interface Share {
  /** Whether for chunks of a need that nobody was asked for yet. */
  takesFresh: (need: Need) => boolean
  /** Whether for a chunk that another did not have or did not deliver. */
  takesAgain: (chunk: WantedChunk) => boolean
  /** Whether small files go before large ones that were wanted earlier. */
  readonly isSmallFirst: boolean
}

const EVERYTHING: Share = { takesFresh: () => true, takesAgain: () => true, isSmallFirst: false }

/** Chunks that one request asks for. With `ranges` they are named by a manifest, in order, otherwise by ID. */
export interface Batch {
  readonly chunks: readonly WantedChunk[]
  readonly bytes: number
  readonly manifest?: {
    readonly content: ManifestContent
    readonly size: number
    readonly ranges: readonly { readonly first: number; readonly count: number }[]
  }
}

interface Segment {
  readonly need: Need
  /** When it was wanted, among the others. */
  readonly order: number
  readonly chunks: readonly WantedChunk[]
  readonly places: ManifestPlaces | undefined
  next: number
}

/** Bytes to reckon with before a chunk is here. */
export function expectedBytes(chunk: WantedChunk): number {
  return chunk.length ?? MAX_CHUNK_BYTES
}

/**
 * The chunks a space wants and does not have yet: each once, whoever wants it. Urgent ones (asked for by a person,
 * manifest nodes) go first, then those a peer did not have or did not deliver, then the rest in order.
 */
export class FetchQueue {
  readonly #onSettled: ChunkWaiter['settled']
  readonly #wanted = new Map<ChunkId, WantedChunk>()
  /** By need, the strongest first. */
  #urgent = lanes()
  #again: WantedChunk[] = []
  #normal = lanes()
  #segments = 0
  #queued = 0
  #queuedBytes = 0
  #bytes = 0

  /** @param onSettled - told once about each chunk, before those who wait for it */
  constructor(onSettled: ChunkWaiter['settled'] = () => undefined) {
    this.#onSettled = onSettled
  }

  /** Chunks that nobody was asked for yet. */
  get queued(): number {
    return this.#queued
  }

  /** Chunks that are not here yet: queued, asked for, or on their way to the store. */
  get size(): number {
    return this.#wanted.size
  }

  /** Their bytes. */
  get bytes(): number {
    return this.#bytes
  }

  get queuedBytes(): number {
    return this.#queuedBytes
  }

  isWanted(id: ChunkId): boolean {
    return this.#wanted.has(id)
  }

  /**
   * Adds chunks for a waiter. One that is wanted already is not asked for twice; its waiter is told all the same.
   *
   * @returns the chunks waited for, in the order of `refs`
   */
  want(
    refs: readonly { readonly id: ChunkId; readonly length: number | undefined; readonly author?: DeviceKey }[],
    waiter: ChunkWaiter,
    places?: ManifestPlaces,
    need: Need = 'asked',
  ): readonly WantedChunk[] {
    const added: WantedChunk[] = []
    const indexes: number[] = []
    const all = refs.map((ref, i) => {
      let chunk = this.#wanted.get(ref.id)
      if (chunk === undefined) {
        const { id, length, author } = ref
        chunk = { id, need, length, author, state: 'queued', waiters: [waiter], absentAt: undefined }
        this.#wanted.set(ref.id, chunk)
        this.#bytes += expectedBytes(chunk)
        this.#count(chunk, 1)
      } else {
        if (chunk.waiters.includes(waiter)) return chunk
        chunk.waiters.push(waiter)
        const isStronger = NEEDS.indexOf(need) < NEEDS.indexOf(chunk.need)
        if (isStronger) chunk.need = need
        // It stands further back as well; whoever comes to it there finds it asked for.
        if ((!waiter.isUrgent && !isStronger) || chunk.state !== 'queued') return chunk
      }
      added.push(chunk)
      if (places !== undefined) indexes.push(places.indexes[i] as number)
      return chunk
    })
    if (added.length === 0) return all
    const segment: Segment = {
      need,
      order: this.#segments++,
      chunks: added,
      places: places === undefined ? undefined : { content: places.content, size: places.size, indexes },
      next: 0,
    }
    const lanes = waiter.isUrgent ? this.#urgent : this.#normal
    lanes[need].push(segment)
    return all
  }

  /**
   * Takes what to ask `peer` for next, about `maxBytes` and at most MAX_IDS_PER_REQUEST chunks.
   *
   * @returns `undefined` when there is nothing that it may have
   */
  take(peer: object, maxBytes: number, share: Share = EVERYTHING): Batch | undefined {
    const needs = NEEDS.filter((need) => share.takesFresh(need))
    for (const need of needs) {
      const batch = this.#takeFrom(this.#urgent[need], maxBytes)
      if (batch !== undefined) return batch
    }
    const again = this.#takeAgain(peer, maxBytes, share)
    if (again !== undefined) return again
    const orders = (need: Need) => this.#normal[need][0]?.order ?? Number.POSITIVE_INFINITY
    if (!share.isSmallFirst) needs.sort((a, b) => orders(a) - orders(b))
    for (const need of needs) {
      const batch = this.#takeFrom(this.#normal[need], maxBytes)
      if (batch !== undefined) return batch
    }
    return undefined
  }

  /** Back to the queue: the peer that was asked will not deliver it, or delivered other bytes. */
  requeue(chunks: readonly WantedChunk[]): void {
    for (const chunk of chunks) {
      if (chunk.state !== 'asked' && chunk.state !== 'storing') continue
      chunk.state = 'queued'
      this.#count(chunk, 1)
      this.#again.push(chunk)
    }
  }

  /** Ends the wait for a chunk and tells everyone who waits. */
  settle(chunk: WantedChunk, outcome: ChunkOutcome, bytes = 0): void {
    if (chunk.state === 'settled') return
    if (chunk.state === 'queued') this.#count(chunk, -1)
    chunk.state = 'settled'
    this.#wanted.delete(chunk.id)
    this.#bytes -= expectedBytes(chunk)
    this.#onSettled(chunk, outcome, bytes)
    for (const waiter of chunk.waiters) waiter.settled(chunk, outcome, bytes)
  }

  /** Settles chunks that one of the peers was asked for and none of them is left to give, by what each may be asked for. */
  settleUnavailable(peers: readonly object[], shareOf: (peer: object) => Share = () => EVERYTHING): void {
    const shares = peers.map((peer) => ({ peer, share: shareOf(peer) }))
    const left: WantedChunk[] = []
    for (const chunk of this.#again) {
      if (chunk.state !== 'queued') continue
      const canCome = shares.some(({ peer, share }) => chunk.absentAt?.has(peer) !== true && share.takesAgain(chunk))
      if (canCome) left.push(chunk)
      else this.settle(chunk, 'absent')
    }
    this.#again = left
  }

  /** A chunk arrived, asked for just now or by a request that was taken back. @returns whether it is still wanted */
  arrive(chunk: WantedChunk): boolean {
    if (chunk.state === 'storing' || chunk.state === 'settled') return false
    if (chunk.state === 'queued') this.#count(chunk, -1)
    chunk.state = 'storing'
    return true
  }

  /** Settles the queued chunks that `matches` picks. What was asked for or is being stored runs on. */
  settleQueued(outcome: ChunkOutcome, matches: (chunk: WantedChunk) => boolean): void {
    for (const chunk of [...this.#wanted.values()]) {
      if (chunk.state === 'queued' && matches(chunk)) this.settle(chunk, outcome)
    }
    const hasQueued = (segment: Segment) => segment.chunks.some((chunk) => chunk.state === 'queued')
    for (const need of NEEDS) {
      this.#urgent[need] = this.#urgent[need].filter(hasQueued)
      this.#normal[need] = this.#normal[need].filter(hasQueued)
    }
    this.#again = this.#again.filter((chunk) => chunk.state === 'queued')
  }

  #takeFrom(segments: Segment[], maxBytes: number): Batch | undefined {
    const chunks: WantedChunk[] = []
    const ranges: { first: number; count: number }[] = []
    let places: ManifestPlaces | undefined
    let bytes = 0
    for (;;) {
      const segment = segments[0]
      if (segment === undefined) break
      if (chunks.length > 0 && (places !== undefined || segment.places !== undefined)) break
      places = segment.places
      let isFull = false
      for (; segment.next < segment.chunks.length; segment.next++) {
        const chunk = segment.chunks[segment.next] as WantedChunk
        if (chunk.state !== 'queued') continue
        if (chunks.length > 0 && bytes + expectedBytes(chunk) > maxBytes) isFull = true
        if (isFull || chunks.length === MAX_IDS_PER_REQUEST) break
        if (places !== undefined) {
          const index = places.indexes[segment.next] as number
          const last = ranges.at(-1)
          if (last !== undefined && last.first + last.count === index) last.count++
          else if (ranges.length < MAX_RANGES_PER_REQUEST) ranges.push({ first: index, count: 1 })
          else break
        }
        this.#ask(chunk)
        chunks.push(chunk)
        bytes += expectedBytes(chunk)
      }
      if (segment.next < segment.chunks.length) break
      segments.shift()
    }
    if (chunks.length === 0) return undefined
    if (places === undefined) return { chunks, bytes }
    return { chunks, bytes, manifest: { content: places.content, size: places.size, ranges } }
  }

  #takeAgain(peer: object, maxBytes: number, share: Share): Batch | undefined {
    if (this.#again.length === 0) return undefined
    const chunks: WantedChunk[] = []
    const left: WantedChunk[] = []
    let bytes = 0
    for (const chunk of this.#again) {
      if (chunk.state !== 'queued') continue
      const isFull =
        chunks.length === MAX_IDS_PER_REQUEST || (chunks.length > 0 && bytes + expectedBytes(chunk) > maxBytes)
      if (isFull || chunk.absentAt?.has(peer) === true || !share.takesAgain(chunk)) {
        left.push(chunk)
        continue
      }
      this.#ask(chunk)
      chunks.push(chunk)
      bytes += expectedBytes(chunk)
    }
    this.#again = left
    return chunks.length === 0 ? undefined : { chunks, bytes }
  }

  #ask(chunk: WantedChunk): void {
    chunk.state = 'asked'
    this.#count(chunk, -1)
  }

  #count(chunk: WantedChunk, sign: 1 | -1): void {
    this.#queued += sign
    this.#queuedBytes += sign * expectedBytes(chunk)
  }
}

function lanes(): Record<Need, Segment[]> {
  return { asked: [], small: [], large: [] }
}
