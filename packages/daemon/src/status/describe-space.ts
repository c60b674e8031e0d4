import type { DeviceKey, HeldGrowth, PinMark, SpaceInfo } from '@dittofs/interface'
import type { Missing } from '../content/held-chunks.ts'
import type { OpenSpace } from '../spaces/open-space.ts'

/** Paths whose bytes a person decided about. */
type Marked = Readonly<Record<PinMark, readonly string[]>>

/** A space as people see it. @param self - this device, whose role it is */
export function describeSpace(
  space: OpenSpace,
  self: DeviceKey,
  missing: Missing,
  { pinned, evicted }: Marked = { pinned: [], evicted: [] },
  growth: readonly HeldGrowth[] = [],
): SpaceInfo {
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
    ...(pinned.length > 0 ? { pinned } : {}),
    ...(evicted.length > 0 ? { evicted } : {}),
    conflicts,
    clashes: metadata
      .clashes()
      .map(({ directory, names }) => names.map((name) => (directory === '' ? name : `${directory}/${name}`))),
    members: membership.members().length,
    ...(growth.length > 0 ? { growth } : {}),
  }
}
