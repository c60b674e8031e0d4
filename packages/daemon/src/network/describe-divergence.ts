import type { DeviceKey } from '@dittofs/interface'
import { deviceId } from '@dittofs/link'
import type { Divergence, Repair } from '@dittofs/sync'

/** Paths that one notice names; the log names all that are known. */
const MAX_NAMED_PATHS = 5

/** The names of devices as their members know them; an ID where a device is no member any more. */
export type DeviceNames = ReadonlyMap<DeviceKey, string>

/** Why two devices do not count as up to date with each other though each has all that the other has. */
export function describeDivergence(
  { owners, isBeingRepaired }: Divergence,
  self: DeviceKey,
  names: DeviceNames,
): string {
  const who = describeOwners(owners, self, names)
  if (who === undefined) {
    return 'DITTO_DIVERGED: Both devices hold as much and do not show the same; report it, with the logs of both.'
  }
  const what = `DITTO_DIVERGED: The two devices hold different copies of what ${who} wrote`
  if (isBeingRepaired) return `${what}; the right copy is being taken over.`
  const rest = owners.filter((owner) => owner !== self)
  if (rest.length === 0) return `${what}; the other device has not taken this one's copy.`
  return `${what}; both keep theirs until ${describeOwners(rest, self, names)} can be reached.`
}

/** A notice that a space differs between this device and another. */
export function divergenceNotice(
  space: string,
  peer: DeviceKey,
  divergence: Divergence,
  self: DeviceKey,
  names: DeviceNames,
): string {
  const where = `The space "${space}" differs between this device and ${nameOf(peer, names)}.`
  return `${where} ${describeDivergence(divergence, self, names)}`
}

/** A notice that copies of a log gave way to its owner's. */
export function repairNotice(space: string, { owner, droppedEntries, lostPaths }: Repair, names: DeviceNames): string {
  const entries = droppedEntries === 1 ? '1 change' : `${droppedEntries} changes`
  const what =
    `${entries} held under the name of ${nameOf(owner, names)} in the space "${space}" gave way to that device's own ` +
    'copy, which has not got them (DITTO_DIVERGED).'
  if (lostPaths.length === 0) return `${what} No file was named by them alone.`
  const named = lostPaths.slice(0, MAX_NAMED_PATHS).map((path) => JSON.stringify(path))
  const more = lostPaths.length - named.length
  return `${what} They alone named ${named.join(', ')}${more > 0 ? ` and ${more} more, which the log lists` : ''}.`
}

function describeOwners(owners: readonly DeviceKey[], self: DeviceKey, names: DeviceNames): string | undefined {
  const said = owners.map((owner) => (owner === self ? 'this device' : nameOf(owner, names)))
  return said.length === 0 ? undefined : said.join(' and ')
}

function nameOf(device: DeviceKey, names: DeviceNames): string {
  const name = names.get(device)
  return name === undefined ? deviceId(device) : `"${name}"`
}
