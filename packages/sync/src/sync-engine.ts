import { EventEmitter } from 'node:events'
import {
  type AbortOptions,
  type ChunkId,
  type DeviceKey,
  DittoError,
  type Link,
  rankedTransport,
  type SpaceId,
} from '@dittofs/interface'
import type { WantedContent } from './content-scan.ts'
import type { EchoAnswer, EchoQuestion } from './echo-questions.ts'
import type { FetchState } from './fetch-state.ts'
import type { EnsureOptions } from './fetcher.ts'
import type { FileVersionRef } from './kept-questions.ts'
import { MemoryBudget } from './memory-budget.ts'
import { DEFAULT_METERED_POLICY } from './metered-policy.ts'
import { isDone, type PeerState, peerState, type SpacePeer, spacePeer } from './peer-state.ts'
import { RateLimiter } from './rate-limiter.ts'
import type { Requester } from './requester.ts'
import { Session } from './session.ts'
import { SessionTable } from './session-table.ts'
import { SharedProfile } from './shared-profile.ts'
import type { SyncEngineInit, SyncEvents, SyncSpaceOptions } from './sync-engine-init.ts'
import { SyncSpace } from './sync-space.ts'
import { Wakeup } from './wakeup.ts'

/** How often work of silent peers is looked for. */
const TICK_MS = 2000
/** Progress of a space is told at most so often. */
const PROGRESS_INTERVAL_MS = 100
/** How long a device may take to answer before it is asked again, maybe over another link. */
const HEAR_MS = 2000

/**
 * Keeps spaces the same on all devices that links lead to. Knows nothing of how links come about, of files on disk or
 * of pairing.
 *
 * Every link becomes a session. In it the two devices find the spaces they share, exchange their metadata, and each
 * fetches the content it lacks. Where several links lead to a device, that goes over the best; another takes over at any
 * time. A failing session takes nothing with it but what was in flight.
 */
export class SyncEngine {
  readonly #init: SyncEngineInit
  readonly #events = new EventEmitter<SyncEvents>()
  readonly #budget: MemoryBudget
  readonly #profile: SharedProfile
  readonly #upload: RateLimiter
  readonly #download: RateLimiter
  readonly #spaces = new Map<SpaceId, SyncSpace>()
  readonly #table: SessionTable
  readonly #stop = new AbortController()
  readonly #changed = new Wakeup()
  readonly #reported = new Set<SyncSpace>()
  readonly #ticking: Promise<void>
  readonly #endedTraffic = { sent: 0, received: 0 }
  #nextSpaceNumber = 1
  #turn = 0
  #isPumpScheduled = false
  #isChangeScheduled = false

