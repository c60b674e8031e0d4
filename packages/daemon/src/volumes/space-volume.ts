import path from 'node:path'
import { spliceContent } from '@dittofs/chunk-store'
import { openVolume, type SpaceVolume, spoolDirectory } from '@dittofs/volume'
import type { DeviceParts } from '../device-parts.ts'
import { diskSpaceOf } from '../limits/disk-reserve.ts'
import type { OpenSpace } from '../spaces/open-space.ts'

type VolumeSource = Pick<
  DeviceParts,
  'home' | 'identity' | 'logger' | 'clock' | 'store' | 'readManifest' | 'randomBytes' | 'gate' | 'network'
>

/**
 * Opens a space of this device as a file system. What is missing here is fetched by the device's network, where it has
 * one. To be closed before the device is; one at a time for each space.
 *
 * @throws DittoError DITTO_PERMISSION, DITTO_NO_SPACE, DITTO_IO
 */
export function spaceVolume(parts: VolumeSource, space: OpenSpace): Promise<SpaceVolume> {
  const { home, identity, logger, clock, store, readManifest, randomBytes, gate, network } = parts
  return openVolume({
    ...{ metadata: space.metadata, store, readManifest, spliceContent, clock, randomBytes, logger },
    chunker: space.membership.chunker,
    spool: spoolDirectory(path.join(home.spool, String(space.number))),
    isReadOnly: () => space.membership.role(identity.key) !== 'full',
    ...(network !== undefined && {
      fetchChunks: (ids, signal) => network.fetchChunks(space, ids, signal),
    }),
    diskSpace: () => diskSpaceOf(home.chunks),
    guard: (work) => gate.share(work),
  })
}
