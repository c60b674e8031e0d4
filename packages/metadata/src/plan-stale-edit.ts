import type { PlannedContent } from './action-plan.ts'
import { contentKey } from './content-codec.ts'
import type { Event, Writer } from './event.ts'
import { findNode } from './find-node.ts'
import type { NodeState, Version } from './node-state.ts'
import type { Planning } from './plan-action.ts'
import { deleteDuplicates, hasDeletedVersions } from './plan-leaf.ts'
import type { ShownLeaf } from './shown-tree.ts'
import type { TreeView } from './tree-view.ts'
import { covers, joinInto, type VersionVector } from './version-vector.ts'

export interface StaleEdit {
  readonly node: NodeState
  /** The version that its author saw; shown no longer. */
  readonly base: Event
  readonly content: PlannedContent
}

/**
 * Gives a leaf a version that stands beside the newer ones: it replaces the version its author saw, and what that one
 * had replaced, nothing else. A leaf that is dead lives again with it.
 */
export function planStaleEdit(planning: Planning, { node, base, content }: StaleEdit): void {
  const { view, plan, homes } = planning
  const replaced = baseVector(node, base)
  const entries = entriesOf(view, node)
  const own = node.states.find(({ writer }) => writer === plan.writer)?.version
  if (own !== undefined) {
    // A log holds one version of a node: the new record takes the place of this writer's last one, which its author
    // may not have seen.
    joinInto(replaced, own.vector)
    const lost = entries.find((entry) => wouldVanish(entry, own, replaced, content))
    if (lost !== undefined) plan.create(node.kind, { parent: homes.of(lost.parent), name: lost.name }, own)
  }
  plan.write(node.id, content, replaced)
  const main = entries.find(({ copyOf }) => copyOf === undefined)
  if (main === undefined) return
  // The name of a conflict copy tells its version's device and date: a new version would rename it.
  const isPinned = main.conflictOf !== undefined && !hasDeletedVersions(node, shownVersions(entries))
  if (isPinned) plan.place(node.id, { parent: homes.of(main.parent), name: main.name })
  deleteDuplicates(planning, main)
}

/** The entries that show a leaf's versions, its main one first; none where another node stands for it. */
export function entriesOf(view: TreeView, node: NodeState): readonly ShownLeaf[] {
  const main = findNode(view, node.id)?.entry
  return main?.kind === 'leaf' && main.node === node ? [main, ...view.copiesOf(main)] : []
}

export function shownVersions(entries: readonly ShownLeaf[]): readonly Version[] {
  return entries.flatMap(({ same }) => same)
}

function baseVector({ states }: NodeState, base: Event): Map<Writer, number> {
  const vector = new Map([[base.writer, base.t]])
  const version = states.find(({ writer }) => writer === base.writer)?.version
  if (version?.t === base.t) joinInto(vector, version.vector)
  return vector
}

/** Whether what an entry shows would be seen no more, though the new version does not replace it. */
function wouldVanish(entry: ShownLeaf, own: Version, replaced: VersionVector, content: PlannedContent): boolean {
  if (!entry.same.includes(own) || covers(replaced, own)) return false
  const isShownElsewhere = entry.same.some((version) => version !== own && !covers(replaced, version))
  const { kind } = entry.node
  return !isShownElsewhere && contentKey(kind, own.content) !== contentKey(kind, content.content)
}
