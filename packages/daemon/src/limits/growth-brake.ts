import type { Clock, DeviceKey, SpaceId } from '@dittofs/interface'
import type { FetchGrowth } from '@dittofs/sync'
import type { Level } from 'level'
import { SYNCED } from '../state/synced.ts'
import { accepted, type Growth, type GrowthLimits, grownBytes, growthLimit, NO_GROWTH, withStored } from './growth.ts'

/** How long what has come may stay unwritten: after a crash so much of it is not counted. */
const WRITE_MS = 10_000

/** Whose changes they are: a member, or all devices that are none together, since such keys cost nothing to make. */
type Author = DeviceKey | ''

interface Row {
  readonly growth: Growth
  /** Bytes that wait, as last counted. */
  readonly waitingBytes: number
}

interface Entry {
  readonly space: SpaceId
  readonly author: Author
  growth: Growth
  waitingBytes: number
  /** Counted anew so far; `undefined` while all is counted. */
  walkBytes: number | undefined
  /** Asked for and not here yet. */
  pendingBytes: number
}

/** Content that waits until a person agrees to it. */
export interface WaitingGrowth {
  /** `undefined`: devices that are no members. */
  readonly author: DeviceKey | undefined
  readonly waitingBytes: number
  /** What has come of the same within the period. */
  readonly grownBytes: number
}

export interface GrowthSpace {
  readonly space: SpaceId
  readonly self: DeviceKey
  readonly isMember: (device: DeviceKey) => boolean
  /** On the disk that content comes to. */
  readonly freeBytes: () => number
}

export interface GrowthBrakeInit {
  database: Level
  limits: GrowthLimits
  clock: Clock
  /** Content begins to wait. */
  onHeld: (space: SpaceId, author: DeviceKey | undefined) => void
  onFailure: (error: unknown) => void
}

/**
 * The brake on growth: counts what the changes of each device make each space grow by here, and holds the device's
 * content back from where it is too much until a person agrees. Kept over restarts.
 */
export class GrowthBrake {
  readonly #init: GrowthBrakeInit
  readonly #rows: ReturnType<typeof rowsOf>
  readonly #entries = new Map<SpaceId, Map<Author, Entry>>()
  readonly #unwritten = new Set<Entry>()
  readonly #stop = new AbortController()
  #writing: Promise<void> = Promise.resolve()
  #isWriteDue = false

