import { type DeviceKey, DittoError } from '@dittofs/interface'
import type { Writer } from './event.ts'
import { sliceLogs } from './exchange.ts'
import type { LogItem } from './log-run.ts'
import { compareCopies } from './lost-paths.ts'
import { notTheOwners } from './owners-logs.ts'
import { inSlices } from './slices.ts'
import type { StateVector } from './space-document.ts'
import { SpaceReplica } from './space-replica.ts'
import type { DeviceLabel } from './tree-view.ts'

/** Whole logs, by their writers. */
export type WholeLogs = ReadonlyMap<Writer, readonly LogItem[]>

/**
 * What of an owner's logs is held here and differs from the owner's copies.
 *
 * @returns the entries the copies do not have; `undefined` when they are what is held
 * @throws DittoError DITTO_UPDATE_INVALID (a log that is not the owner's by what is held here), DITTO_UPDATE_GAP
 */
export async function findDropped(
  { document, index }: SpaceReplica,
  copies: WholeLogs,
  owner: DeviceKey,
): Promise<readonly string[] | undefined> {
  const dropped: string[] = []
  let isSame = true
  for (const [writer, items] of copies) {
    if (index.devices.get(writer) !== owner) throw notTheOwners()
    const end = document.clockOf(writer)
    if (items.length < end) {
      throw new DittoError('DITTO_UPDATE_GAP', 'A device gave less of its log than is held here.')
    }
    const compared = await inSlices(compareCopies((from, to) => document.items(writer, from, to), end, items))
    if (!compared.isSame) isSame = false
    for (const entry of compared.dropped) dropped.push(entry)
  }
  return isSame ? undefined : dropped
}

/**
 * Builds the document anew beside the old one, which stays as it is: the logs given as they are given, all others as
 * they are held, up to `held`.
 */
export async function rebuildReplica(
  old: SpaceReplica,
  held: StateVector,
  copies: WholeLogs,
  deviceLabel: DeviceLabel,
): Promise<SpaceReplica> {
  const rebuilt = new SpaceReplica(deviceLabel)
  const kept = new Map([...held].filter(([writer]) => !copies.has(writer)))
  for (const runs of sliceLogs(old.document, new Map(), kept)) await rebuilt.integrate(runs)
  for (const [writer, items] of copies) await rebuilt.integrate([{ writer, clock: 0, items }])
  await inSlices(rebuilt.view.summaries.steps(rebuilt.view.root))
  return rebuilt
}
