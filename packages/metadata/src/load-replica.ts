import type { IndexImage } from './index-image.ts'
import type { LogItem, LogRun } from './log-run.ts'
import { restoreImage } from './restore-image.ts'
import { inSlices } from './slices.ts'
import type { ClockRange, StateVector } from './space-document.ts'
import { SpaceReplica } from './space-replica.ts'
import type { DeviceLabel } from './tree-view.ts'
import { readUpdate } from './update-reader.ts'

export interface LoadedReplica {
  readonly replica: SpaceReplica
  /** What the image that was used counts in; nothing without one. */
  readonly imaged: StateVector
}

/**
 * Reads a space from its updates, in slices: all into the document, then what the image does not say into the index.
 * Where the image does not fit, everything is read anew without it.
 *
 * @param updates - each call gives all of them, in order
 * @throws DittoError DITTO_STORE_CORRUPT
 */
export async function loadReplica(
  updates: () => AsyncIterable<Uint8Array>,
  image: IndexImage | undefined,
  deviceLabel: DeviceLabel,
): Promise<LoadedReplica> {
  const replica = new SpaceReplica(deviceLabel)
  const deleted = new Map((image?.logs ?? []).map((log) => [log.writer, log.deleted]))
  for await (const update of updates()) {
    const runs = await inSlices(readUpdate(update))
    await replica.load(runs.flatMap((run) => replica.trim(run) ?? []).map((run) => withoutDeleted(run, deleted)))
  }
  let imaged: StateVector = new Map()
  if (image !== undefined) {
    if (!(await inSlices(restoreImage(replica, image)))) {
      replica.document.destroy()
      return loadReplica(updates, undefined, deviceLabel)
    }
    imaged = new Map(image.logs.map(({ writer, clock }) => [writer, clock]))
  }
  await replica.readBeyond(imaged)
  return { replica, imaged }
}

/** A run less the entries that newer ones replaced: the document does not hold those. */
function withoutDeleted(run: LogRun, deleted: ReadonlyMap<number, readonly ClockRange[]>): LogRun {
  const end = run.clock + run.items.length
  const ranges = deleted.get(run.writer) ?? []
  let items: LogItem[] | undefined
  for (let at = firstEndingAfter(ranges, run.clock); at < ranges.length; at += 1) {
    const range = ranges[at] as ClockRange
    if (range.start >= end) break
    items ??= [...run.items]
    items.fill(null, Math.max(0, range.start - run.clock), Math.min(end, range.end) - run.clock)
  }
  return items === undefined ? run : { ...run, items }
}

function firstEndingAfter(ranges: readonly ClockRange[], clock: number): number {
  let low = 0
  let high = ranges.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((ranges[middle] as ClockRange).end <= clock) low = middle + 1
    else high = middle
  }
  return low
}
