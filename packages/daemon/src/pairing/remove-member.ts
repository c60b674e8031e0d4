import { type DeviceInfo, type DeviceKey, DittoError } from '@dittofs/interface'
import { deviceId } from '@dittofs/link'
import type { DeviceParts } from '../device-parts.ts'
import { selectSpace } from '../spaces/select-space.ts'

/** Of an ID typed by hand, so much must be given: enough that it names one device. */
const MIN_ID_CHARACTERS = 7

/**
 * Removes a device from a space, or from all spaces that this device and it share. Its links end at once.
 *
 * @param id - a device ID, or its beginning where no other device's ID begins so; groups and case do not matter
 * @returns what was removed: first the device, then those that leave because only it had added them
 * @throws DittoError DITTO_NOT_FOUND, DITTO_USAGE (this device itself), DITTO_ROLE
 */
export async function removeMember(
  parts: Pick<DeviceParts, 'spaces' | 'identity' | 'report'>,
  id: string,
  spaceName?: string,
): Promise<readonly DeviceInfo[]> {
  const spaces = spaceName === undefined ? parts.spaces.all() : [selectSpace(parts.spaces.all(), spaceName)]
  const key = findMember(
    spaces.flatMap((space) => space.membership.members().map((member) => member.key)),
    id,
  )
  if (key === parts.identity.key) {
    throw new DittoError('DITTO_USAGE', 'A device cannot remove itself; remove it from another device.')
  }
  const before = parts.report.devices()
  const gone = new Set<DeviceKey>()
  for (const space of spaces) {
    if (space.membership.role(key) === undefined) continue
    for (const member of await space.membership.remove(key)) gone.add(member.key)
    gone.add(key)
  }
  const ids = new Set([...gone].map(deviceId))
  const isNamed = (device: DeviceInfo) => device.id === deviceId(key)
  return before.filter((device) => ids.has(device.id)).sort((a, b) => Number(isNamed(b)) - Number(isNamed(a)))
}

/** The member whose ID this is, or begins so. @throws DittoError DITTO_NOT_FOUND, DITTO_USAGE (several do) */
export function findMember(keys: readonly DeviceKey[], id: string): DeviceKey {
  const wanted = normal(id)
  const found = new Set(keys.filter((key) => normal(deviceId(key)).startsWith(wanted)))
  const [key] = found
  if (wanted.length < MIN_ID_CHARACTERS || key === undefined) {
    throw new DittoError('DITTO_NOT_FOUND', `No device has the ID ${JSON.stringify(id)}; "dittofs devices" shows them.`)
  }
  if (found.size > 1) {
    throw new DittoError(
      'DITTO_USAGE',
      `${found.size} devices have IDs that begin with ${JSON.stringify(id)}; give more of it.`,
    )
  }
  return key
}

function normal(id: string): string {
  return id.replaceAll('-', '').toUpperCase()
}
