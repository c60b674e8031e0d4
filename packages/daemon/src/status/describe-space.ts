import type { DeviceKey, SpaceInfo } from '@dittofs/interface'
import type { Missing } from '../content/held-chunks.ts'
import type { OpenSpace } from '../spaces/open-space.ts'

/** A space as people see it. @param self - this device, whose role it is */
export function describeSpace(space: OpenSpace, self: DeviceKey, missing: Missing): SpaceInfo {
  const { metadata, membership } = space
  const { files, directories, symlinks, bytes, conflicts } = metadata.counts()
  return {
    id: space.id,
    name: space.name,
    // Removed elsewhere, it keeps what it holds and may change nothing.
    role: membership.role(self) ?? 'read',
    chunker: membership.chunker,
    files,
    directories,
    symlinks,
    bytes,
    missingChunks: missing.chunks,
    missingBytes: missing.bytes,
    conflicts,
    clashes: metadata
      .clashes()
      .map(({ directory, names }) => names.map((name) => (directory === '' ? name : `${directory}/${name}`))),
    members: membership.members().length,
  }
}
