import {
  type Clock,
  type DeviceKey,
  isDittoError,
  type LogDigest,
  type LogDigests,
  type Logger,
} from '@dittofs/interface'
import { type DigestsMessage, encodeMessage, type LogPartMessage, type WantLogMessage } from '@dittofs/wire'
import { differingLogs, encodeDigests } from './log-comparison.ts'
import { LogFetch } from './log-fetch.ts'
import type { RepairTurns } from './repair-turns.ts'
import type { SpaceMetadata } from './space-metadata.ts'
import { Wakeup } from './wakeup.ts'

/** Differing digests must last so long: changes under way make them differ for a moment. */
const SETTLE_MS = 1000
/** Digests are told, and those of the peer looked at, at most so often. */
const MIN_INTERVAL_MS = 2000
/** Digests that did not change are compared again after this time. */
const RECHECK_MS = 10 * 60_000
/** How long the peer may take to tell its digests, or as the one that has to be repaired, to ask for the next part. */
const ANSWER_MS = 20_000
/** How often to look whether another repair of the space is over. */
const BUSY_MS = 1000
/** Logs that are repaired at once. The rest follows with the next comparison. */
const MAX_LOGS_PER_REPAIR = 64
/** Messages that one comparison may take: with 4,096 logs each as many logs as a state vector may name, 2.6 MB. */
const MAX_PAGES = 16
const FOREVER_MS = 24 * 60 * 60_000

/** Two devices hold as much of every log, and not the same. */
export interface Divergence {
  /** The devices whose logs differ; none where only the whole is known to differ. */
  readonly owners: readonly DeviceKey[]
  /** Whether one of the two is taking the owner's copy now. */
  readonly isBeingRepaired: boolean
}

/** What came of taking an owner's copies. */
export interface Repair {
  readonly owner: DeviceKey
  readonly droppedEntries: number
  /** Where entries of the tree stood that only dropped entries named. */
  readonly lostPaths: readonly string[]
}

export interface DivergenceWatchInit {
  metadata: SpaceMetadata
  self: DeviceKey
  peer: DeviceKey
  clock: Clock
  log: Logger
  turns: RepairTurns
  /** Number of the space in messages to the peer. */
  spaceNumber: number
  /** Whether both devices may change the space. */
  areWriters: () => boolean
  /** The digest the peer last told, while both have nothing more to exchange. */
  settledDigest: () => Uint8Array | undefined
  write: (parts: readonly Uint8Array[]) => Promise<void>
  /** `divergence` changed. */
  onChange: () => void
  /** Copies differ and nothing can be done about it now. */
  onDiverged: (divergence: Divergence) => void
  onRepaired: (repair: Repair) => void
}

/** What a peer told of its logs, in whole. */
interface ToldDigests {
  readonly state: Uint8Array
  readonly pages: readonly Uint8Array[]
}

/**
 * Watches over one space in one session for a log that differs: when both devices have nothing more to exchange and
 * tell different digests, they compare those of the single logs. A log whose owner is the peer is taken from the peer,
 * one that is this device's own is given to it, and any other waits for its owner. What a peer says makes this device
 * replace nothing but copies of that peer's own logs.
 *
 * @see docs/metadata.md#logs-that-differ
 */
export class DivergenceWatch {
  readonly #init: DivergenceWatchInit
  readonly #wakeup = new Wakeup()
  readonly #asked = new Wakeup()
  readonly #fetch: LogFetch
  #isDirty = false
  #divergence: Divergence | undefined
  /** Both digests as they were last seen to differ, and since when. */
  #pair = ''
  #pairSince = 0
  #comparedPair = ''
  #comparedAt = 0
  /** This device's digest when it last told those of its logs, and when that was. */
  #sentDigest = ''
  #sentAt = Number.NEGATIVE_INFINITY
  #lookedAt = Number.NEGATIVE_INFINITY
  /** Until when the peer is waited for. */
  #waitUntil = 0
  /** Logs of the peer to be taken. */
  #due: readonly LogDigest[] = []
  #pages: Uint8Array[] = []
  #told: ToldDigests | undefined
  #wanted: WantLogMessage | undefined

