export type KeyValueChange =
  | { readonly type: 'put'; readonly key: string; readonly value: Uint8Array }
  | { readonly type: 'del'; readonly key: string }

/** The little that is needed of a database. */
export interface KeyValueStore {
  /** What is stored under keys with the prefix, in order of key. */
  entries(prefix: string): AsyncIterable<readonly [key: string, value: Uint8Array]>
  /** All of it or nothing; on stable storage once resolved. */
  write(changes: readonly KeyValueChange[]): Promise<void>
}

const ENCODING = { keyEncoding: 'utf8', valueEncoding: 'view' } as const

/** What is needed of a LevelDB database or a part of one. */
export interface LevelLike {
  iterator(options: typeof ENCODING & { gte: string; lt: string }): AsyncIterable<[string, Uint8Array]>
  batch(operations: KeyValueChange[], options: typeof ENCODING & { sync: boolean }): Promise<void>
}

/** @param level - opened and closed by its owner */
export function levelKeyValueStore(level: LevelLike): KeyValueStore {
  return {
    async *entries(prefix) {
      const stored = level.iterator({ ...ENCODING, gte: prefix, lt: `${prefix}\uffff` })
      // classic-level gives Buffers, which are other values to compare and to print.
      for await (const [key, value] of stored) yield [key, Uint8Array.from(value)]
    },
    async write(changes) {
      // `sync` is classic-level's: fsync before the call returns.
      await level.batch([...changes], { ...ENCODING, sync: true })
    },
  }
}