  static async open(init: GrowthBrakeInit): Promise<GrowthBrake> {
    const brake = new GrowthBrake(init)
    for await (const [key, { growth, waitingBytes }] of brake.#rows.iterator()) {
      const [space, author] = key.split('/') as [SpaceId, Author]
      Object.assign(brake.#entry(space, author), { growth, waitingBytes })
    }
    return brake
  }

  private constructor(init: GrowthBrakeInit) {
    this.#init = init
    this.#rows = rowsOf(init.database)
  }

  /** What the fetching of a space has to ask; `undefined` where nothing is ever held back. */
  of(space: GrowthSpace): FetchGrowth | undefined {
    const { bytes, freeShare } = this.#init.limits
    if (bytes === undefined && freeShare === undefined) return undefined
    const entryOf = (author: DeviceKey) => {
      // What this device made itself and let go of is no growth.
      if (author === space.self) return undefined
      return this.#entry(space.space, space.isMember(author) ? author : '')
    }
    return {
      take: (author, wanted) => {
        const entry = entryOf(author)
        return entry === undefined || this.#take(entry, wanted, space.freeBytes())
      },
      settle: (author, takenBytes, storedBytes) => {
        const entry = entryOf(author)
        if (entry !== undefined) this.#settle(entry, takenBytes, storedBytes)
      },
      waits: (author, waiting) => {
        const entry = entryOf(author)
        if (entry?.growth.isHeld !== true) return false
        addWaiting(entry, waiting)
        return true
      },
      beginWalk: () => {
        for (const entry of this.#of(space.space)) entry.walkBytes = 0
      },
      endWalk: () => {
        for (const entry of this.#of(space.space)) this.#endWalk(entry)
      },
      nothingMissing: () => {
        for (const entry of this.#of(space.space)) {
          if (entry.growth.acceptedBytes === 0) continue
          entry.growth = { ...entry.growth, acceptedBytes: 0 }
          this.#changed(entry)
        }
      },
    }
  }

  /** What of a space waits for a person, the most first. */
  waiting(space: SpaceId): readonly WaitingGrowth[] {
    const { limits, clock } = this.#init
    if (limits.bytes === undefined && limits.freeShare === undefined) return []
    return this.#of(space)
      .filter(({ growth }) => growth.isHeld)
      .map((entry) => ({
        author: entry.author === '' ? undefined : entry.author,
        waitingBytes: waitingBytesOf(entry),
        grownBytes: grownBytes(entry.growth, clock.now()),
      }))
      .sort((a, b) => b.waitingBytes - a.waitingBytes)
  }

  /** A person agrees to all that waits in a space. On stable storage when it returns. @returns what that was */
  async accept(space: SpaceId): Promise<readonly WaitingGrowth[]> {
    const waiting = this.waiting(space)
    const held = this.#of(space).filter(({ growth }) => growth.isHeld)
    for (const entry of held) {
      entry.growth = accepted(waitingBytesOf(entry) + entry.pendingBytes)
      entry.waitingBytes = 0
      this.#unwritten.add(entry)
    }
    await this.#write()
    return waiting
  }

  async close(): Promise<void> {
    this.#stop.abort()
    await this.#write().catch(this.#init.onFailure)
  }

  #take(entry: Entry, bytes: number, freeBytes: number): boolean {
    const { limits, clock, onHeld, onFailure } = this.#init
    if (!entry.growth.isHeld) {
      const grown = grownBytes(entry.growth, clock.now())
      const roomBytes = growthLimit(limits, grown, freeBytes) - grown + entry.growth.acceptedBytes - entry.pendingBytes
      if (bytes <= roomBytes) {
        entry.pendingBytes += bytes
        return true
      }
      entry.growth = { ...entry.growth, isHeld: true }
      this.#unwritten.add(entry)
      // At once: otherwise a device that dies again and again would begin anew each time.
      void this.#write().catch(onFailure)
      onHeld(entry.space, entry.author === '' ? undefined : entry.author)
    }
    addWaiting(entry, bytes)
    return false
  }

  #settle(entry: Entry, takenBytes: number, storedBytes: number): void {
    // A device that was no member when it was taken may be one now, and the other way round.
    entry.pendingBytes = Math.max(0, entry.pendingBytes - takenBytes)
    if (storedBytes === 0) return
    entry.growth = withStored(entry.growth, storedBytes, this.#init.clock.now())
    this.#changed(entry)
  }

  #endWalk(entry: Entry): void {
    if (entry.walkBytes === undefined) return
    const isOver = entry.growth.isHeld && entry.walkBytes === 0
    const isOther = entry.waitingBytes !== entry.walkBytes
    entry.waitingBytes = entry.walkBytes
    entry.walkBytes = undefined
    if (isOver) entry.growth = { ...entry.growth, isHeld: false }
    if (isOver || isOther) this.#changed(entry)
  }

  #of(space: SpaceId): Entry[] {
    return [...(this.#entries.get(space)?.values() ?? [])]
  }

  #entry(space: SpaceId, author: Author): Entry {
    let entries = this.#entries.get(space)
    if (entries === undefined) {
      entries = new Map()
      this.#entries.set(space, entries)
    }
    let entry = entries.get(author)
    if (entry === undefined) {
      entry = { space, author, growth: NO_GROWTH, waitingBytes: 0, walkBytes: undefined, pendingBytes: 0 }
      entries.set(author, entry)
    }
    return entry
  }

  #changed(entry: Entry): void {
    this.#unwritten.add(entry)
    if (this.#isWriteDue || this.#stop.signal.aborted) return
    this.#isWriteDue = true
    const { clock, onFailure } = this.#init
    void clock
      .sleep(WRITE_MS, { signal: this.#stop.signal })
      .catch(() => undefined)
      .then(() => {
        this.#isWriteDue = false
        return this.#stop.signal.aborted ? undefined : this.#write()
      })
      .catch(onFailure)
  }

  #write(): Promise<void> {
    const writing = this.#writing.then(async () => {
      const entries = [...this.#unwritten]
      this.#unwritten.clear()
      if (entries.length === 0) return
      await this.#rows.batch(entries.map(operationOf), SYNCED)
    })
    this.#writing = writing.catch(() => undefined)
    return writing
  }
}

function operationOf({ space, author, growth, waitingBytes }: Entry) {
  const key = `${space}/${author}`
  const isNothing = !growth.isHeld && growth.acceptedBytes === 0 && growth.hours.length === 0
  return isNothing
    ? ({ type: 'del', key } as const)
    : ({ type: 'put', key, value: { growth, waitingBytes } satisfies Row } as const)
}

function addWaiting(entry: Entry, bytes: number): void {
  if (entry.walkBytes === undefined) entry.waitingBytes += bytes
  else entry.walkBytes += bytes
}

/** While it is counted anew, no less than before. */
function waitingBytesOf({ waitingBytes, walkBytes = 0 }: Entry): number {
  return Math.max(waitingBytes, walkBytes)
}

function rowsOf(database: Level) {
  return database.sublevel<string, Row>('growth', { valueEncoding: 'json' })
}
