import {
  type AbortOptions,
  type ChunkId,
  type ChunkStore,
  type Clock,
  type EncodeManifestLeaf,
  type Logger,
  MAX_CHUNK_BYTES,
  type ManifestPlace,
  type ReadManifest,
  type SpaceId,
} from '@dittofs/interface'
import { ChunkWait } from './chunk-wait.ts'
import type { ContentScanInit, WantedRef } from './content-scan.ts'
import type { FetchGrowth } from './fetch-growth.ts'
import type { ChunkWaiter, FetchQueue, ManifestPlaces, Need, WantedChunk } from './fetch-queue.ts'
import type { MissingTally } from './missing-tally.ts'
import { NodeRebuilder } from './node-rebuilder.ts'
import { ReferenceSamples, type SizedManifest } from './reference-samples.ts'
import type { ServingPeers } from './serving-peers.ts'
import { Wakeup } from './wakeup.ts'

/** Chunks found missing and not yet asked for, past which the search for more pauses. */
const MAX_QUEUED_CHUNKS = 8192
const MAX_QUEUED_BYTES = 256 * 1024 * 1024

export interface ContentDemandInit {
  space: SpaceId
  store: ChunkStore
  readManifest: ReadManifest
  encodeLeaf: EncodeManifestLeaf
  clock: Clock
  log: Logger
  queue: FetchQueue
  tally: MissingTally
  peers: ServingPeers
  /** What a person has to agree to; without a limit where absent. */
  growth?: FetchGrowth
  /** Whether anything comes that nobody asked for. */
  isFetching: () => boolean
  /** There is nobody to ask. `graceMs`: how long who waits for the chunks waits for a peer. */
  onLonely: (graceMs: number | undefined) => void
  /** There is work for peers that were idle. */
  onWork: () => void
}

/** Puts what contents lack into the queue, or only counts it where nobody may be asked for it now. */
export class ContentDemand {
  readonly #init: ContentDemandInit
  readonly #room = new Wakeup()
  readonly #samples = new ReferenceSamples()
  readonly #rebuilder: NodeRebuilder
  #waitedMs = 0

  constructor(init: ContentDemandInit) {
    this.#init = init
    const { store, readManifest, space, encodeLeaf, log } = init
    this.#rebuilder = new NodeRebuilder({ store, readManifest, space, encodeLeaf, samples: this.#samples, log })
  }

  /** Milliseconds that scans have waited for room in the queue. */
  get waitedMs(): number {
    return this.#waitedMs
  }

  /** There may be room in the queue. */
  roomCame(): void {
    this.#room.wake()
  }

  /** @param graceMs - how long the waiter, if it is patient, waits for a peer */
  scanInit(waiter: ChunkWaiter, graceMs?: number): ContentScanInit {
    const { store, readManifest, space, log, peers, tally, growth } = this.#init
    return {
      store,
      readManifest,
      space,
      room: (options) => this.#untilRoom(options),
      isSmall: (size) => peers.needOf(size) === 'small',
      want: (refs, places, size) => void this.want(refs, waiter, peers.needOf(size), graceMs, places),
      named: (manifest, run) => this.#samples.add(manifest, run),
      rebuildNodes: (manifest, places, options) => this.#rebuildNodes(manifest, places, waiter, options),
      wantNodes: (nodes, size, options) => this.#wantNodes(nodes, size, waiter, graceMs, options),
      unreadable: ({ content, size, author }, error) => {
        if (error !== undefined) {
          const root = content.kind === 'manifest' ? content.root : ''
          log.warn({ error, space, root }, 'A file’s manifest contradicts itself; the file is left out.')
        }
        const chunks = content.kind === 'manifest' ? content.chunkCount : 0
        if (isGrowth(waiter) && author !== undefined && growth?.waits(author, size) === true)
          tally.addHeld(chunks, size)
        else tally.add(chunks, size, peers.needOf(size) === 'large')
      },
    }
  }

