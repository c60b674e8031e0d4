import { SpaceVolume } from './space-volume.ts'
import type { VolumeInit } from './volume-init.ts'

/**
 * Opens a space as a file system.
 *
 * @throws DittoError DITTO_IO, DITTO_PERMISSION (the spool directory)
 */
export async function openVolume(init: VolumeInit): Promise<SpaceVolume> {
  await init.spool.clear()
  return new SpaceVolume(init)
}
