import type { MetadataStore } from '@dittofs/interface'
import type { Writer } from './event.ts'
import { sliceLogs } from './exchange.ts'
import type { SpaceDocument } from './space-document.ts'
import { encodeUpdate } from './update-writer.ts'

/** Characters, about, of a part of one log; with the longest entry behind it, it fits in a frame. */
const LOG_PART_CHARACTERS = 512 * 1024

/** A part of a log that ends at `end`, from a clock on; no bytes when nothing stands there. */
export function logPart(
  document: SpaceDocument,
  log: Writer,
  from: number,
  end: number,
): ReturnType<MetadataStore['ownLogPart']> {
  if (from >= end) return { end, to: from, update: new Uint8Array(0) }
  const [runs = []] = sliceLogs(document, new Map([[log, from]]), new Map([[log, end]]), LOG_PART_CHARACTERS)
  return { end, to: from + (runs[0]?.items.length ?? 0), update: encodeUpdate(runs) }
}
