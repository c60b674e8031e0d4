import type { Clock } from '@dittofs/interface'
import type { FetchRoom } from '@dittofs/sync'
import { type DiskSpace, roomOn } from './disk-reserve.ts'

/** How often the disk is looked at. Between two looks what was asked for is reckoned with. */
const LOOK_MS = 2000

export interface RoomWatchInit {
  look: () => Promise<DiskSpace>
  /** As in the settings. */
  reserve: string
  /** Whether to look even where nothing is kept free. */
  isLookWanted?: boolean
  clock: Clock
  /** Bytes that were asked for and may not be on the disk yet. */
  underWayBytes: () => number
  /** The disk was looked at. */
  onLook: () => void
}

/** Knows how much may be fetched that nobody asked for, before less stays free on the disk than is to. */
export class RoomWatch implements FetchRoom {
  readonly #init: RoomWatchInit
  readonly #stop = new AbortController()
  #bytes = Number.POSITIVE_INFINITY
  #freeBytes = Number.POSITIVE_INFINITY
  #looking: Promise<void> = Promise.resolve()

  constructor(init: RoomWatchInit) {
    this.#init = init
  }

  /** Looks once, then again and again until `close`. */
  async start(): Promise<void> {
    // Nothing is kept free, so there is nothing to look for.
    if (this.#init.reserve === '0' && this.#init.isLookWanted !== true) return
    await this.#look()
    this.#looking = this.#keepLooking()
  }

  bytes(): number {
    return this.#bytes
  }

  /** As last seen; without a limit where it could not be seen. */
  freeBytes(): number {
    return this.#freeBytes
  }

  take(bytes: number): void {
    this.#bytes -= bytes
  }

  async close(): Promise<void> {
    this.#stop.abort()
    await this.#looking
  }

  async #keepLooking(): Promise<void> {
    const { signal } = this.#stop
    for (;;) {
      await this.#init.clock.sleep(LOOK_MS, { signal }).catch(() => undefined)
      if (signal.aborted) return
      await this.#look()
    }
  }

  async #look(): Promise<void> {
    const { look, reserve, underWayBytes, onLook } = this.#init
    // A disk that cannot be looked at says what is wrong with the first write.
    const space = await look().catch(() => undefined)
    this.#freeBytes = space?.freeBytes ?? Number.POSITIVE_INFINITY
    this.#bytes = space === undefined ? Number.POSITIVE_INFINITY : roomOn(space, reserve) - underWayBytes()
    onLook()
  }
}
