import type { KeyValueStore } from '@dittofs/membership'
import type { Level } from 'level'

/**
 * Keeps memberships and invitations in a part of the registry.
 *
 * The adapter of the membership package takes any database; that a sublevel is one is more than the type checker can
 * follow (TS2379, from the types of abstract-level 3.1 under `exactOptionalPropertyTypes`).
 */
export function membershipStore(database: Level): KeyValueStore {
  const rows = database.sublevel<string, Uint8Array>('membership', { valueEncoding: 'view' })
  return {
    async *entries(prefix) {
      yield* rows.iterator({ gte: prefix, lt: `${prefix}\uffff` })
    },
    async write(changes) {
      // `sync` is LevelDB's: on stable storage before the call returns.
      const options = { sync: true, valueEncoding: 'view' }
      await rows.batch([...changes], options)
    },
  }
}
