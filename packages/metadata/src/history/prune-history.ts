import { setImmediate } from 'node:timers/promises'
import type { MetadataStore, NodeId, RetentionRule, VersionId } from '@dittofs/interface'
import { type HistoryOperation, type HistoryTable, historyKeys, put } from './history-database.ts'
import type { StoredDeletion, StoredGroup, StoredVersion } from './stored-history.ts'

export interface PruneInit {
  readonly table: HistoryTable
  readonly store: Pick<MetadataStore, 'find'>
  readonly retention: RetentionRule
  /** Milliseconds since the Unix epoch. */
  readonly now: number
  readonly signal: AbortSignal | undefined
}

/** Entries looked at before others get a turn. */
const ENTRIES_PER_SLICE = 200

/**
 * Forgets what the retention rule does not keep. A version's time begins when it is found to be shown no longer: a
 * deleted directory says nothing of what was in it, so the first run after the deletion notes it. Of a node that is
 * gone nothing is kept beyond its time.
 */
export async function pruneHistory(init: PruneInit): Promise<void> {
  const operations: HistoryOperation[] = []
  for await (const operation of expired(init)) {
    if (operation !== undefined) operations.push(operation)
    if (operations.length < ENTRIES_PER_SLICE) continue
    await init.table.write(operations.splice(0))
  }
  await init.table.write(operations)
}

async function* expired(init: PruneInit): AsyncGenerator<HistoryOperation | undefined> {
  yield* expiredVersions(init)
  const { table, store, retention, now } = init
  const isOver = (ms: number) => ms + retention.keepMs <= now
  for await (const [key, { to }] of each<StoredGroup>(init, historyKeys.groups)) {
    if (!isOver(to)) break
    for await (const [event] of table.entries(historyKeys.eventsOf(key.slice(2)))) yield { type: 'del', key: event }
    yield { type: 'del', key }
  }
  for await (const [key, { deletedAt }] of each<StoredDeletion>(init, historyKeys.allDeleted)) {
    if (isOver(deletedAt)) yield { type: 'del', key }
  }
  for await (const [key, usedAt] of each<number>(init, historyKeys.paths)) {
    const node = key.slice(key.indexOf('\0') + 1) as NodeId
    if (isOver(usedAt) && store.find(node) === undefined && !(await hasVersions(table, node)))
      yield { type: 'del', key }
  }
}

async function* expiredVersions(init: PruneInit): AsyncGenerator<HistoryOperation | undefined> {
  const { store, retention, now } = init
  let node: NodeId | undefined
  let isShown = false
  let position = 0
  // From the last key to the first: of each node the newest version first.
  for await (const [key, stored] of each<StoredVersion>(init, historyKeys.versions, true)) {
    const next = key.split('/')[1] as NodeId
    if (next !== node) {
      node = next
      position = 0
      isShown = store.find(node) !== undefined
    }
    if (stored.isDeletion) {
      if (stored.seenAt + retention.keepMs <= now) yield { type: 'del', key }
      continue
    }
    position += 1
    const { endedAt, ...rest } = stored
    if (isShown && store.find(node, stored.id as VersionId)?.version === stored.id) {
      if (endedAt !== undefined) yield put(key, rest)
    } else if ((endedAt ?? now) + retention.keepMs <= now) {
      if (!isShown || position > retention.keepVersions) yield { type: 'del', key }
    } else if (endedAt === undefined) {
      yield put(key, { ...rest, endedAt: now })
    }
  }
}

async function* each<T>(
  { table, signal }: PruneInit,
  range: Parameters<HistoryTable['entries']>[0],
  reverse = false,
): AsyncGenerator<readonly [string, T]> {
  let count = 0
  for await (const entry of table.entries<T>(range, { reverse })) {
    yield entry
    count += 1
    if (count % ENTRIES_PER_SLICE !== 0) continue
    await setImmediate()
    signal?.throwIfAborted()
  }
}

async function hasVersions(table: HistoryTable, node: NodeId): Promise<boolean> {
  for await (const _ of table.entries(historyKeys.versionsOf(node), { limit: 1 })) return true
  return false
}
