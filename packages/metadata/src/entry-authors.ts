import type { DeviceKey } from '@dittofs/interface'
import type { Writer } from './event.ts'
import type { LogRun } from './log-run.ts'

/** How many entries came of each device's log, but for those that say whose log it is. */
export function authorsOf(
  runs: readonly LogRun[],
  devices: ReadonlyMap<Writer, DeviceKey>,
): ReadonlyMap<DeviceKey, number> {
  const authors = new Map<DeviceKey, number>()
  for (const { writer, clock, items } of runs) {
    const device = devices.get(writer)
    const entries = items.filter((item) => item !== null).length - (clock === 0 ? 1 : 0)
    if (device !== undefined && entries > 0) authors.set(device, (authors.get(device) ?? 0) + entries)
  }
  return authors
}
