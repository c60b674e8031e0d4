import type { Clock, DeviceKey } from '@dittofs/interface'
import { encodeMessage, type ProgressMessage } from '@dittofs/wire'
import { type Divergence, DivergenceWatch } from './divergence-watch.ts'
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
  /** The peer began to exchange metadata over this link. */
  onPeerBegan: () => void
}

/**
 * One space in one session: both devices are members of it and have named it. What arrives is always taken; this side
 * begins something of its own only while the link is in use, or the peer takes it for the one to use.
 */
export class SharedSpace {
  readonly space: SyncSpace
  readonly theirNumber: number
  readonly exchange: MetadataExchange
  readonly watch: DivergenceWatch
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
      onPeerBegan: init.onPeerBegan,
    })
    this.watch = new DivergenceWatch({
      metadata: space.metadata,
      self: space.self,
      peer,
      clock,
      log: space.log,
      turns: space.repairTurns,
      spaceNumber: space.number,
      areWriters: () => this.#areWriters,
      settledDigest: () => (this.exchange.isIdle && this.#isCaughtUp ? this.#settled?.digest : undefined),
      write: (parts) => writer.write(parts, { signal: this.#stop.signal }),
      onChange: () => init.onChange(),
      onDiverged: (divergence) => space.diverged(peer, divergence),
      onRepaired: (repair) => space.repaired(repair),
    })
  }

  /** The link is the best to the peer from now on: metadata and content come over it. */
  take(): void {
    this.#sent = ''
    this.exchange.begin()
    this.space.fetcher.attach(this.#init.requester)
    this.changed()
  }

  /** A better link has taken over. What was asked for over this one still comes. */
  leave(): void {
    this.exchange.pause()
    this.space.fetcher.leave(this.#init.requester)
  }

  /** Whether this device holds all that the peer holds, as far as known: it waits for nothing that the peer may have. */
  get isUpToDate(): boolean {
    return this.#isCaughtUp && this.divergence === undefined
  }

  /** Whether the peer holds all that this device holds: the same metadata, and it waits for nothing. */
  get isPeerUpToDate(): boolean {
    if (!this.exchange.isIdle || this.#settled === undefined) return false
    // What a reader holds beyond others it may not pass on, so the two need never become equal.
    if (!this.#areWriters) return true
    const { digest } = this.#settled
    return digest !== undefined && Buffer.compare(digest, this.space.metadata.digest()) === 0
  }

  /** Whether the peer holds the metadata that is here, and the content of all of it. */
  get hasPeerAll(): boolean {
    const settled = this.#settled
    if (!this.exchange.isIdle || settled?.digest === undefined || settled.chunks > 0) return false
    return Buffer.compare(settled.digest, this.space.metadata.digest()) === 0
  }

  /** Set while the two hold as much of every log, and not the same. */
  get divergence(): Divergence | undefined {
    return this.watch.divergence
  }

  /** Whether nothing more is to be expected, and the two are not the same all the same. */
  get isStuck(): boolean {
    const isQuiet = this.exchange.isIdle && this.#isCaughtUp && this.#settled !== undefined
    return isQuiet && this.divergence?.isBeingRepaired === false
  }

  get #isCaughtUp(): boolean {
    return this.exchange.isCaughtUp && this.space.fetcher.state.isSettled
  }

  get #areWriters(): boolean {
    return this.space.isSelfWriter && this.space.role(this.#init.peer) === 'full'
  }

  /** Whether the link is in use here, or there. */
  get #isSpoken(): boolean {
    return this.#init.requester.isServing || this.exchange.isUnderWay
  }

  /** What the peer last told, while it waits for nothing. */
  get #settled(): ProgressMessage | undefined {
    return this.#heard?.isSettled === true ? this.#heard : undefined
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
    this.watch.changed()
    this.#init.onChange()
  }

  /**
   * Asks again a peer that misses nothing for what it could not give: what lies in files of its user may for a moment not
   * have been where it was.
   */
  lookAgain(): void {
    if (this.#heard?.isSettled === true && this.#heard.chunks === 0) this.space.fetcher.peerGained()
  }

  /** Something that `progress` tells may have changed. */
  changed(): void {
    this.watch.changed()
    this.#init.onChange()
    if (this.#isScheduled || this.#stop.signal.aborted || !this.#isSpoken) return
    this.#isScheduled = true
    void this.#init.clock.sleep(PROGRESS_INTERVAL_MS, { signal: this.#stop.signal }).then(
      () => {
        this.#isScheduled = false
        this.tellProgress()
      },
      () => undefined,
    )
  }

  async run(): Promise<void> {
    this.changed()
    const { signal } = this.#stop
    await Promise.all([this.exchange.run(signal), this.watch.run(signal)]).catch((error: unknown) => {
      if (!signal.aborted) throw error
    })
  }

  close(): void {
    if (this.#stop.signal.aborted) return
    this.#stop.abort()
    this.space.fetcher.detach(this.#init.requester)
  }

  /** Tells where this device stands, unless it has. */
  tellProgress(): void {
    if (!this.#isSpoken) return
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
