import { type DeviceKey, DittoError, type SpaceId } from '@dittofs/interface'
import type { Writer } from './event.ts'
import type { LogItem } from './log-run.ts'
import { decodeRecord } from './record-codec.ts'
import { guardUpdate, type Verify } from './update-guard.ts'

export interface OwnersLogsContext {
  readonly space: SpaceId
  readonly verify: Verify
  readonly owner: DeviceKey
}

/**
 * Joins what a device gave of its own logs, each from clock 0 on. Checked like any update, and every log must be one
 * that the device has signed as its own.
 *
 * @throws DittoError DITTO_UPDATE_INVALID, DITTO_UPDATE_GAP, DITTO_LIMIT
 */
export function* readOwnersLogs(
  updates: readonly Uint8Array[],
  { space, verify, owner }: OwnersLogsContext,
): Generator<void, ReadonlyMap<Writer, readonly LogItem[]>> {
  const logs = new Map<Writer, LogItem[]>()
  for (const update of updates) {
    const clockOf = (writer: Writer) => logs.get(writer)?.length ?? 0
    for (const { writer, items } of yield* guardUpdate(update, { space, verify, clockOf })) {
      const joined = logs.get(writer)
      if (joined !== undefined) {
        for (const item of items) joined.push(item)
        continue
      }
      const [first] = items
      const record = typeof first === 'string' ? decodeRecord(first) : undefined
      if (record?.type !== 'writer' || record.device !== owner) throw notTheOwners()
      logs.set(writer, [...items])
    }
    yield
  }
  return logs
}

/** A device gave, as its own, a log that is another's. */
export function notTheOwners(): DittoError {
  return new DittoError('DITTO_UPDATE_INVALID', 'A device sent a log as its own that is another device’s.')
}
