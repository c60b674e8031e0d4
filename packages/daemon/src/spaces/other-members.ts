import type { DeviceKey } from '@dittofs/interface'
import type { OpenSpace } from './open-space.ts'

/** The other devices of some spaces, each with the name it was added by. */
export function otherMembers(spaces: readonly OpenSpace[], self: DeviceKey): ReadonlyMap<DeviceKey, string> {
  const members = spaces.flatMap((space) => space.membership.members())
  return new Map(members.filter(({ key }) => key !== self).map(({ key, name }) => [key, name]))
}
