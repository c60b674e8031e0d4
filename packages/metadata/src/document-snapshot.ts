import { setImmediate } from 'node:timers/promises'
import { sliceLogs } from './exchange.ts'
import type { SpaceDocument, StateVector } from './space-document.ts'
import { encodeUpdate } from './update-writer.ts'

/** Bytes, about, of one record of a snapshot. */
const SNAPSHOT_RECORD_CHARACTERS = 128 * 1024

/** The logs of a document from one vector to another as updates of bounded size; others get a turn between them. */
export async function* documentSnapshot(
  document: SpaceDocument,
  to: StateVector,
  from: StateVector = new Map(),
): AsyncGenerator<Uint8Array> {
  for (const runs of sliceLogs(document, from, to, SNAPSHOT_RECORD_CHARACTERS)) {
    yield encodeUpdate(runs)
    await setImmediate()
  }
}
