import type { Clock, DeviceKey } from '@dittofs/interface'
import { encodeMessage, type ProgressMessage } from '@dittofs/wire'
import type { LinkWriter } from './link-writer.ts'
import { MetadataExchange } from './metadata-exchange.ts'
import type { Requester } from './requester.ts'
import type { SyncSpace } from './sync-space.ts'

/** Progress is told at most so often. */
const PROGRESS_INTERVAL_MS = 100

export interface SharedSpaceInit {
  space: SyncSpace
  peer: DeviceKey
  theirNumber: number
  requester: Requester
  writer: LinkWriter
  clock: Clock
  onChange: () => void
}

/** One space in one session: both devices are members of it and have named it. */
export class SharedSpace {
  readonly space: SyncSpace
  readonly theirNumber: number
  readonly exchange: MetadataExchange
  readonly #init: SharedSpaceInit
  readonly #stop = new AbortController()
  #heard: ProgressMessage | undefined
  /** The digest with which the peer last said that it waits for nothing. */
  #settledDigest: Uint8Array | undefined
  #sent = ''
  #isScheduled = false

  constructor(init: SharedSpaceInit) {
    const { space, peer, writer, clock } = init
    this.#init = init
    this.space = space
    this.theirNumber = init.theirNumber
    this.exchange = new MetadataExchange({
      metadata: space.metadata,
      peer,
      clock,
      spaceNumber: space.number,
      isPeerWriter: () => space.role(peer) === 'full',
      isSelfWriter: () => space.isSelfWriter,
      write: (parts) => writer.write(parts, { signal: this.#stop.signal }),
      onChange: () => this.changed(),
    })
    space.fetcher.attach(init.requester)
  }

  /** Whether this device holds all that the peer holds, as far as known: it waits for nothing that the peer may have. */
  get isUpToDate(): boolean {
    return this.exchange.isCaughtUp && this.space.fetcher.state.isSettled
  }

  /** Whether the peer holds all that this device holds: the same metadata, and it waits for nothing. */
  get isPeerUpToDate(): boolean {
    if (!this.exchange.isIdle || this.#heard?.isSettled !== true) return false
    // What a reader holds beyond others it may not pass on, so the two need never become equal.
    if (!this.space.isSelfWriter || this.space.role(this.#init.peer) !== 'full') return true
    const { digest } = this.#heard
    return digest !== undefined && Buffer.compare(digest, this.space.metadata.digest()) === 0
  }

  /** What the peer last said it misses. */
  get peerMissing(): { readonly chunks: number; readonly bytes: number } | undefined {
    return this.#heard
  }

  receiveProgress(message: ProgressMessage): void {
    const before = this.#heard
    this.#heard = message
    // Not whenever it settled: two devices that lack the same would set each other off for ever. But one that misses
    // nothing, or settled with other metadata, may have fetched something in less time than progress is told in.
    const { digest, isSettled, chunks } = message
    const hasOther = digest !== undefined && Buffer.compare(digest, this.#settledDigest ?? Buffer.of()) !== 0
    if (hasOther) this.#settledDigest = digest
    const isWhole = isSettled && chunks === 0
    if (before === undefined || chunks < before.chunks || hasOther || isWhole) this.space.fetcher.peerGained()
    this.#init.onChange()
  }

  /** Something that `progress` tells may have changed. */
  changed(): void {
    this.#init.onChange()
    if (this.#isScheduled || this.#stop.signal.aborted) return
    this.#isScheduled = true
    void this.#init.clock.sleep(PROGRESS_INTERVAL_MS, { signal: this.#stop.signal }).then(
      () => {
        this.#isScheduled = false
        this.#sendProgress()
      },
      () => undefined,
    )
  }

  async run(): Promise<void> {
    this.changed()
    await this.exchange.run(this.#stop.signal).catch((error: unknown) => {
      if (!this.#stop.signal.aborted) throw error
    })
  }

  close(): void {
    if (this.#stop.signal.aborted) return
    this.#stop.abort()
    this.space.fetcher.detach(this.#init.requester)
  }

  #sendProgress(): void {
    const { missingChunks, missingBytes, isSettled } = this.space.fetcher.state
    const isIdle = isSettled && this.exchange.isCaughtUp
    const payload = encodeMessage({
      type: 'progress',
      space: this.space.number,
      chunks: missingChunks,
      bytes: missingBytes,
      isSettled: isIdle,
      ...(isIdle && { digest: this.space.metadata.digest() }),
    })
    const text = Buffer.from(payload).toString('latin1')
    if (text === this.#sent) return
    this.#sent = text
    this.#init.writer.post(payload)
  }
}
