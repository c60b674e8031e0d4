import type { Clock, DeviceKey } from '@dittofs/interface'

/** After a repair by a device's copies, how long that device waits for the next: each builds a document anew. */
const REPAIR_INTERVAL_MS = 10 * 60_000
/** How often a person is told that the copies of two devices differ. */
const TELL_INTERVAL_MS = 60 * 60_000

/** Bounds, for one space over all its sessions, what devices that say that copies differ can make this device do. */
export class RepairTurns {
  readonly #clock: Clock
  readonly #repairedAt = new Map<DeviceKey, number>()
  readonly #toldAt = new Map<DeviceKey, number>()
  #isRepairing = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Whether a repair goes on: one at a time, as copies are held in memory. */
  get isBusy(): boolean {
    return this.#isRepairing
  }

  /** Whether a repair by that device's copies may begin; if so it counts as begun until {@link RepairTurns.end}. */
  begin(owner: DeviceKey): boolean {
    const before = this.#repairedAt.get(owner)
    const isTooSoon = before !== undefined && this.#clock.monotonic() - before < REPAIR_INTERVAL_MS
    if (this.#isRepairing || isTooSoon) return false
    this.#isRepairing = true
    return true
  }

  /** @param hasChanged - whether copies were replaced; a try that was cut short may be made again at once */
  end(owner: DeviceKey, hasChanged: boolean): void {
    this.#isRepairing = false
    if (hasChanged) this.#repairedAt.set(owner, this.#clock.monotonic())
  }

  /** Whether it is time to tell of differences with that device. */
  tell(peer: DeviceKey): boolean {
    const now = this.#clock.monotonic()
    const before = this.#toldAt.get(peer)
    if (before !== undefined && now - before < TELL_INTERVAL_MS) return false
    this.#toldAt.set(peer, now)
    return true
  }
}
