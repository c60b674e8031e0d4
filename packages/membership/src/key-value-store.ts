import type { AbstractLevel } from 'abstract-level'

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

/** @param level - a LevelDB database or a part of one; opened and closed by its owner */
export function levelKeyValueStore<Format, Key, Value>(level: AbstractLevel<Format, Key, Value>): KeyValueStore {
  return {
    async *entries(prefix) {
      const stored = level.iterator<string, Uint8Array>({
        gte: prefix,
        lt: `${prefix}\uffff`,
        keyEncoding: 'utf8',
        valueEncoding: 'view',
      })
      // classic-level gives Buffers, which are other values to compare and to print.
      for await (const [key, value] of stored) yield [key, Uint8Array.from(value)]
    },
    async write(changes) {
      // `sync` is classic-level's: fsync before the call returns.
      const options = { keyEncoding: 'utf8', valueEncoding: 'view', sync: true } as const
      await level.batch<string, Uint8Array>([...changes], options)
    },
  }
}
