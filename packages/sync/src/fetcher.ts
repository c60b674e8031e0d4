import {
  type AbortOptions,
  type ChunkId,
  type ChunkStore,
  type Clock,
  DittoError,
  type EncodeManifestLeaf,
  type Logger,
  MAX_IDS_PER_REQUEST,
  type MetadataStore,
  type ReadManifest,
  type SpaceId,
  type TreeEntry,
} from '@dittofs/interface'
import { ChunkSink, type ChunkSinkInit, type ReceivedChunk } from './chunk-sink.ts'
import { ChunkWait } from './chunk-wait.ts'
import { ContentDemand } from './content-demand.ts'
import { type ContentScanInit, scanContents, type WantedContent } from './content-scan.ts'
import type { FetchChoices } from './fetch-choices.ts'
import type { FetchGrowth } from './fetch-growth.ts'
import { type ChunkOutcome, type ChunkWaiter, expectedBytes, FetchQueue, type WantedChunk } from './fetch-queue.ts'
import type { FetchRoom } from './fetch-room.ts'
import type { FetchPolicy, FetchState } from './fetch-state.ts'
import type { MemoryBudget } from './memory-budget.ts'
import type { MeteredPolicy } from './metered-policy.ts'
import { type ContentSource, MissingSearch } from './missing-search.ts'
import { MissingTally } from './missing-tally.ts'
import { DEFAULT_PEER_GRACE_MS, waitForPeer } from './peer-patience.ts'
import { RateMeter } from './rate-meter.ts'
import type { BatchOwner, Requester } from './requester.ts'
import { ServingPeers } from './serving-peers.ts'
import { Wakeup } from './wakeup.ts'

