import type { NodeId } from '@dittofs/interface'

const ENCODING = { keyEncoding: 'utf8', valueEncoding: 'view' } as const

export type HistoryOperation =
  | { readonly type: 'put'; readonly key: string; readonly value: Uint8Array }
  | { readonly type: 'del'; readonly key: string }

export interface KeyRange {
  readonly gte: string
  readonly lt: string
}

/**
 * What is needed of a LevelDB, or a sublevel of one: it is opened and closed by its owner. Spelled out for the reason
 * given at the metadata's own database.
 */
export interface HistoryDatabase {
  get(key: string, options: typeof ENCODING): Promise<Uint8Array | undefined>
  getMany(keys: string[], options: typeof ENCODING): Promise<(Uint8Array | undefined)[]>
  batch(operations: HistoryOperation[], options: typeof ENCODING & { sync: boolean }): Promise<void>
  iterator(
    options: typeof ENCODING & KeyRange & { reverse: boolean; limit: number },
  ): AsyncIterable<[string, Uint8Array]>
}

/**
 * Keys: `v/NODE/T/WRITER` versions and deletions of a node, in order of time; `p/PATH NUL NODE` what stood at a path;
 * `d/NODE` deleted nodes; `g/GROUP` change groups; `e/GROUP/N` their events; `clean`. Values are JSON.
 */
export const historyKeys = {
  version: (node: NodeId, id: string) => {
    const [writer = '', t = ''] = id.split(':')
    return `v/${node}/${t.padStart(15, '0')}/${writer}`
  },
  versionsOf: (node: NodeId): KeyRange => ({ gte: `v/${node}/`, lt: `v/${node}0` }),
  versions: { gte: 'v/', lt: 'v0' } satisfies KeyRange,
  path: (path: string, node: NodeId) => `p/${path}\0${node}`,
  nodesAt: (path: string): KeyRange => ({ gte: `p/${path}\0`, lt: `p/${path}\u0001` }),
  paths: { gte: 'p/', lt: 'p0' } satisfies KeyRange,
  deleted: (node: NodeId) => `d/${node}`,
  allDeleted: { gte: 'd/', lt: 'd0' } satisfies KeyRange,
  group: (id: string) => `g/${id}`,
  groups: { gte: 'g/', lt: 'g0' } satisfies KeyRange,
  event: (group: string, position: number) => `e/${group}/${String(position).padStart(6, '0')}`,
  eventsOf: (group: string): KeyRange => ({ gte: `e/${group}/`, lt: `e/${group}0` }),
  clean: 'clean',
}

/** The database with its values read and written as JSON. */
export class HistoryTable {
  readonly #database: HistoryDatabase

  constructor(database: HistoryDatabase) {
    this.#database = database
  }

  async get<T>(key: string): Promise<T | undefined> {
    const value = await this.#database.get(key, ENCODING)
    return value === undefined ? undefined : parse<T>(value)
  }

  /** The values of keys that have one. */
  async getMany<T>(keys: readonly string[]): Promise<Map<string, T>> {
    const found = new Map<string, T>()
    if (keys.length === 0) return found
    for (const [nth, value] of (await this.#database.getMany([...keys], ENCODING)).entries()) {
      if (value !== undefined) found.set(keys[nth] as string, parse<T>(value))
    }
    return found
  }

  async *entries<T>(
    range: KeyRange,
    { reverse = false, limit = -1 }: { reverse?: boolean; limit?: number } = {},
  ): AsyncGenerator<readonly [string, T]> {
    for await (const [key, value] of this.#database.iterator({ ...ENCODING, ...range, reverse, limit })) {
      yield [key, parse<T>(value)]
    }
  }

  /** All or nothing, on stable storage when it resolves. */
  async write(operations: readonly HistoryOperation[]): Promise<void> {
    if (operations.length > 0) await this.#database.batch([...operations], { ...ENCODING, sync: true })
  }
}

export function put(key: string, value: unknown): HistoryOperation {
  return { type: 'put', key, value: Buffer.from(JSON.stringify(value)) }
}

function parse<T>(bytes: Uint8Array): T {
  return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString()) as T
}
