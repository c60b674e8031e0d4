import type { DeviceKey, DeviceName } from '@dittofs/interface'
import { deviceId } from '@dittofs/link'
import type { OpenSpace } from '../spaces/open-space.ts'

/** What people call the device that did something in a space; it may be a member no more. */
export function nameOfDevice(space: OpenSpace, key: DeviceKey | undefined): DeviceName {
  if (key === undefined) return { id: '', name: 'an unknown device' }
  const member = space.membership.members().find((one) => one.key === key)
  return { id: deviceId(key), name: member?.name ?? 'a device that was removed' }
}
