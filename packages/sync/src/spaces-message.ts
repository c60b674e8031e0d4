import { spaceId } from '@dittofs/interface'
import type { SpacesMessage } from '@dittofs/wire'
import { fitLabel } from './fit-label.ts'
import type { NamedSpaces } from './named-spaces.ts'
import type { SyncSpace } from './sync-space.ts'

/** Which spaces a peer may hear of: names, of spaces and device, only where the peer named the space too. */
export function spacesMessage(own: readonly SyncSpace[], theirs: NamedSpaces, deviceName: () => string): SpacesMessage {
  const isShared = (space: SyncSpace) => theirs.numberOf(space.id) !== undefined
  return {
    type: 'spaces',
    spaces: own.map((space) => ({
      number: space.number,
      id: spaceId.toBytes(space.id),
      ...(isShared(space) && { name: fitLabel(space.name) }),
    })),
    ...(own.some(isShared) && { device: fitLabel(deviceName()) }),
  }
}
