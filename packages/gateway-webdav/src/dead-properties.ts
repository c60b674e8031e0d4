import { DittoError, type VolumeHandle } from '@dittofs/interface'
import { MAX_DEAD_PROPERTIES, MAX_DEAD_PROPERTY_BYTES } from './limits.ts'

/** A property that a client set and the server only keeps (RFC 4918 4). */
export interface DeadProperty {
  readonly namespace: string
  readonly name: string
  /** The whole element, with every declaration it needs. */
  readonly xml: string
}

/** The dead properties of the nodes of one volume, by handle: they stay with a node when it is moved. */
export interface DeadProperties {
  /** None for a node that has none. */
  get(handle: VolumeHandle): Promise<readonly DeadProperty[]>
  /** As `get`, for each node in the order given. */
  getMany(handles: readonly VolumeHandle[]): Promise<readonly (readonly DeadProperty[])[]>
  /**
   * Replaces the properties of a node by what `change` makes of them, durably and as one; updates of one node follow each
   * other.
   *
   * @throws DittoError DITTO_LIMIT: more than MAX_DEAD_PROPERTIES or MAX_DEAD_PROPERTY_BYTES; nothing is changed then
   */
  update(
    handle: VolumeHandle,
    change: (current: readonly DeadProperty[]) => readonly DeadProperty[],
  ): Promise<readonly DeadProperty[]>
  /** Gives `to` what `from` has, and nothing else. */
  copy(from: VolumeHandle, to: VolumeHandle): Promise<void>
  /** As `copy`; `from` has none afterwards. */
  move(from: VolumeHandle, to: VolumeHandle): Promise<void>
  /** For a node that is gone. */
  delete(handle: VolumeHandle): Promise<void>
}

/** What {@link storedDeadProperties} keeps them in: a `level` database or sublevel of strings, or a map. */
export interface PropertyDatabase {
  get(key: string): Promise<string | undefined>
  getMany(keys: string[]): Promise<(string | undefined)[]>
  keys(): AsyncIterable<string>
  put(key: string, value: string): Promise<void>
  del(key: string): Promise<void>
}

/** Dead properties in a database that the caller opens and closes: one JSON value for each node that has any. */
export function storedDeadProperties(database: PropertyDatabase): DeadProperties {
  return new StoredDeadProperties(database)
}

/** Dead properties in memory, of the `maxNodes` nodes whose ones were set last. */
export function memoryDeadProperties(maxNodes = 10_000): DeadProperties {
  const values = new Map<string, string>()
  return storedDeadProperties({
    get: async (key) => values.get(key),
    getMany: async (keys) => keys.map((key) => values.get(key)),
    keys: async function* () {
      yield* values.keys()
    },
    put: async (key, value) => {
      values.delete(key)
      values.set(key, value)
      const [oldest] = values.keys()
      if (values.size > maxNodes && oldest !== undefined) values.delete(oldest)
    },
    del: async (key) => {
      values.delete(key)
    },
  })
}

/** Nodes with properties that are known by name, so that nobody asks the database for the others: some MiB. */
const MAX_KNOWN = 50_000

class StoredDeadProperties implements DeadProperties {
  readonly #database: PropertyDatabase
  /** The last update of each node that is being updated. */
  readonly #running = new Map<VolumeHandle, Promise<unknown>>()

  /** The nodes that may have any, or `undefined` where they are too many. */
  #bearers: Promise<Set<string> | undefined> | undefined

  constructor(database: PropertyDatabase) {
    this.#database = database
  }

  async get(handle: VolumeHandle): Promise<readonly DeadProperty[]> {
    const bearers = await this.#findBearers()
    const value = bearers?.has(handle) === false ? undefined : await this.#database.get(handle)
    return value === undefined ? [] : decode(value)
  }

  async getMany(handles: readonly VolumeHandle[]): Promise<readonly (readonly DeadProperty[])[]> {
    const bearers = await this.#findBearers()
    if (bearers !== undefined && !handles.some((handle) => bearers.has(handle))) return handles.map(() => [])
    const values = await this.#database.getMany([...handles])
    return values.map((value) => (value === undefined ? [] : decode(value)))
  }

  update(
    handle: VolumeHandle,
    change: (current: readonly DeadProperty[]) => readonly DeadProperty[],
  ): Promise<readonly DeadProperty[]> {
    const run = async () => {
      const next = change(await this.get(handle))
      const value = JSON.stringify(next.map(({ namespace, name, xml }) => [namespace, name, xml]))
      if (next.length > MAX_DEAD_PROPERTIES || Buffer.byteLength(value) > MAX_DEAD_PROPERTY_BYTES) {
        throw new DittoError('DITTO_LIMIT', 'The file has too many properties, or too long ones.')
      }
      // Known before it is there, so that nobody misses it.
      if (next.length > 0) await this.#addBearer(handle)
      if (next.length > 0) await this.#database.put(handle, value)
      else await this.#database.del(handle)
      return next
    }
    const result = (this.#running.get(handle) ?? Promise.resolve()).then(run)
    const ended = result.then(
      () => {},
      () => {},
    )
    this.#running.set(handle, ended)
    void ended.then(() => {
      if (this.#running.get(handle) === ended) this.#running.delete(handle)
    })
    return result
  }

  async #addBearer(handle: VolumeHandle): Promise<void> {
    const bearers = await this.#findBearers()
    if (bearers !== undefined && bearers.add(handle).size > MAX_KNOWN) this.#bearers = Promise.resolve(undefined)
  }

  #findBearers(): Promise<Set<string> | undefined> {
    this.#bearers ??= readBearers(this.#database).catch((error: unknown) => {
      this.#bearers = undefined
      throw error
    })
    return this.#bearers
  }

  async copy(from: VolumeHandle, to: VolumeHandle): Promise<void> {
    const properties = await this.get(from)
    // Most nodes have none, and then there is nothing to write.
    if (properties.length === 0 && (await this.get(to)).length === 0) return
    await this.update(to, () => properties)
  }

  async move(from: VolumeHandle, to: VolumeHandle): Promise<void> {
    await this.copy(from, to)
    await this.delete(from)
  }

  async delete(handle: VolumeHandle): Promise<void> {
    if ((await this.get(handle)).length > 0) await this.update(handle, () => [])
  }
}

async function readBearers(database: PropertyDatabase): Promise<Set<string> | undefined> {
  const bearers = new Set<string>()
  for await (const key of database.keys()) if (bearers.add(key).size > MAX_KNOWN) return undefined
  return bearers
}

/** What cannot be read is none: a property is never worth a file. */
function decode(value: string): readonly DeadProperty[] {
  try {
    const list = JSON.parse(value) as unknown
    if (!Array.isArray(list)) return []
    return (list as unknown[]).flatMap((one) =>
      Array.isArray(one) && one.length === 3 && one.every((part) => typeof part === 'string')
        ? [{ namespace: one[0] as string, name: one[1] as string, xml: one[2] as string }]
        : [],
    )
  } catch {
    return []
  }
}
