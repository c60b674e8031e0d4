import type { VersionId } from '@dittofs/interface'
import { parseVersionId } from '../version-id.ts'
import { covers } from '../version-vector.ts'
import type { StoredVersion } from './stored-history.ts'

/**
 * The versions that one was merged from: at least two that had not seen each other, and none with its content (then one of
 * them was chosen).
 *
 * @param all - versions of the node that are known, in any order
 */
export function mergedFrom(version: StoredVersion, all: readonly StoredVersion[]): readonly VersionId[] {
  let from = parentsOf(version, all)
  const [only] = from
  // The device that merges first ends the conflict, and writes what it merged in the same moment.
  const isOneChange = only !== undefined && only.seenAt === version.seenAt && only.author === version.author
  if (from.length === 1 && isOneChange) from = parentsOf(only, all)
  if (from.length < 2 || from.some(({ content }) => content === version.content)) return []
  return from.map(({ id }) => id as VersionId)
}

/** The latest versions that the one builds on. */
function parentsOf(version: StoredVersion, all: readonly StoredVersion[]): StoredVersion[] {
  const seen = all.filter((other) => other !== version && !other.isDeletion && hasSeen(version, other))
  return seen.filter((other) => !seen.some((later) => later !== other && hasSeen(later, other)))
}

function hasSeen({ seen, id }: StoredVersion, other: StoredVersion): boolean {
  const event = parseVersionId(other.id as VersionId)
  const own = [...seen, id as VersionId].map(parseVersionId)
  return covers(new Map(own.map(({ writer, t }) => [writer, t])), event)
}
