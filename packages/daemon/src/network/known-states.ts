import type { DeviceKey, MetadataStore, SpaceId } from '@dittofs/interface'
import type { Level } from 'level'

/** What each device was last known to hold of each space: all metadata and all content up to a state vector. */
export class KnownStates {
  readonly #rows: ReturnType<typeof rowsOf>
  /** The newest of each, so that what has not changed is not written again. */
  readonly #noted = new Map<string, Uint8Array>()
  #writing: Promise<unknown> = Promise.resolve()

  constructor(database: Level) {
    this.#rows = rowsOf(database)
  }

  /** @returns as `MetadataStore.hello` gives it; `undefined` where the device has never been seen to hold all */
  async get(space: SpaceId, device: DeviceKey): Promise<Uint8Array | undefined> {
    await this.#writing.catch(() => undefined)
    return this.#rows.get(keyOf(space, device))
  }

  /** The device holds what is here now. */
  async note(space: SpaceId, device: DeviceKey, metadata: Pick<MetadataStore, 'hello'>): Promise<void> {
    const key = keyOf(space, device)
    const hello = metadata.hello()
    if (Buffer.compare(this.#noted.get(key) ?? Buffer.of(), hello) === 0) return
    this.#noted.set(key, hello)
    const writing = this.#writing.catch(() => undefined).then(() => this.#rows.put(key, hello))
    this.#writing = writing
    await writing
  }

  async close(): Promise<void> {
    await this.#writing.catch(() => undefined)
  }
}

function rowsOf(database: Level) {
  return database.sublevel<string, Uint8Array>('known-states', { valueEncoding: 'view' })
}

function keyOf(space: SpaceId, device: DeviceKey): string {
  return `${space} ${device}`
}