  constructor(init: DivergenceWatchInit) {
    this.#init = init
    const { clock, spaceNumber, write } = init
    this.#fetch = new LogFetch({ clock, spaceNumber, write })
  }

  get divergence(): Divergence | undefined {
    return this.#divergence
  }

  /** What is watched may have changed. */
  changed(): void {
    this.#isDirty = true
    this.#wakeup.wake()
  }

  /** Takes one of the peer's messages about logs that differ. */
  receive(message: DigestsMessage | WantLogMessage | LogPartMessage): void {
    if (message.type === 'logPart') this.#fetch.receive(message)
    else if (!this.#init.areWriters()) return
    else if (message.type === 'digests') this.#receiveDigests(message)
    else {
      // One at a time: the peer waits for a part before it wants the next.
      this.#wanted ??= message
      this.#asked.wake()
    }
  }

  /**
   * Compares, repairs and gives until the signal is aborted.
   *
   * @throws DittoError DITTO_UPDATE_INVALID, DITTO_PROTOCOL for what an owner gave
   */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.#compareAll(signal), this.#giveAll(signal)])
  }

  /** Those that come while others wait to be looked at are dropped. */
  #receiveDigests({ state, logs, hasMore }: DigestsMessage): void {
    if (this.#told !== undefined) return
    this.#pages.push(logs)
    if (hasMore && this.#pages.length < MAX_PAGES) return
    this.#told = { state, pages: this.#pages }
    this.#pages = []
    this.changed()
  }

  async #compareAll(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#isDirty = false
      const waitMs = await this.#step(signal)
      if (!this.#isDirty && waitMs > 0) await this.#wakeup.waitAtMost(waitMs, this.#init.clock, { signal })
    }
  }

  /** Does what is to be done now. @returns after how many milliseconds to look again, unless something changes */
  async #step(signal: AbortSignal): Promise<number> {
    const { clock, turns, peer } = this.#init
    const now = clock.monotonic()
    const told = this.#told
    if (told !== undefined && now - this.#lookedAt >= MIN_INTERVAL_MS) {
      this.#lookedAt = now
      await this.#look(told)
      this.#told = undefined
      return 0
    }
    if (this.#due.length > 0) {
      if (turns.isBusy) return BUSY_MS
      if (turns.begin(peer)) await this.#repair(signal)
      else this.#giveUp()
      return 0
    }
    const waitMs = await this.#compareWhole(now)
    return told === undefined ? waitMs : Math.min(waitMs, this.#lookedAt + MIN_INTERVAL_MS - now)
  }

