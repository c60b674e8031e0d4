import {
  type AbortOptions,
  type ChunkId,
  type ChunkStore,
  type Clock,
  DittoError,
  type Logger,
  MAX_IDS_PER_REQUEST,
  type MetadataStore,
  type ReadManifest,
  type SpaceId,
} from '@dittofs/interface'
import { ChunkSink, type ReceivedChunk } from './chunk-sink.ts'
import { type ContentScanInit, scanContents, type WantedContent } from './content-scan.ts'
import {
  type ChunkOutcome,
  type ChunkWaiter,
  expectedBytes,
  FetchQueue,
  type ManifestPlaces,
  type WantedChunk,
} from './fetch-queue.ts'
import type { FetchRoom } from './fetch-room.ts'
import type { MemoryBudget } from './memory-budget.ts'
import { MissingSearch } from './missing-search.ts'
import { DEFAULT_PEER_GRACE_MS, waitForPeer } from './peer-patience.ts'
import { RateMeter } from './rate-meter.ts'
import type { BatchOwner, Requester } from './requester.ts'
import { Wakeup } from './wakeup.ts'

/** What a device fetches by itself: everything shown, or only what somebody asks for. */
export const FETCH_POLICIES = ['all', 'on-demand'] as const
export type FetchPolicy = (typeof FETCH_POLICIES)[number]

/** Chunks found missing and not yet asked for, past which the search for more pauses. */
const MAX_QUEUED_CHUNKS = 8192
const MAX_QUEUED_BYTES = 256 * 1024 * 1024
/** After the store refused (disk full, I/O error) nothing is asked for. */
const STORE_RETRY_MS = 30_000
/** A peer with open requests that sent nothing for so long gives its work to others. */
const SILENT_MS = 5000
/** With less room than this fetching does not begin again: each time the tree is walked for what is missing. */
const MIN_ROOM_AGAIN_BYTES = 16 * 1024 * 1024
/** Work moves to a peer that would have it done in half the time, and by so much sooner. */
const STEAL_ADVANTAGE_MS = 500

/** Where a space's content stands. */
export interface FetchState {
  /** Chunks of current versions known not to be here, manifest nodes included, and their bytes. */
  readonly missingChunks: number
  readonly missingBytes: number
  /** Whether nothing more is looked for or asked of the present peers. */
  readonly isSettled: boolean
  /** Bytes stored since the space was added. */
  readonly storedBytes: number
  readonly bytesPerSecond: number
  /** Whether what nobody asked for is missing until there is room on the disk. */
  readonly isWaitingForRoom: boolean
  /** Why the store takes nothing at present. */
  readonly blockedBy?: unknown
}

export interface EnsureOptions extends AbortOptions {
  onProgress?: (bytesDone: number, bytesTotal: number) => void
  /** How long to wait for a peer that is on the way, at most. Milliseconds, default 10,000. */
  graceMs?: number
}

export interface FetcherInit {
  space: SpaceId
  store: ChunkStore
  metadata: MetadataStore
  readManifest: ReadManifest
  clock: Clock
  log: Logger
  budget: MemoryBudget
  policy: FetchPolicy
  /** What may come that nobody asked for; without a limit where absent. */
  room?: FetchRoom
  /** Whether a link is up or being made, so that a peer may come of it. */
  isPeerOnTheWay: () => boolean
  /** What `state` gives may have changed. */
  onChange: () => void
  /** There is work for peers that were idle. */
  onWork: () => void
  /** A peer sent bytes that do not match their ID. */
  onCorrupt: (requester: Requester) => void
}

/**
 * Brings the content of one space here from all peers that have it.
 *
 * A loop looks for chunks that current versions need and that are not available: all files at first, then those of
 * changed paths. They go into a queue; each peer takes from it as its window allows, so several serve one file and
 * the fast ones do more. What arrives goes to the store, which verifies it. What is stored is never asked for again,
 * whatever ended the transfer.
 */
