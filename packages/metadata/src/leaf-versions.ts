import { contentKey } from './content-codec.ts'
import { compareEvents } from './event.ts'
import type { Deletion, NodeState, Version } from './node-state.ts'
import { covers } from './version-vector.ts'

/** Concurrent versions with the same bytes; the latest stands for all. */
export interface VersionGroup {
  readonly shown: Version
  readonly same: readonly Version[]
}

/**
 * What is left of a leaf: its maximal versions, less those that a deletion which reaches it has seen. Maximal first,
 * deleting second: a version replaced by a deleted one must not come back.
 *
 * @returns the latest first; empty when the leaf is dead
 */
export function livingVersions(leaf: NodeState, deletions: readonly Deletion[]): readonly VersionGroup[] {
  const only = leaf.onlyState
  if (only !== undefined) {
    const { version } = only
    if (version === undefined || isDeleted(version, deletions)) return []
    return [{ shown: version, same: [version] }]
  }
  const living = maximalVersions(leaf)
    .filter((version) => !isDeleted(version, deletions))
    .sort((a, b) => compareEvents(b, a))
  const groups = new Map<string, { shown: Version; same: Version[] }>()
  for (const version of living) {
    const key = contentKey(leaf.kind, version.content)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, { shown: version, same: [version] })
    else group.same.push(version)
  }
  return [...groups.values()]
}

/** The versions that no other one replaces, deleted ones included. */
export function maximalVersions(leaf: NodeState): readonly Version[] {
  const versions = leaf.states.flatMap(({ version }) => version ?? [])
  return versions.filter((version) => !versions.some((other) => other !== version && isReplaced(version, other)))
}

function isReplaced(version: Version, other: Version): boolean {
  return covers(other.vector, version) && !covers(version.vector, other)
}

function isDeleted(version: Version, deletions: readonly Deletion[]): boolean {
  return deletions.some((deletion) => covers(deletion.cut, version))
}
