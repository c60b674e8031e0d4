import type { VersionId } from '@dittofs/interface'
import type { Writer } from './event.ts'
import type { LogRecord } from './record.ts'
import { decodeRecord } from './record-codec.ts'
import type { SpaceDocument, StateVector } from './space-document.ts'
import { parseVersionId } from './version-id.ts'

/** Entries looked at in one step back. */
const STEP = 512

/**
 * Which versions were made after a vector. The times in a log only grow, so the newest entry that the vector covers says
 * for each log from when on they are new. Where that entry was replaced since, an earlier one counts: the answer is yes
 * for a few more then, never for fewer.
 */
export function versionsBeyond(
  document: SpaceDocument,
  from: StateVector,
  to: StateVector,
): (version: VersionId) => boolean {
  const known = new Map<Writer, number>()
  for (const [writer, end] of to) {
    const time = newestTime(document, writer, Math.min(from.get(writer) ?? 0, end))
    if (time !== undefined) known.set(writer, time)
  }
  return (version) => {
    const { writer, t } = parseVersionId(version)
    return t > (known.get(writer) ?? -1)
  }
}

/** The time of the last entry before a clock that is still there. */
function newestTime(document: SpaceDocument, writer: Writer, before: number): number | undefined {
  for (let end = before; end > 0; end -= STEP) {
    for (const item of document.items(writer, Math.max(0, end - STEP), end).reverse()) {
      const time = item === null ? undefined : timeOf(decodeRecord(item))
      if (time !== undefined) return time
    }
  }
  return undefined
}

function timeOf(record: LogRecord | undefined): number | undefined {
  if (record === undefined || record.type === 'writer') return undefined
  if (record.type === 'delete') return record.t
  return Math.max(record.placement?.t ?? 0, record.version?.t ?? 0)
}