  constructor(init: SyncEngineInit) {
    this.#init = init
    this.#budget = new MemoryBudget(
      () => init.maxTransferBytes ?? this.#profile.current.memoryBytes,
      () => this.#schedulePump(),
    )
    const { self, clock, limits, capabilities } = init
    this.#table = new SessionTable({
      self,
      clock,
      transportOf: ({ link }) => rankedTransport(link.transport, capabilities?.(link.transport)),
    })
    this.#profile = new SharedProfile({
      choice: init.profile ?? 'auto',
      memoryBytes: init.machineBytes,
      inUse: () => this.#table.main().map(({ requester }) => requester.tuning.profile),
      onChange: () => {
        this.#schedulePump()
        this.#scheduleChange()
      },
    })
    this.#upload = new RateLimiter({ clock, bytesPerSecond: () => limits?.upload() })
    this.#download = new RateLimiter({
      clock,
      bytesPerSecond: () => limits?.download(),
      onRoom: () => this.#schedulePump(),
      signal: this.#stop.signal,
    })
    this.#ticking = this.#tick()
  }

  on<Name extends keyof SyncEvents>(name: Name, listener: (...args: SyncEvents[Name]) => void): () => void {
    // The emitter's own types cannot follow the generic name.
    const plain = listener as (...args: unknown[]) => void
    const events = this.#events as EventEmitter
    events.on(name, plain)
    return () => void events.off(name, plain)
  }

  /** Bytes that transfers hold in memory or have asked for. */
  get transferBytes(): number {
    return this.#budget.usedBytes
  }

  /**
   * Keeps a space in sync from now on. Its stores stay the caller's to open and close.
   *
   * @throws TypeError when the space is there already
   */
  addSpace(options: SyncSpaceOptions): void {
    const { metadata, membership, name, policy = 'all', choices, growth } = options
    if (this.#spaces.has(metadata.space)) throw new TypeError(`the space ${metadata.space} was added already`)
    const { self, store, readManifest, encodeLeaf, clock, log } = this.#init
    const space: SyncSpace = new SyncSpace({
      number: this.#nextSpaceNumber++,
      self,
      metadata,
      membership,
      name,
      policy,
      store,
      readManifest,
      encodeLeaf,
      clock,
      log,
      budget: this.#budget,
      batch: () => this.#profile.current,
      ...(choices !== undefined && { choices }),
      ...(growth !== undefined && { growth }),
      ...(this.#init.room !== undefined && { room: this.#init.room }),
      metered: this.#init.metered ?? DEFAULT_METERED_POLICY,
      isPeerOnTheWay: () => this.#table.size > 0 || this.#init.isDialing?.() !== false,
      onMembers: (removed) => this.#membersChanged(space.id, removed),
      onChange: () => this.#spaceChanged(space),
      onWork: () => this.#schedulePump(),
      onCorrupt: (requester) => this.#endCorrupt(requester),
      onDiverged: (peer, divergence) => this.#events.emit('space:diverged', space.id, peer, divergence),
      onRepaired: (repair) => this.#events.emit('space:repaired', space.id, repair),
    })
    this.#spaces.set(space.id, space)
    for (const session of this.#table.all()) session.updateSpaces()
  }

  /** Content of the space came by another way than from a peer: what was missing is looked for again. */
  contentCame(id: SpaceId): void {
    this.#spaces.get(id)?.fetcher.peerGained()
  }

  /** Content of the space that was held is not any more: what is missing is looked for anew. */
  contentLost(id: SpaceId): void {
    this.#spaces.get(id)?.fetcher.contentChanged(undefined)
  }

  /** What a person decided is different: what is wanted now is looked for, what is not any more is left. */
  choicesChanged(id: SpaceId): void {
    this.#spaces.get(id)?.fetcher.choicesChanged()
  }

  /**
   * Asks every device that is connected, and a member, which versions it keeps.
   *
   * @param versions - at most MAX_VERSIONS_PER_QUESTION
   * @returns for each whether one of them says that it does; `undefined` where nobody is there to be asked
   */
  async askKept(
    id: SpaceId,
    versions: readonly FileVersionRef[],
    options: AbortOptions = {},
  ): Promise<readonly boolean[] | undefined> {
    const asked = this.#table.main().filter((session) => session.isOpen && session.shared.has(id))
    if (asked.length === 0) return undefined
    const answers = await Promise.all(asked.map((session) => session.kept.ask(id, versions, options)))
    return versions.map((_, index) => answers.some((kept) => kept[index] === true))
  }

  /**
   * Takes a pattern through the store of a device and back.
   *
   * @throws DittoError DITTO_PEER_UNREACHABLE (no session with it), and as `EchoQuestions.ask`
   */
  async echo(peer: DeviceKey, question: EchoQuestion, options: AbortOptions = {}): Promise<EchoAnswer> {
    const session = this.#table.inUse(peer)
    if (session === undefined) throw new DittoError('DITTO_PEER_UNREACHABLE', 'The device is not connected.')
    return session.echoes.ask(question, options)
  }

  /** Resolves when nothing of the space is under way any more. */
  async removeSpace(id: SpaceId): Promise<void> {
    const space = this.#spaces.get(id)
    if (space === undefined) return
    this.#spaces.delete(id)
    for (const session of this.#table.all()) session.updateSpaces()
    await space.close()
  }

  /** Starts a session on a link, which belongs to it from now on. */
  attach(link: Link): Session {
    const session = new Session({
      ...this.#init,
      link,
      isMetered: this.#init.capabilities?.(link.transport)?.isMetered ?? false,
      isSlow: this.#init.capabilities?.(link.transport)?.isSlow ?? false,
      tuning: this.#profile.tuning(),
      budget: this.#budget,
      upload: this.#upload,
      download: this.#download,
      spaces: () => this.#spaces.values(),
      onHello: (greeted) => this.#admit(greeted),
      onChange: ({ peer }) => {
        this.#table.choose(peer)
        this.#profile.linksChanged()
        this.#scheduleChange()
      },
      onRoom: () => this.#schedulePump(),
      onPeerBegan: (preferred) => void this.#table.peerPrefers(preferred),
      onEnding: ({ peer }) => this.#table.choose(peer),
    })
    const refusal = this.#table.add(session)
    void session.ended.then((reason) => {
      this.#table.delete(session)
      this.#profile.linksChanged()
      this.#endedTraffic.sent += link.bytesSent
      this.#endedTraffic.received += link.bytesReceived
      this.#events.emit('peer:close', session, reason)
      this.#scheduleChange()
      this.#schedulePump()
    })
    if (this.#stop.signal.aborted) void session.end(new DittoError('DITTO_CLOSED', 'This device is stopping.'))
    else if (refusal !== undefined) void session.end(refusal)
    return session
  }

  /** Connections that a transport may spread one busy link over, as the profiles of the links say. */
  get connections(): number {
    return this.#profile.current.connections
  }

  /** The devices that sessions are open with. */
  peers(): readonly PeerState[] {
    return this.#table.main().map((session) =>
      peerState(
        session,
        this.#table.besides(session).map(({ link }) => link.transport),
      ),
    )
  }

  /** It became known where devices can be reached: peers are told. */
  addressesChanged(): void {
    for (const session of this.#table.all()) session.sendAddresses()
  }

  /** Whether the device at the other end of an attached link answers within a few seconds; `false` for other links. */
  isLinkAlive(link: Link): Promise<boolean> {
    return this.#table.isAlive(link)
  }

  /** This machine slept, or has other addresses than before: links that are dead by now are ended within seconds. */
  probeLinks(): void {
    this.#table.probeAll()
  }

  /** The devices that share a space in a session now, and where each stands in it. */
  spacePeers(id: SpaceId): readonly SpacePeer[] {
    return this.#table.main().flatMap((session) => {
      const shared = session.shared.get(id)
      return shared === undefined ? [] : [spacePeer(session, shared)]
    })
  }

  /** Bytes of frames over all links since the start. */
  traffic(): { readonly sent: number; readonly received: number } {
    let { sent, received } = this.#endedTraffic
    for (const { link } of this.#table.all()) {
      sent += link.bytesSent
      received += link.bytesReceived
    }
    return { sent, received }
  }

  /** What `room` says has changed otherwise than by what was asked for. */
  roomChanged(): void {
    for (const { fetcher } of this.#spaces.values()) fetcher.roomChanged()
  }

  /** Where the content of a space stands; `undefined` for a space that was not added. */
  spaceState(id: SpaceId): FetchState | undefined {
    return this.#spaces.get(id)?.fetcher.state
  }

  /**
   * Resolves when this device and every device it has a session with hold the same, as far as they may; at once when
   * there is no session. Sessions that are still being set up are waited for; copies that differ, and will for now, are
   * not (`PeerState.divergence`).
   */
  async whenUpToDate({ signal }: AbortOptions = {}): Promise<void> {
    signal?.throwIfAborted()
    while (!this.isUpToDate) await this.#changed.wait({ ...(signal !== undefined && { signal }) })
  }

  /** Whether {@link whenUpToDate} would not wait. Whoever has a link in use is not waited for while another is set up. */
  get isUpToDate(): boolean {
    return this.#table
      .all()
      .every((session) => isDone(session) || (!session.isReady && this.#table.inUse(session.peer) !== undefined))
  }

  /**
   * Resolves when all that connected devices had to say when it was called has arrived: what is on its way is not known to
   * be missing. A device is asked until it answers, over another link where that takes over, or is gone.
   *
   * @returns the connected devices that had not answered when the signal was aborted
   */
  async hearAll({ signal }: AbortOptions = {}): Promise<ReadonlySet<DeviceKey>> {
    const heard = new Set<DeviceKey>()
    const silent = () => this.#table.main().filter(({ peer }) => !heard.has(peer))
    for (let asked = silent(); asked.length > 0 && signal?.aborted !== true; asked = silent()) {
      const ask = async (session: Session) => {
        if (await session.isAlive(HEAR_MS, signal === undefined ? {} : { signal })) heard.add(session.peer)
      }
      await Promise.all(asked.map(ask))
    }
    return new Set(silent().map(({ peer }) => peer))
  }

  /**
   * Fetches contents before everything else, whatever the space's policy.
   *
   * @returns bytes that came from peers
   * @throws DittoError DITTO_NOT_FOUND (no such space), DITTO_PEER_UNREACHABLE, DITTO_CHUNK_MISSING,
   *   DITTO_MANIFEST_INVALID, and what the store throws
   */
  async ensure(id: SpaceId, contents: readonly WantedContent[], options: EnsureOptions = {}): Promise<number> {
    return this.#space(id).fetcher.ensure(contents, options)
  }

  /**
   * Fetches chunks that were found damaged, and so do not count as held any more.
   *
   * @returns bytes that came from peers
   * @throws DittoError as {@link SyncEngine.ensure}
   */
  async repair(id: SpaceId, ids: readonly ChunkId[], options: EnsureOptions = {}): Promise<number> {
    return this.#space(id).fetcher.ensureChunks(ids, options)
  }

  /** Ends all sessions, telling the peers. What was received is stored. */
  async close(): Promise<void> {
    this.#stop.abort(new DittoError('DITTO_CLOSED', 'The device is stopping.'))
    await Promise.all(this.#table.all().map((session) => session.end()))
    await Promise.all([...this.#spaces.keys()].map((id) => this.removeSpace(id)))
    await this.#ticking
  }

  #space(id: SpaceId): SyncSpace {
    const space = this.#spaces.get(id)
    if (space === undefined) throw new DittoError('DITTO_NOT_FOUND', 'There is no such space on this device.')
    return space
  }

  async #admit(session: Session): Promise<void> {
    await this.#table.admit(session)
    if (session.isOver) return
    this.#events.emit('peer:open', session)
    this.#scheduleChange()
  }

  #membersChanged(space: SpaceId, removed: readonly DeviceKey[]): void {
    for (const session of this.#table.all()) {
      session.sendStatements(space)
      session.updateSpaces()
      session.sendAddresses()
      if (removed.includes(session.peer) && session.shared.size === 0) {
        void session.end(new DittoError('DITTO_NOT_A_MEMBER', 'The peer was removed.'))
      }
    }
  }

  #endCorrupt(requester: Requester): void {
    for (const session of this.#table.all()) {
      if (session.requester !== requester) continue
      this.#init.log.warn({ code: 'DITTO_CHUNK_CORRUPT', peer: session.peer }, 'A peer sent bytes that do not match.')
      void session.end(new DittoError('DITTO_CHUNK_CORRUPT', 'The peer sent bytes that do not match their hash.'))
    }
  }

  #spaceChanged(space: SyncSpace): void {
    for (const session of this.#table.all()) session.shared.get(space.id)?.changed()
    this.#scheduleChange()
    if (this.#reported.has(space)) return
    this.#reported.add(space)
    void this.#init.clock.sleep(PROGRESS_INTERVAL_MS, { signal: this.#stop.signal }).then(
      () => {
        this.#reported.delete(space)
        this.#events.emit('space:progress', space.id, space.fetcher.state)
      },
      () => undefined,
    )
  }

  #scheduleChange(): void {
    if (this.#isChangeScheduled) return
    this.#isChangeScheduled = true
    queueMicrotask(() => {
      this.#isChangeScheduled = false
      this.#changed.wake()
      this.#events.emit('peer:change')
    })
  }

  #schedulePump(): void {
    if (this.#isPumpScheduled) return
    this.#isPumpScheduled = true
    queueMicrotask(() => {
      this.#isPumpScheduled = false
      for (const session of this.#table.all()) this.#pump(session)
    })
  }

  /** Gives a peer requests until its window is full or there is nothing left that it may have; spaces take turns. */
  #pump(session: Session): void {
    const { requester } = session
    if (!session.isInUse) return
    const waiting = { chunks: 0, bytes: 0 }
    for (const { space } of session.shared.values()) {
      waiting.chunks += space.fetcher.waiting.chunks
      waiting.bytes += space.fetcher.waiting.bytes
    }
    requester.tuning.waiting(waiting)
    for (;;) {
      const roomBytes = requester.roomBytes
      if (roomBytes === 0) return
      const fetchers = [...session.shared.values()].map((shared) => shared.space.fetcher)
      const turn = this.#turn++
      const isServed = fetchers.some((_, i) => fetchers[(turn + i) % fetchers.length]?.serve(requester, roomBytes))
      if (isServed) continue
      if (!fetchers.some((fetcher) => fetcher.steal(requester) && fetcher.serve(requester, roomBytes))) return
    }
  }

  async #tick(): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      await this.#init.clock.sleep(TICK_MS, { signal }).catch(() => undefined)
      if (this.#budget.usedBytes > 0) this.#schedulePump()
      this.#table.tick()
      for (const session of this.#table.main()) for (const shared of session.shared.values()) shared.lookAgain()
    }
  }
}
