import {
  type AbortOptions,
  type ChunkId,
  type ChunkStore,
  type Clock,
  type Logger,
  MAX_CHUNK_BYTES,
  type ReadManifest,
  type SpaceId,
} from '@dittofs/interface'
import { ChunkWait } from './chunk-wait.ts'
import type { ContentScanInit, WantedRef } from './content-scan.ts'
import type { ChunkWaiter, FetchQueue, ManifestPlaces, Need, WantedChunk } from './fetch-queue.ts'
import type { MissingTally } from './missing-tally.ts'
import type { ServingPeers } from './serving-peers.ts'
import { Wakeup } from './wakeup.ts'

/** Chunks found missing and not yet asked for, past which the search for more pauses. */
const MAX_QUEUED_CHUNKS = 8192
const MAX_QUEUED_BYTES = 256 * 1024 * 1024

export interface ContentDemandInit {
  space: SpaceId
  store: ChunkStore
  readManifest: ReadManifest
  clock: Clock
  log: Logger
  queue: FetchQueue
  tally: MissingTally
  peers: ServingPeers
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
  #waitedMs = 0

  constructor(init: ContentDemandInit) {
    this.#init = init
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
    const { store, readManifest, space, log, peers, tally } = this.#init
    return {
      store,
      readManifest,
      space,
      room: (options) => this.#untilRoom(options),
      isSmall: (size) => peers.needOf(size) === 'small',
      want: (refs, places, size) => void this.want(refs, waiter, peers.needOf(size), graceMs, places),
      wantNodes: (ids, size, options) => this.#wantNodes(ids, size, waiter, graceMs, options),
      unreadable: ({ content, size }, error) => {
        if (error !== undefined) {
          const root = content.kind === 'manifest' ? content.root : ''
          log.warn({ error, space, root }, 'A file’s manifest contradicts itself; the file is left out.')
        }
        tally.add(content.kind === 'manifest' ? content.chunkCount : 0, size, peers.needOf(size) === 'large')
      },
    }
  }

  /** @returns the chunks that are waited for, in the order of `refs` */
  want(
    refs: readonly WantedRef[],
    waiter: ChunkWaiter,
    need: Need,
    graceMs: number | undefined,
    places?: ManifestPlaces,
  ): readonly WantedChunk[] {
    const { queue, tally, peers, isFetching, onLonely, onWork } = this.#init
    if (this.#isPutOff(waiter, need)) {
      // In the queue it would stand before what need not wait for a better link.
      const others = refs.filter(({ id }) => !queue.isWanted(id))
      for (const { length } of others) tally.add(1, length ?? MAX_CHUNK_BYTES, need === 'large')
      return []
    }
    const chunks = queue.want(refs, waiter, places, need)
    // Without anybody to ask it is only counted.
    if (!waiter.isPatient && (waiter.isCounting === true || !isFetching()))
      queue.settleQueued('absent', (chunk) => chunk.waiters.every((other) => other === waiter))
    else if (peers.isEmpty) onLonely(graceMs)
    else onWork()
    return chunks
  }

  async #wantNodes(
    ids: readonly ChunkId[],
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
    const refs = ids.map((id) => ({ id, length: undefined }))
    nodes.add(this.want(refs, nodes.waiter, need, graceMs))
    await nodes.over(options)
    return nodes.failures.size === 0
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
