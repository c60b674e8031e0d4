import { DittoError } from '@dittofs/interface'
import { contentKey } from './content-codec.ts'
import { compareEvents } from './event.ts'
import { findNode } from './find-node.ts'
import { maximalVersions } from './leaf-versions.ts'
import type { DeletionSlot, NodeState, Placement, Version } from './node-state.ts'
import type { Planning } from './plan-action.ts'
import { settleDisplaced } from './plan-directory-removal.ts'
import { allVersions } from './plan-leaf.ts'
import type { NodeVersion } from './plan-node-action.ts'
import { parentNode } from './plan-parent.ts'
import type { Place } from './record.ts'
import { isAlive } from './shown-tree.ts'
import { covers } from './version-vector.ts'

/**
 * Brings a deleted node back: its placement is written again, under living directories, where no deletion so far
 * reaches it. What is below comes along, except what was deleted by itself. Nothing for a node that lives.
 *
 * @param to - where it goes; where it stood by default
 * @throws DittoError DITTO_NOT_FOUND (nobody knows where it stood or what it held), DITTO_USAGE (into itself),
 *   DITTO_PATH_INVALID
 */
export function planUndelete(planning: Planning, node: NodeState, to?: Place): NodeVersion {
  const shown: NodeVersion = { node: node.id, version: undefined }
  const { placement } = node
  if (placement === undefined) throw new DittoError('DITTO_NOT_FOUND', 'Nobody knows where this stood.')
  const found = findNode(planning.view, node.id)?.entry
  const isLiving =
    found?.kind === 'leaf' || found?.members.some((member) => member.node === node && isAlive(member)) === true
  if (isLiving) return shown
  const { parent: parentId, name } = to ?? placement
  const parent = parentNode(planning, parentId, name)
  if (node.kind !== 'directory') {
    planLeafUndelete(planning, node, placement, { parent: parent.id(), name })
    return shown
  }
  for (let at = parent.directory; at.parent !== undefined; at = at.parent) {
    if (at.members.some((member) => member.node === node)) {
      throw new DittoError('DITTO_USAGE', `${JSON.stringify(name)} cannot be brought back within itself.`)
    }
  }
  settleDisplaced(planning)
  planning.plan.place(node.id, { parent: parent.id(), name }, { parent: placement.parent, name: placement.name })
  return shown
}

function planLeafUndelete({ plan }: Planning, node: NodeState, placement: Placement, place: Place): void {
  const records = node.deletions.filter(({ cut }) => covers(cut, placement))
  const isDeletedAlone = (version: Version) => records.some(({ cut }) => covers(cut, version))
  const maximal = maximalVersions(node)
  if (maximal.length === 0) throw new DittoError('DITTO_NOT_FOUND', 'Nobody knows what this held.')
  if (maximal.some(isDeletedAlone)) {
    const fromAbove = maximal.filter((version) => !isDeletedAlone(version))
    const [main, ...others] = distinct(node, fromAbove.length > 0 ? fromAbove : lastDeleted(maximal, records))
    // It replaces every version held: else the placement would bring back those deleted before.
    if (main !== undefined) plan.write(node.id, main, allVersions(node))
    for (const other of others) plan.create(node.kind, place, other)
    if (place.parent === placement.parent && place.name === placement.name) return
  }
  plan.place(node.id, place)
}

/** What was shown when the last deletion of a leaf came: the versions that no earlier one had deleted. */
function lastDeleted(versions: readonly Version[], records: readonly DeletionSlot[]): readonly Version[] {
  const [last, ...earlier] = [...records].sort((a, b) => compareEvents(b, a))
  const found = versions.filter(
    (version) => last !== undefined && covers(last.cut, version) && !earlier.some(({ cut }) => covers(cut, version)),
  )
  return found.length > 0 ? found : versions
}

/** The latest first, each content once. */
function distinct({ kind }: NodeState, versions: readonly Version[]): Version[] {
  const byContent = new Map<string, Version>()
  for (const version of [...versions].sort((a, b) => compareEvents(b, a))) {
    const key = contentKey(kind, version.content)
    if (!byContent.has(key)) byContent.set(key, version)
  }
  return [...byContent.values()]
}