  /** @returns the chunks that are waited for, in the order of `refs` */
  want(
    all: readonly WantedRef[],
    waiter: ChunkWaiter,
    need: Need,
    graceMs: number | undefined,
    allPlaces?: ManifestPlaces,
  ): readonly WantedChunk[] {
    const { queue, tally, peers, isFetching, onLonely, onWork } = this.#init
    if (this.#isPutOff(waiter, need)) {
      // In the queue it would stand before what need not wait for a better link.
      const others = all.filter(({ id }) => !queue.isWanted(id))
      for (const { length } of others) tally.add(1, length ?? MAX_CHUNK_BYTES, need === 'large')
      return []
    }
    const { refs, places } = this.#admit(all, waiter, allPlaces)
    const chunks = queue.want(refs, waiter, places, need)
    // Without anybody to ask it is only counted.
    if (!waiter.isPatient && (waiter.isCounting === true || !isFetching()))
      queue.settleQueued('absent', (chunk) => chunk.waiters.every((other) => other === waiter))
    else if (peers.isEmpty) onLonely(graceMs)
    else onWork()
    return chunks
  }

  async #rebuildNodes(
    manifest: SizedManifest,
    places: readonly ManifestPlace[],
    waiter: ChunkWaiter,
    options: AbortOptions,
  ): Promise<ReadonlySet<ChunkId>> {
    const { peers, isFetching } = this.#init
    const need = waiter.isPatient ? 'asked' : peers.needOf(manifest.size)
    if (waiter.isCounting === true || (!waiter.isPatient && !isFetching())) return new Set()
    const able = peers.serving.filter((peer) => peers.shareOf(peer).takesFresh(need))
    return await this.#rebuilder.rebuild(manifest, places, able, options)
  }

  async #wantNodes(
    refs: readonly WantedRef[],
    size: number,
    waiter: ChunkWaiter,
    graceMs: number | undefined,
    options: AbortOptions,
  ): Promise<boolean> {
    const { isPatient, isCounting = false } = waiter
    const need = isPatient ? 'asked' : this.#init.peers.needOf(size)
    if (this.#isPutOff(waiter, need)) return false
    const isUrgent = isPatient || (!isCounting && this.#init.isFetching())
    const nodes = new ChunkWait({ isUrgent, isPatient, isCounting })
    const chunks = this.want(refs, nodes.waiter, need, graceMs)
    nodes.add(chunks)
    await nodes.over(options)
    return nodes.failures.size === 0 && chunks.length === refs.length
  }

  /** Leaves out what would make the space grow by more than a person has agreed to. */
  #admit(
    refs: readonly WantedRef[],
    waiter: ChunkWaiter,
    places: ManifestPlaces | undefined,
  ): { readonly refs: readonly WantedRef[]; readonly places: ManifestPlaces | undefined } {
    const { growth, queue, tally } = this.#init
    if (growth === undefined) return { refs, places }
    if (!isGrowth(waiter)) return { refs: refs.map(({ id, length }) => ({ id, length })), places }
    // One ID may stand in a file many times and comes once.
    const taken = new Set<ChunkId>()
    const isAdmitted = refs.map(({ id, length = MAX_CHUNK_BYTES, author }) => {
      if (author === undefined || taken.has(id) || queue.isWanted(id)) return true
      const mayCome = growth.take(author, length)
      if (mayCome) taken.add(id)
      else tally.addHeld(1, length)
      return mayCome
    })
    if (isAdmitted.every((is) => is)) return { refs, places }
    return {
      refs: refs.filter((_, i) => isAdmitted[i] === true),
      places: places && { ...places, indexes: places.indexes.filter((_, i) => isAdmitted[i] === true) },
    }
  }

  /** Whether it waits for a better link, while other content comes. */
  #isPutOff({ isPatient, isCounting }: ChunkWaiter, need: Need): boolean {
    return !isPatient && isCounting !== true && this.#init.isFetching() && !this.#init.peers.canBring(need)
  }

  async #untilRoom(options: AbortOptions): Promise<void> {
    const { queue, clock } = this.#init
    const start = clock.monotonic()
    while (queue.queued >= MAX_QUEUED_CHUNKS || queue.queuedBytes >= MAX_QUEUED_BYTES) await this.#room.wait(options)
    this.#waitedMs += clock.monotonic() - start
  }
}

/** What a person asks for, or what is only counted, is held back by nobody. */
function isGrowth({ isPatient, isCounting }: ChunkWaiter): boolean {
  return !isPatient && isCounting !== true
}
