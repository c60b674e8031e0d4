import { type ChunkerKind, DittoError } from '@dittofs/interface'
import type { DeviceParts } from '../device-parts.ts'
import type { OpenSpace } from './open-space.ts'
import type { SpaceRegistry } from './space-registry.ts'

const MAX_NAME_BYTES = 128

/** @throws DittoError DITTO_USAGE (no name for a space), DITTO_EXISTS (this device has one of that name) */
export async function createSpace(
  parts: Pick<DeviceParts, 'spaces' | 'config' | 'label'>,
  name: string,
  chunker: ChunkerKind = parts.config.chunker,
): Promise<OpenSpace> {
  checkSpaceName(parts.spaces, name)
  return parts.spaces.create(name, chunker, parts.label.name)
}

/** @throws DittoError DITTO_USAGE (no name for a space), DITTO_EXISTS (this device has one of that name) */
export function checkSpaceName(spaces: Pick<SpaceRegistry, 'all'>, name: string): void {
  if (name === '' || Buffer.byteLength(name) > MAX_NAME_BYTES || /[\p{Cc}/]/u.test(name) || !name.isWellFormed()) {
    throw new DittoError(
      'DITTO_USAGE',
      `A space's name is 1 to ${MAX_NAME_BYTES} bytes long, without "/" and control characters.`,
    )
  }
  if (spaces.all().some((space) => space.name === name)) {
    throw new DittoError('DITTO_EXISTS', `There is a space ${JSON.stringify(name)} already; choose another name.`)
  }
}