  /** Compares the digests of the whole, and tells those of the logs when they have differed for long enough. */
  async #compareWhole(now: number): Promise<number> {
    const { metadata, areWriters, settledDigest } = this.#init
    const theirs = settledDigest()
    if (!areWriters()) this.#set(undefined)
    if (theirs === undefined || !areWriters()) return FOREVER_MS
    const own = metadata.digest()
    if (Buffer.compare(own, theirs) === 0) {
      this.#pair = ''
      this.#set(undefined)
      return FOREVER_MS
    }
    const pair = `${hex(own)} ${hex(theirs)}`
    if (pair !== this.#pair) {
      this.#pair = pair
      this.#pairSince = now
    }
    if (now - this.#pairSince < SETTLE_MS) return this.#pairSince + SETTLE_MS - now
    if (pair !== this.#comparedPair || now - this.#comparedAt >= RECHECK_MS) {
      if (now - this.#sentAt < MIN_INTERVAL_MS) return this.#sentAt + MIN_INTERVAL_MS - now
      this.#comparedPair = pair
      this.#comparedAt = now
      this.#waitForPeer()
      await this.#tellDigests(await metadata.store.logDigests())
      return 0
    }
    if (this.#divergence === undefined || this.#divergence.isBeingRepaired) {
      if (now < this.#waitUntil) return this.#waitUntil - now
      this.#giveUp()
    }
    return this.#comparedAt + RECHECK_MS - now
  }

  /** Looks at the digests the peer told, and answers with this device's unless it has them. */
  async #look({ state, pages }: ToldDigests): Promise<void> {
    const { metadata, self, peer } = this.#init
    const own = await metadata.store.logDigests()
    await this.#tellDigests(own)
    this.#waitForPeer()
    // One of the two holds more: the ordinary exchange comes first, and both compare again after it.
    if (Buffer.compare(own.stateHash, state) !== 0) return
    const differing = differingLogs(own, pages)
    if (differing.length === 0) return
    this.#due = differing.filter(({ owner }) => owner === peer).slice(0, MAX_LOGS_PER_REPAIR)
    const owners = [...new Set(differing.flatMap(({ owner }) => owner ?? []))]
    this.#set({ owners, isBeingRepaired: this.#due.length > 0 || owners.includes(self) })
  }

  /** Takes the owner's copies of the logs that are due. */
  async #repair(signal: AbortSignal): Promise<void> {
    const { metadata, peer, turns, log, areWriters, onRepaired } = this.#init
    const space = metadata.store.space
    const logs = this.#due.map((one) => one.log)
    let hasChanged = false
    try {
      const updates = await this.#fetch.fetch(logs, signal)
      if (areWriters()) {
        const { droppedEntries, lostPaths, ...replaced } = await metadata.replaceLogs(updates, peer)
        hasChanged = replaced.hasChanged
        if (hasChanged) {
          const fields = { code: 'DITTO_DIVERGED', space, owner: peer, droppedEntries, lostPaths }
          log.warn(fields, 'Entries that passed for a device’s gave way to that device’s own copy.')
          onRepaired({ owner: peer, droppedEntries, lostPaths })
        }
      }
    } catch (error) {
      const isTheirs = isDittoError(error) && PASSING.has(error.code)
      if (signal.aborted || !isTheirs) throw error
      log.warn({ code: error.code, space, owner: peer }, 'A log could not be taken from its owner.')
    } finally {
      this.#due = []
      turns.end(peer, hasChanged)
    }
    if (hasChanged) this.#waitForPeer()
    else this.#giveUp()
  }

  async #giveAll(signal: AbortSignal): Promise<void> {
    const { metadata, spaceNumber, write } = this.#init
    while (!signal.aborted) {
      if (this.#wanted === undefined) {
        await this.#asked.wait({ signal })
        continue
      }
      const { log, from } = this.#wanted
      const part = metadata.store.ownLogPart(log, from)
      await write([encodeMessage({ type: 'logPart', space: spaceNumber, log, from, ...part })])
      this.#wanted = undefined
      this.#waitForPeer()
    }
  }

  /** Tells the digests of all logs, unless the peer was told these just now. */
  async #tellDigests(own: LogDigests): Promise<void> {
    const { metadata, clock, spaceNumber, write } = this.#init
    const digest = hex(metadata.digest())
    const now = clock.monotonic()
    if (digest === this.#sentDigest && now - this.#sentAt < RECHECK_MS / 2) return
    this.#sentDigest = digest
    this.#sentAt = now
    for (const payload of encodeDigests(spaceNumber, own)) await write([payload])
  }

  #waitForPeer(): void {
    this.#waitUntil = this.#init.clock.monotonic() + ANSWER_MS
  }

  /** Nothing can be done now: the copies stay as they are, and a person hears of it. */
  #giveUp(): void {
    this.#due = []
    this.#set({ owners: this.#divergence?.owners ?? [], isBeingRepaired: false })
  }

  #set(divergence: Divergence | undefined): void {
    const { metadata, peer, turns, log, onChange, onDiverged } = this.#init
    if (divergence === undefined && this.#divergence === undefined) return
    this.#divergence = divergence
    if (divergence?.isBeingRepaired === false && turns.tell(peer)) {
      const fields = { code: 'DITTO_DIVERGED', space: metadata.store.space, peer, owners: divergence.owners }
      log.warn(fields, 'This device and the peer hold different copies of what a device wrote.')
      onDiverged(divergence)
    }
    onChange()
  }
}

/** What may come of a slow or cut link, or of an owner whose copy is shorter than it said. */
const PASSING: ReadonlySet<string> = new Set(['DITTO_TIMEOUT', 'DITTO_LIMIT', 'DITTO_UPDATE_GAP'])

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
