import { type DeviceKey, DittoError, type SpaceId } from '@dittofs/interface'
import type { Writer } from './event.ts'
import type { LogItem, LogRun } from './log-run.ts'
import type { WriterRecord } from './record.ts'
import { decodeRecord } from './record-codec.ts'
import { readUpdate } from './update-reader.ts'

/** Checks an Ed25519 signature. */
export type Verify = (key: DeviceKey, bytes: Uint8Array, signature: Uint8Array) => boolean

export interface GuardContext {
  readonly space: SpaceId
  readonly clockOf: (writer: Writer) => number
  readonly verify: Verify
}

/**
 * Checks all of a peer's update before any of it is applied: its form, that it continues what is held, and that every
 * new log begins with whose it is, signed by that device.
 *
 * @returns what is new in it
 * @throws DittoError DITTO_UPDATE_INVALID, DITTO_UPDATE_GAP, DITTO_LIMIT
 */
export function* guardUpdate(update: Uint8Array, context: GuardContext): Generator<void, LogRun[]> {
  const fresh: LogRun[] = []
  for (const run of yield* readUpdate(update)) {
    const held = context.clockOf(run.writer)
    if (run.clock > held) {
      throw new DittoError('DITTO_UPDATE_GAP', 'An update builds on entries that this device does not hold yet.')
    }
    const items = run.items.slice(held - run.clock)
    if (items.length === 0) continue
    if (held === 0) {
      checkFirstEntry(run.writer, items[0], context)
      yield
    }
    fresh.push({ writer: run.writer, clock: held, items })
  }
  return fresh
}

/** What a device signs to make a log its own. */
export function writerStatement(space: SpaceId, writer: Writer): Uint8Array {
  return Buffer.from(`dittofs writer v1\0${space}\0${writer.toString(36)}`)
}

function checkFirstEntry(writer: Writer, first: LogItem | undefined, { space, verify }: GuardContext): void {
  const record = typeof first === 'string' ? decodeRecord(first) : undefined
  if (record?.type !== 'writer' || !isSigned(record, writerStatement(space, writer), verify)) {
    throw new DittoError('DITTO_UPDATE_INVALID', 'A device sent a log that does not say, signed, whose it is.')
  }
}

function isSigned({ device, signature }: WriterRecord, statement: Uint8Array, verify: Verify): boolean {
  try {
    return verify(device, statement, signature)
  } catch {
    // 32 bytes that are no Ed25519 key.
    return false
  }
}