/** After the store refused (disk full, I/O error) nothing is asked for. */
const STORE_RETRY_MS = 30_000
/** With less room than this fetching does not begin again: each time the tree is walked for what is missing. */
const MIN_ROOM_AGAIN_BYTES = 16 * 1024 * 1024
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
  encodeLeaf: EncodeManifestLeaf
  clock: Clock
  log: Logger
  budget: MemoryBudget
  /** How the store is given what came. */
  batch: ChunkSinkInit<Requester>['batch']
  policy: FetchPolicy
  /** What comes over links that cost money or battery. */
  metered: MeteredPolicy
  /** What a person decided otherwise than by the policy. */
  choices?: FetchChoices
  /** What may come that nobody asked for; without a limit where absent. */
  room?: FetchRoom
  /** What of the content that nobody asked for a person has to agree to; none of it where absent. */
  growth?: FetchGrowth
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
  readonly #queue: FetchQueue
  readonly #sink: ChunkSink<Requester>
  readonly #peers: ServingPeers
  readonly #tally = new MissingTally()
  readonly #stop = new AbortController()
  readonly #peerCame = new Wakeup()
  readonly #rate = new RateMeter()
  readonly #background: ChunkWaiter
  readonly #counting: ChunkWaiter
  readonly #loop: Promise<void>
  readonly #search: MissingSearch
  readonly #demand: ContentDemand
  #isWaitingForRoom = false
  #storedBytes = 0
  #blocked: { readonly error: unknown; readonly until: number } | undefined

  constructor(init: FetcherInit) {
    this.#init = init
    this.space = init.space
    this.#queue = new FetchQueue((chunk, _, storedBytes) => {
      if (chunk.author !== undefined) init.growth?.settle(chunk.author, expectedBytes(chunk), storedBytes)
    })
    this.#peers = new ServingPeers(init.metered)
    this.#background = {
      isUrgent: false,
      isPatient: false,
      settled: (chunk, outcome) => this.#settledInBackground(chunk, outcome),
    }
    this.#counting = { ...this.#background, isCounting: true }
    this.#sink = new ChunkSink({
      store: init.store,
      space: init.space,
      batch: init.batch,
      onStored: (stored, corrupt) => this.#stored(stored, corrupt),
      onFailed: (chunks, error) => this.#failed(chunks, error),
    })
    const { metadata, store, readManifest, encodeLeaf, clock, log, onChange, onWork } = init
    this.#demand = new ContentDemand({
      ...{ space: init.space, store, readManifest, encodeLeaf, clock, log, onWork },
      ...{ queue: this.#queue, tally: this.#tally, peers: this.#peers },
      ...(init.growth !== undefined && { growth: init.growth }),
      isFetching: () => this.#isFetching,
      onLonely: (graceMs = DEFAULT_PEER_GRACE_MS) => void this.#giveUpWithoutPeers(graceMs),
    })
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
      missingChunks: Math.max(this.#queue.size + this.#tally.chunks, this.#tally.before.chunks),
      missingBytes: Math.max(this.#queue.bytes + this.#tally.bytes, this.#tally.before.bytes),
      isSettled: this.#queue.size === 0 && this.#search.isIdle,
      storedBytes: this.#storedBytes,
      bytesPerSecond: this.#rate.bytesPerSecond(this.#init.clock.monotonic()),
      isWaitingForRoom: this.#isWaitingForRoom && this.#queue.size + this.#tally.chunks > 0,
      waitingForLinkBytes: this.#waitingForLinkBytes,
      ...(this.#blocked !== undefined && { blockedBy: this.#blocked.error }),
    }
  }

  /** What waits to be asked for. */
  get waiting(): { readonly chunks: number; readonly bytes: number } {
    return { chunks: this.#queue.queued, bytes: this.#queue.queuedBytes }
  }

  /** Metadata changed: what is shown at these paths may be missing. `undefined` stands for anything. */
  contentChanged(paths: readonly string[] | undefined): void {
    this.#search.changed(paths)
    if (this.#tally.chunks > 0) this.#search.lookAgain()
  }

  /** A peer may have something that nobody had before. */
  peerGained(): void {
    if (this.#tally.mayCome && this.#fetchesByItself && !this.#isWaitingForRoom) this.#search.lookAgain()
  }

  /** There is more room on the disk, or less: what nobody asked for waits, or goes on. */
  roomChanged(): void {
    const { room, onChange } = this.#init
    if (room === undefined || !this.#fetchesByItself) return
    const isWaiting = room.bytes() < (this.#isWaitingForRoom ? MIN_ROOM_AGAIN_BYTES : 1)
    if (isWaiting === this.#isWaitingForRoom) return
    this.#isWaitingForRoom = isWaiting
    if (isWaiting) this.#queue.settleQueued('absent', (chunk) => !isPatient(chunk))
    else if (this.#tally.chunks > 0) this.#search.lookAgain()
    this.#demand.roomCame()
    onChange()
  }

  /** What is wanted by itself is other than before: what nobody asked for is left, and looked for anew. */
  choicesChanged(): void {
    this.#queue.settleQueued('absent', (chunk) => !isPatient(chunk))
    this.#search.changed(undefined)
    this.#demand.roomCame()
    this.#init.onWork()
  }

  /** The peer may be asked from now on. */
  attach(requester: Requester): void {
    this.#peers.add(requester)
    this.peerGained()
    this.#peerCame.wake()
    this.#init.onWork()
  }

  /** The peer's link serves no more: another has taken over. What it was asked for still comes. */
  leave(_requester: Requester): void {
    this.#peersLeft()
  }

  detach(requester: Requester): void {
    this.#peers.delete(requester)
    requester.releaseAll(this)
    this.#peersLeft()
  }

  /** Asks the peer for the next chunks, if there are any that it may have. */
  serve(requester: Requester, maxBytes: number): boolean {
    if (this.#blocked !== undefined) return false
    this.roomChanged()
    const batch = this.#queue.take(requester, maxBytes, this.#peers.shareOf(requester))
    if (batch === undefined) return false
    this.#init.room?.take(batch.bytes)
    requester.request(this, batch)
    this.#demand.roomCame()
    return true
  }

  /** Moves work from the peer that will be done last to an idle one, where that is sooner. */
  steal(thief: Requester): boolean {
    return this.#peers.steal(thief, this, this.#init.clock.monotonic())
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
        const lacking = some.filter((_, i) => held[i] !== true).map((id) => ({ id, length: undefined }))
        init.want(lacking, undefined, 0)
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
    const wait = new ChunkWait({ isUrgent: true, isPatient: true, ...(onProgress !== undefined && { onProgress }) })
    let unreadable: { error: unknown } | undefined
    const init: ContentScanInit = {
      ...this.#demand.scanInit(wait.waiter, graceMs),
      want: (refs, places) => wait.add(this.#demand.want(refs, wait.waiter, 'asked', graceMs, places)),
      unreadable: (_, error) => {
        unreadable ??= { error }
      },
    }
    try {
      await find(init, signal)
      await wait.over({ signal })
    } finally {
      // What was counted as missing before may have been asked for now, and counts twice until it is looked for again.
      if (this.#tally.chunks > 0) this.#search.lookAgain()
    }
    const { failures } = wait
    if (unreadable?.error !== undefined) throw unreadable.error
    if (failures.size === 0 && unreadable === undefined) return wait.bytesStored
    if (failures.has('failed')) throw this.#blocked?.error ?? new DittoError('DITTO_IO', 'Chunks could not be stored.')
    if (this.#peers.isEmpty) {
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
    for (const peer of this.#peers.all()) this.detach(peer)
    this.#queue.settleQueued('absent', () => true)
    await this.#loop
  }

  get #isFetching(): boolean {
    return !this.#isWaitingForRoom && this.#peers.canBring('small')
  }

  get #fetchesByItself(): boolean {
    return this.#init.policy === 'all' || this.#init.choices?.hasPinned() === true
  }

  get #waitingForLinkBytes(): number {
    if (this.#init.policy !== 'all' || this.#isWaitingForRoom || this.#peers.isEmpty) return 0
    if (!this.#peers.canBring('small')) return this.#tally.bytes
    return this.#peers.canBring('large') ? 0 : this.#tally.largeBytes
  }

  async #scan(contents: ContentSource, isWhole: boolean, options: { readonly signal: AbortSignal }): Promise<number> {
    const waitedBefore = this.#demand.waitedMs
    const heldBefore = this.#tally.heldChunks
    if (isWhole) {
      const { missingChunks, missingBytes } = this.state
      this.#tally.beginWalk({ chunks: missingChunks, bytes: missingBytes })
      this.#init.growth?.beginWalk()
    }
    try {
      const choose = this.#init.choices?.begin() ?? (() => undefined)
      const background = this.#demand.scanInit(this.#background)
      if (this.#init.policy === 'all') {
        const isWanted = (entry: TreeEntry) => choose(entry) !== 'leave'
        await scanContents(background, contents(isWanted), options)
      } else {
        const isPinned = (entry: TreeEntry) => choose(entry) === 'fetch'
        const isOther = (entry: TreeEntry) => choose(entry) === undefined
        if (this.#fetchesByItself) await scanContents(background, contents(isPinned), options)
        await scanContents(this.#demand.scanInit(this.#counting), contents(isOther), options)
      }
    } finally {
      if (isWhole) this.#tally.endWalk()
    }
    if (isWhole) {
      this.#init.growth?.endWalk()
      this.#noteWhole()
    } else if (this.#tally.heldChunks > heldBefore) {
      // What stands below two changed paths was counted twice, and what changed again as well.
      this.#search.lookAgain()
    }
    return this.#demand.waitedMs - waitedBefore
  }

  /** A peer serves no more: what none of those left may be asked for is counted as missing. */
  #peersLeft(): void {
    for (const need of ['small', 'large'] as const) {
      if (this.#peers.isEmpty || this.#peers.canBring(need)) continue
      this.#queue.settleQueued('absent', (chunk) => chunk.need === need)
    }
    this.#settleUnavailable()
    if (!this.#peers.isEmpty) this.#init.onWork()
    else if (this.#queue.size > 0) void this.#giveUpWithoutPeers(DEFAULT_PEER_GRACE_MS)
  }

  async #giveUpWithoutPeers(graceMs: number): Promise<void> {
    const { clock, isPeerOnTheWay } = this.#init
    const init = { clock, isPeerOnTheWay, graceMs, peerCame: this.#peerCame, hasPeer: () => !this.#peers.isEmpty }
    if (!(await waitForPeer(init, { signal: this.#stop.signal }))) this.#queue.settleQueued('absent', () => true)
  }

  #settleUnavailable(): void {
    // What a person asked for waits a while for a peer to come back; the rest counts as missing.
    if (this.#peers.isEmpty) this.#queue.settleQueued('absent', (chunk) => !isPatient(chunk))
    else this.#queue.settleUnavailable(this.#peers.serving, (peer) => this.#peers.shareOf(peer as Requester))
    this.#demand.roomCame()
  }

  #settledInBackground(chunk: WantedChunk, outcome: ChunkOutcome): void {
    if (outcome !== 'stored') {
      this.#tally.add(1, expectedBytes(chunk), chunk.need === 'large')
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
    this.#tally.stored(stored.length, expected)
    this.#rate.add(bytes, this.#init.clock.monotonic())
    for (const { chunk, sender } of corrupt) {
      expected += expectedBytes(chunk)
      markAbsent(chunk, sender)
      this.#queue.requeue([chunk])
    }
    for (const sender of new Set(corrupt.map((received) => received.sender))) this.#init.onCorrupt(sender)
    if (corrupt.length > 0) this.#settleUnavailable()
    this.#init.budget.give(expected)
    this.#noteWhole()
    this.#init.onChange()
  }

  #noteWhole(): void {
    if (this.#queue.size === 0 && this.#tally.chunks === 0) this.#init.growth?.nothingMissing()
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
