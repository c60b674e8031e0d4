import { setImmediate } from 'node:timers/promises'
import type { Action, Clock, DeviceKey, RandomBytes, TreeEntry } from '@dittofs/interface'
import { MAX_CHANGED_PATHS, nodePath, touchedPaths } from './changed-paths.ts'
import { encodeChange } from './encode-change.ts'
import type { Writer } from './event.ts'
import type { NodeEvents } from './node-events.ts'
import { planAction, shownBy } from './plan-action.ts'
import type { LogRecord } from './record.ts'
import { encodeRecord } from './record-codec.ts'
import { inSlices } from './slices.ts'
import type { LogEntry, NodeSnapshot } from './space-index.ts'
import { entryClocks, type SpaceReplica } from './space-replica.ts'
import { foundTreeEntry } from './tree-entry.ts'

/** Actions planned before others get a turn. */
const ACTIONS_PER_SLICE = 50
/** Records of one action taken before others get a turn. */
const RECORDS_PER_SLICE = 100

export interface TransactionContext {
  readonly replica: SpaceReplica
  /** Whose log the entries are for, and the device it belongs to. */
  readonly writer: Writer
  readonly device: DeviceKey
  readonly randomBytes: RandomBytes
  readonly clock: Pick<Clock, 'now'>
  /** The first entry of a new log. */
  readonly writerRecord: () => LogRecord
  /** Is told of the records before the index is; `undefined` where nobody listens. */
  readonly events: NodeEvents | undefined
}

export interface PlannedTransaction {
  readonly records: readonly LogRecord[]
  /** The same, as they stand in the log. */
  readonly entries: readonly string[]
  /** For each action the entry it left shown. */
  readonly results: (TreeEntry | undefined)[]
  readonly superseded: readonly { readonly writer: Writer; readonly clock: number }[]
  /** What a listener may want to read again. */
  readonly paths: readonly string[] | undefined
}

/**
 * Plans actions one after the other, each on what the ones before show. The index holds the records then; on a failure
 * nothing of them stays.
 */
export async function planTransaction(
  actions: readonly Action[],
  { replica, writer, device, randomBytes, clock, writerRecord, events }: TransactionContext,
): Promise<PlannedTransaction> {
  const { index, view, document } = replica
  const clocks = entryClocks(document.clockOf(writer))
  const records: LogRecord[] = []
  const entries: string[] = []
  const results: (TreeEntry | undefined)[] = []
  const superseded: { writer: Writer; clock: number }[] = []
  const touched = new Map<
    NodeSnapshot['node'],
    { readonly snapshot: NodeSnapshot; readonly path: string | undefined }
  >()
  const remember = (snapshot: NodeSnapshot) => {
    if (touched.has(snapshot.node)) return
    const path = touched.size < MAX_CHANGED_PATHS ? nodePath(index, snapshot.node) : undefined
    touched.set(snapshot.node, { snapshot, path })
  }
  if (document.clockOf(writer) === 0) {
    clocks.next()
    entries.push(encodeRecord(writerRecord()))
  }
  try {
    for (const [position, action] of actions.entries()) {
      if ((position + 1) % ACTIONS_PER_SLICE === 0) await setImmediate()
      const nowNs = BigInt(clock.now()) * 1_000_000n
      const planned = await inSlices(planAction(action, { view, writer, randomBytes, nowNs }))
      for (let at = 0; at < planned.records.length; at += RECORDS_PER_SLICE) {
        if (at > 0) await setImmediate()
        const added: LogEntry[] = []
        for (const record of planned.records.slice(at, at + RECORDS_PER_SLICE)) {
          const text = encodeChange(record)
          entries.push(text)
          added.push({ writer, clock: clocks.next().value, record, text })
          records.push(record)
        }
        events?.take(added)
        superseded.push(...index.add(added, remember).superseded)
      }
      if (!index.devices.has(writer)) index.devices.set(writer, device)
      results.push(foundTreeEntry(shownBy(planned, view), index.devices))
    }
  } catch (error) {
    index.restore([...touched.values()].map(({ snapshot }) => snapshot))
    throw error
  }
  const before = [...touched.values()].map(({ path }) => path)
  const paths = touchedPaths(view, touched.keys(), before, MAX_CHANGED_PATHS)
  return { records, entries, results, superseded, paths }
}