export class Fetcher implements BatchOwner {
  readonly space: SpaceId
  readonly #init: FetcherInit
  readonly #queue = new FetchQueue()
  readonly #sink: ChunkSink<Requester>
  readonly #peers = new Set<Requester>()
  readonly #stop = new AbortController()
  readonly #room = new Wakeup()
  readonly #peerCame = new Wakeup()
  readonly #rate = new RateMeter()
  readonly #background: ChunkWaiter
  readonly #loop: Promise<void>
  readonly #search: MissingSearch
  #absentChunks = 0
  #absentBytes = 0
  /** Missing when the walk under way began, less what was stored since: it counts anew, but the tree has not changed. */
  #missingBefore = { chunks: 0, bytes: 0 }
  #waitedMs = 0
  #isWaitingForRoom = false
  #storedBytes = 0
  #blocked: { readonly error: unknown; readonly until: number } | undefined

  constructor(init: FetcherInit) {
    this.#init = init
    this.space = init.space
    this.#background = {
      isUrgent: false,
      isPatient: false,
      settled: (chunk, outcome) => this.#settledInBackground(chunk, outcome),
    }
    this.#sink = new ChunkSink({
      store: init.store,
      space: init.space,
      onStored: (stored, corrupt) => this.#stored(stored, corrupt),
      onFailed: (chunks, error) => this.#failed(chunks, error),
    })
    const { metadata, clock, log, onChange } = init
    this.#search = new MissingSearch({
      metadata,
      clock,
      log,
      scan: (contents, isWhole, options) => this.#scan(contents, isWhole, options),
      onChange,
    })
    this.#loop = this.#search.run(this.#stop.signal)
  }

  get state(): FetchState {
    return {
      missingChunks: Math.max(this.#queue.size + this.#absentChunks, this.#missingBefore.chunks),
      missingBytes: Math.max(this.#queue.bytes + this.#absentBytes, this.#missingBefore.bytes),
      isSettled: this.#queue.size === 0 && this.#search.isIdle,
      storedBytes: this.#storedBytes,
      bytesPerSecond: this.#rate.bytesPerSecond(this.#init.clock.monotonic()),
      isWaitingForRoom: this.#isWaitingForRoom && this.#queue.size + this.#absentChunks > 0,
      ...(this.#blocked !== undefined && { blockedBy: this.#blocked.error }),
    }
  }

  /** Metadata changed: what is shown at these paths may be missing. `undefined` stands for anything. */
  contentChanged(paths: readonly string[] | undefined): void {
    this.#search.changed(paths)
    if (this.#absentChunks > 0) this.#search.lookAgain()
  }

  /** A peer may have something that nobody had before. */
  peerGained(): void {
    if (this.#absentChunks > 0 && this.#init.policy === 'all' && !this.#isWaitingForRoom) this.#search.lookAgain()
  }

  /** There is more room on the disk, or less: what nobody asked for waits, or goes on. */
  roomChanged(): void {
    const { room, policy, onChange } = this.#init
    if (room === undefined || policy !== 'all') return
    const isWaiting = room.bytes() < (this.#isWaitingForRoom ? MIN_ROOM_AGAIN_BYTES : 1)
    if (isWaiting === this.#isWaitingForRoom) return
    this.#isWaitingForRoom = isWaiting
    if (isWaiting) this.#queue.settleQueued('absent', (chunk) => !isPatient(chunk))
    else if (this.#absentChunks > 0) this.#search.lookAgain()
    this.#room.wake()
    onChange()
  }

  attach(requester: Requester): void {
    this.#peers.add(requester)
    this.peerGained()
    this.#peerCame.wake()
  }

  detach(requester: Requester): void {
    this.#peers.delete(requester)
    requester.releaseAll(this)
    this.#settleUnavailable()
    if (this.#peers.size > 0) {
      this.#init.onWork()
    } else if (this.#queue.size > 0) {
      void this.#giveUpWithoutPeers(DEFAULT_PEER_GRACE_MS)
    }
    this.#room.wake()
  }

  /** Asks the peer for the next chunks, if there are any that it may have. */
  serve(requester: Requester, maxBytes: number): boolean {
    if (this.#blocked !== undefined) return false
    this.roomChanged()
    const batch = this.#queue.take(requester, maxBytes)
    if (batch === undefined) return false
    this.#init.room?.take(batch.bytes)
    requester.request(this, batch)
    this.#room.wake()
    return true
  }

  /** Moves work from the peer that will be done last to an idle one, where that is sooner. */
  steal(thief: Requester): boolean {
    const now = this.#init.clock.monotonic()
    const own = remainingMs(thief, now)
    let slowest: Requester | undefined
    let longest = 2 * own + STEAL_ADVANTAGE_MS
    for (const peer of this.#peers) {
      const remaining = peer === thief ? 0 : remainingMs(peer, now)
      if (remaining <= longest) continue
      slowest = peer
      longest = remaining
    }
    return slowest?.releaseNewest(this, (chunk) => chunk.absentAt?.has(thief) !== true) === true
  }

  received(requester: Requester, chunk: WantedChunk, bytes: Uint8Array): void {
    if (!this.#queue.arrive(chunk)) {
      this.#init.budget.give(expectedBytes(chunk))
    } else if (chunk.length !== undefined && bytes.length !== chunk.length) {
      // The peer may be honest and the metadata lie, so the link stays; a wrong hash is the peer's own doing.
      this.#init.log.warn(
        { code: 'DITTO_PROTOCOL', peer: requester.peer, chunk: chunk.id, expected: chunk.length, got: bytes.length },
        'A chunk is not as long as the metadata says; it was refused.',
      )
      this.#queue.settle(chunk, 'refused')
      this.#init.budget.give(expectedBytes(chunk))
      this.#init.onChange()
    } else {
      this.#sink.add({ chunk, bytes, sender: requester })
    }
  }

  absent(requester: Requester, chunks: readonly WantedChunk[]): void {
    for (const chunk of chunks) markAbsent(chunk, requester)
    this.#queue.requeue(chunks)
    this.#settleUnavailable()
    // Nothing may be left to wait for now.
    this.#init.onChange()
    this.#init.onWork()
  }

  released(_requester: Requester, chunks: readonly WantedChunk[]): void {
    this.#queue.requeue(chunks)
  }

  /**
   * Returns when all chunks of the contents are stored.
   *
   * @returns bytes that came from peers
   * @throws DittoError DITTO_PEER_UNREACHABLE (something is missing and there is no peer), DITTO_CHUNK_MISSING (no
   *   connected peer has it), DITTO_MANIFEST_INVALID, and what the store throws
   */
  ensure(contents: readonly WantedContent[], options: EnsureOptions = {}): Promise<number> {
    return this.#ensure((init, signal) => scanContents(init, [contents], { signal }), options)
  }

  /** As {@link Fetcher.ensure}, for chunks by their IDs alone. */
  ensureChunks(ids: readonly ChunkId[], options: EnsureOptions = {}): Promise<number> {
    return this.#ensure(async (init, signal) => {
      for (let at = 0; at < ids.length; at += MAX_IDS_PER_REQUEST) {
        const some = ids.slice(at, at + MAX_IDS_PER_REQUEST)
        const held = await init.store.has(this.space, some)
        await init.room({ signal })
        init.want(some.filter((_, i) => held[i] !== true).map((id) => ({ id, length: undefined })))
      }
    }, options)
  }

  async #ensure(
    find: (init: ContentScanInit, signal: AbortSignal) => Promise<void>,
    options: EnsureOptions,
  ): Promise<number> {
    const { graceMs = DEFAULT_PEER_GRACE_MS, onProgress } = options
    const signal =
      options.signal === undefined ? this.#stop.signal : AbortSignal.any([options.signal, this.#stop.signal])
    signal.throwIfAborted()
    const done = new Wakeup()
    const left = new Set<WantedChunk>()
    const failures = new Set<ChunkOutcome>()
    let bytesDone = 0
    let bytesTotal = 0
    let bytesFetched = 0
    let unreadable: { error: unknown } | undefined
    const waiter: ChunkWaiter = {
      isUrgent: true,
      isPatient: true,
      settled: (chunk, outcome, bytes) => {
        left.delete(chunk)
        bytesFetched += bytes
        if (outcome === 'stored') bytesDone += expectedBytes(chunk)
        else failures.add(outcome)
        onProgress?.(bytesDone, bytesTotal)
        if (left.size === 0) done.wake()
      },
    }
    const init: ContentScanInit = {
      ...this.#scanInit(waiter, graceMs),
      want: (refs, places) => {
        for (const chunk of this.#want(refs, waiter, graceMs, places)) {
          left.add(chunk)
          bytesTotal += expectedBytes(chunk)
        }
      },
      unreadable: (_, error) => {
        unreadable ??= { error }
      },
    }
    await find(init, signal)
    while (left.size > 0) await done.wait({ signal })
    if (this.#absentChunks > 0) this.#search.lookAgain()
    if (unreadable?.error !== undefined) throw unreadable.error
    if (failures.size === 0 && unreadable === undefined) return bytesFetched
    if (failures.has('failed')) throw this.#blocked?.error ?? new DittoError('DITTO_IO', 'Chunks could not be stored.')
    if (this.#peers.size === 0) {
      throw new DittoError(
        'DITTO_PEER_UNREACHABLE',
        'Bytes are missing here and no device that may have them is connected.',
      )
    }
    throw new DittoError('DITTO_CHUNK_MISSING', 'Bytes are missing here and no connected device has them.')
  }

  /** Stops looking and asking. What was received goes to the store. */
  async close(): Promise<void> {
    this.#stop.abort(new DittoError('DITTO_CLOSED', 'The space was closed.'))
    for (const peer of [...this.#peers]) this.detach(peer)
    this.#queue.settleQueued('absent', () => true)
    await this.#loop
  }

  get #isFetching(): boolean {
    return this.#peers.size > 0 && this.#init.policy === 'all' && !this.#isWaitingForRoom
  }

  async #scan(
    contents: AsyncIterable<readonly WantedContent[]>,
    isWhole: boolean,
    options: { readonly signal: AbortSignal },
  ): Promise<number> {
    this.#waitedMs = 0
    if (isWhole) {
      const { missingChunks, missingBytes } = this.state
      this.#missingBefore = { chunks: missingChunks, bytes: missingBytes }
      this.#absentChunks = 0
      this.#absentBytes = 0
    }
    try {
      await scanContents(this.#scanInit(this.#background), contents, options)
    } finally {
      if (isWhole) this.#missingBefore = { chunks: 0, bytes: 0 }
    }
    return this.#waitedMs
  }

  #scanInit(waiter: ChunkWaiter, graceMs?: number): ContentScanInit {
    const { store, readManifest, space, clock, log } = this.#init
    return {
      store,
      readManifest,
      space,
      room: async ({ signal }) => {
        const start = clock.monotonic()
        while (this.#queue.queued >= MAX_QUEUED_CHUNKS || this.#queue.queuedBytes >= MAX_QUEUED_BYTES) {
          await this.#room.wait({ ...(signal !== undefined && { signal }) })
        }
        this.#waitedMs += clock.monotonic() - start
      },
      want: (refs, places) => void this.#want(refs, waiter, graceMs, places),
      wantNodes: (ids, { signal }) => this.#wantNodes(ids, waiter, graceMs, signal),
      unreadable: ({ content, size }, error) => {
        if (error !== undefined) {
          const root = content.kind === 'manifest' ? content.root : ''
          log.warn({ error, space, root }, 'A file’s manifest contradicts itself; the file is left out.')
        }
        if (content.kind === 'manifest') this.#absentChunks += content.chunkCount
        this.#absentBytes += size
      },
    }
  }

  #want(
    refs: readonly { readonly id: ChunkId; readonly length: number | undefined }[],
    waiter: ChunkWaiter,
    graceMs: number | undefined,
    places?: ManifestPlaces,
  ): readonly WantedChunk[] {
    const chunks = this.#queue.want(refs, waiter, places)
    // Without anybody to ask it is only counted.
    if (!waiter.isPatient && !this.#isFetching)
      this.#queue.settleQueued('absent', (chunk) => chunk.waiters.every((other) => other === waiter))
    else if (this.#peers.size === 0) void this.#giveUpWithoutPeers(graceMs ?? DEFAULT_PEER_GRACE_MS)
    else this.#init.onWork()
    return chunks
  }

  async #wantNodes(
    ids: readonly ChunkId[],
    waiter: ChunkWaiter,
    graceMs: number | undefined,
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    const done = new Wakeup()
    const left = new Set<WantedChunk>()
    let areStored = true
    const nodes: ChunkWaiter = {
      isUrgent: waiter.isPatient || this.#isFetching,
      isPatient: waiter.isPatient,
      settled: (chunk, outcome) => {
        left.delete(chunk)
        if (outcome !== 'stored') areStored = false
        if (left.size === 0) done.wake()
      },
    }
    const chunks = this.#want(
      ids.map((id) => ({ id, length: undefined })),
      nodes,
      graceMs,
    )
    for (const chunk of chunks) if (chunk.state !== 'settled') left.add(chunk)
    while (left.size > 0) await done.wait({ ...(signal !== undefined && { signal }) })
    return areStored
  }

  async #giveUpWithoutPeers(graceMs: number): Promise<void> {
    const { clock, isPeerOnTheWay } = this.#init
    const init = { clock, isPeerOnTheWay, graceMs, peerCame: this.#peerCame, hasPeer: () => this.#peers.size > 0 }
    if (!(await waitForPeer(init, { signal: this.#stop.signal }))) this.#queue.settleQueued('absent', () => true)
  }

  #settleUnavailable(): void {
    // What a person asked for waits a while for a peer to come back; the rest counts as missing.
    if (this.#peers.size === 0) this.#queue.settleQueued('absent', (chunk) => !isPatient(chunk))
    else this.#queue.settleUnavailable([...this.#peers])
    this.#room.wake()
  }

  #settledInBackground(chunk: WantedChunk, outcome: ChunkOutcome): void {
    if (outcome !== 'stored') {
      this.#absentChunks++
      this.#absentBytes += expectedBytes(chunk)
    }
  }

  #stored(stored: readonly ReceivedChunk<Requester>[], corrupt: readonly ReceivedChunk<Requester>[]): void {
    let bytes = 0
    let expected = 0
    for (const { chunk, bytes: content } of stored) {
      bytes += content.length
      expected += expectedBytes(chunk)
      this.#queue.settle(chunk, 'stored', content.length)
    }
    this.#storedBytes += bytes
    this.#missingBefore.chunks -= stored.length
    this.#missingBefore.bytes -= expected
    this.#rate.add(bytes, this.#init.clock.monotonic())
    for (const { chunk, sender } of corrupt) {
      expected += expectedBytes(chunk)
      markAbsent(chunk, sender)
      this.#queue.requeue([chunk])
    }
    for (const sender of new Set(corrupt.map((received) => received.sender))) this.#init.onCorrupt(sender)
    if (corrupt.length > 0) this.#settleUnavailable()
    this.#init.budget.give(expected)
    this.#init.onChange()
  }

  #failed(chunks: readonly ReceivedChunk<Requester>[], error: unknown): void {
    const { budget, clock, log } = this.#init
    if (!this.#stop.signal.aborted) log.error({ error, space: this.space }, 'Received chunks could not be stored.')
    const blocked = { error, until: clock.monotonic() + STORE_RETRY_MS }
    this.#blocked = blocked
    for (const { chunk } of chunks) {
      this.#queue.settle(chunk, 'failed')
      budget.give(expectedBytes(chunk))
    }
    this.#queue.settleQueued('failed', isPatient)
    this.#init.onChange()
    void clock
      .sleep(STORE_RETRY_MS, { signal: this.#stop.signal })
      .then(() => {
        if (this.#blocked !== blocked) return
        this.#blocked = undefined
        this.#search.changed(undefined)
        this.#init.onWork()
      })
      .catch(() => undefined)
  }
}

function markAbsent(chunk: WantedChunk, requester: Requester): void {
  chunk.absentAt ??= new Set()
  chunk.absentAt.add(requester)
}

function isPatient(chunk: WantedChunk): boolean {
  return chunk.waiters.some((waiter) => waiter.isPatient)
}

/** When a peer will have answered what it was asked for. */
function remainingMs(requester: Requester, nowMs: number): number {
  if (requester.inFlightBytes === 0) return 0
  if (nowMs - requester.lastAnswerAt > SILENT_MS) return Number.POSITIVE_INFINITY
  const rate = requester.window.bytesPerSecond
  return rate === undefined ? 0 : (requester.inFlightBytes * 1000) / rate
}
