import { type ChunkId, type ContentRef, MAX_CHUNK_BYTES, MAX_IDS_PER_REQUEST } from '@dittofs/interface'
import { MAX_RANGES_PER_REQUEST } from '@dittofs/wire'

/** How a chunk that was wanted ended. `absent`: no peer has it. `refused`: what came does not match the metadata. */
export type ChunkOutcome = 'stored' | 'absent' | 'refused' | 'failed'

/** Told once about each chunk it waits for. */
export interface ChunkWaiter {
  /** Goes before what is not. */
  readonly isUrgent: boolean
  /** Waits a while for a peer when there is none. */
  readonly isPatient: boolean
  /** @param bytes - how many were stored */
  settled(chunk: WantedChunk, outcome: ChunkOutcome, bytes: number): void
}

/** A chunk on its way here. */
export interface WantedChunk {
  readonly id: ChunkId
  /** As the metadata has it; `undefined` for a manifest node. */
  readonly length: number | undefined
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
  readonly #wanted = new Map<ChunkId, WantedChunk>()
  #urgent: Segment[] = []
  #again: WantedChunk[] = []
  #normal: Segment[] = []
  #queued = 0
  #queuedBytes = 0
  #bytes = 0

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

  /**
   * Adds chunks for a waiter. One that is wanted already is not asked for twice; its waiter is told all the same.
   *
   * @returns the chunks waited for, in the order of `refs`
   */
  want(
    refs: readonly { readonly id: ChunkId; readonly length: number | undefined }[],
    waiter: ChunkWaiter,
    places?: ManifestPlaces,
  ): readonly WantedChunk[] {
    const added: WantedChunk[] = []
    const indexes: number[] = []
    const all = refs.map((ref, i) => {
      let chunk = this.#wanted.get(ref.id)
      if (chunk === undefined) {
        chunk = { id: ref.id, length: ref.length, state: 'queued', waiters: [waiter], absentAt: undefined }
        this.#wanted.set(ref.id, chunk)
        this.#bytes += expectedBytes(chunk)
        this.#count(chunk, 1)
      } else {
        if (chunk.waiters.includes(waiter)) return chunk
        chunk.waiters.push(waiter)
        // It stands further back as well; whoever comes to it there finds it asked for.
        if (!waiter.isUrgent || chunk.state !== 'queued') return chunk
      }
      added.push(chunk)
      if (places !== undefined) indexes.push(places.indexes[i] as number)
      return chunk
    })
    if (added.length === 0) return all
    const segment: Segment = {
      chunks: added,
      places: places === undefined ? undefined : { content: places.content, size: places.size, indexes },
      next: 0,
    }
    if (waiter.isUrgent) this.#urgent.push(segment)
    else this.#normal.push(segment)
    return all
  }

  /**
   * Takes what to ask `peer` for next, about `maxBytes` and at most MAX_IDS_PER_REQUEST chunks.
   *
   * @returns `undefined` when there is nothing that it may have
   */
  take(peer: object, maxBytes: number): Batch | undefined {
    return (
      this.#takeFrom(this.#urgent, maxBytes) ??
      this.#takeAgain(peer, maxBytes) ??
      this.#takeFrom(this.#normal, maxBytes)
    )
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
    for (const waiter of chunk.waiters) waiter.settled(chunk, outcome, bytes)
  }

  /** Settles chunks that one of the peers was asked for and none of them is left to give. */
  settleUnavailable(peers: readonly object[]): void {
    const left: WantedChunk[] = []
    for (const chunk of this.#again) {
      if (chunk.state !== 'queued') continue
      if (peers.some((peer) => chunk.absentAt?.has(peer) !== true)) left.push(chunk)
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
    this.#urgent = this.#urgent.filter(hasQueued)
    this.#normal = this.#normal.filter(hasQueued)
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

  #takeAgain(peer: object, maxBytes: number): Batch | undefined {
    if (this.#again.length === 0) return undefined
    const chunks: WantedChunk[] = []
    const left: WantedChunk[] = []
    let bytes = 0
    for (const chunk of this.#again) {
      if (chunk.state !== 'queued') continue
      const isFull =
        chunks.length === MAX_IDS_PER_REQUEST || (chunks.length > 0 && bytes + expectedBytes(chunk) > maxBytes)
      if (isFull || chunk.absentAt?.has(peer) === true) {
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
