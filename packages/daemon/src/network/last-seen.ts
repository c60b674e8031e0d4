import { type Clock, type DeviceKey, deviceKey } from '@dittofs/interface'
import type { Level } from 'level'

/** When each device was last connected, kept over restarts. */
export class LastSeen {
  readonly #rows: ReturnType<typeof rowsOf>
  readonly #clock: Clock
  readonly #times = new Map<DeviceKey, number>()

  static async open(database: Level, clock: Clock): Promise<LastSeen> {
    const seen = new LastSeen(database, clock)
    for await (const [key, time] of seen.#rows.iterator()) seen.#times.set(deviceKey.parse(key), time)
    return seen
  }

  constructor(database: Level, clock: Clock) {
    this.#rows = rowsOf(database)
    this.#clock = clock
  }

  /** Milliseconds since the Unix epoch. */
  get(device: DeviceKey): number | undefined {
    return this.#times.get(device)
  }

  async note(device: DeviceKey): Promise<void> {
    const now = this.#clock.now()
    this.#times.set(device, now)
    await this.#rows.put(device, now)
  }
}

function rowsOf(database: Level) {
  return database.sublevel<string, number>('last-seen', { valueEncoding: 'json' })
}
