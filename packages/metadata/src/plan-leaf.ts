import type { NodeId } from '@dittofs/interface'
import type { PlannedContent } from './action-plan.ts'
import type { Writer } from './event.ts'
import { maximalVersions } from './leaf-versions.ts'
import type { NodeState, Version } from './node-state.ts'
import type { Planning } from './plan-action.ts'
import type { Place } from './record.ts'
import type { ShownEntry, ShownLeaf } from './shown-tree.ts'
import { joinInto, type VersionVector, widen } from './version-vector.ts'

/**
 * Gives the node of `main` a version that replaces every one shown. A vector cannot leave out its writer's own older
 * version, so each shown version that the action did not decide about becomes, in the same update and before it is
 * replaced, a node of its own under the name it is shown by.
 *
 * @param decided - the conflict copy the action is about
 */
export function replaceVersions(
  { view, plan, homes }: Planning,
  main: ShownLeaf,
  content: PlannedContent,
  decided?: ShownLeaf,
): void {
  for (const copy of view.copiesOf(main)) {
    if (copy.version === decided?.version) continue
    plan.create(copy.node.kind, { parent: homes.of(copy.parent), name: copy.name }, copy.version)
  }
  plan.write(main.node.id, content, allVersions(main.node))
  // The name of a conflict copy tells its version's device and date: a new version would rename it.
  if (main.conflictOf !== undefined) plan.place(main.node.id, { parent: homes.of(main.parent), name: main.name })
  deleteDuplicates({ plan }, main)
}

/**
 * Gives a shown leaf a new version, and that alone.
 *
 * @returns the node that shows it: a new one where the leaf was another version of a node
 */
export function planNewVersion(planning: Planning, entry: ShownLeaf, content: PlannedContent): NodeId {
  const { plan, view, homes } = planning
  if (entry.copyOf !== undefined) {
    const node = plan.create(entry.node.kind, { parent: homes.of(entry.parent), name: entry.name }, content)
    replaceVersions(planning, entry.copyOf, entry.copyOf.version, entry)
    return node
  }
  const isSettled = view.copiesOf(entry).length === 0 && entry.duplicates.length === 0
  if (!isSettled || entry.version.content !== content.content) replaceVersions(planning, entry, content)
  return entry.node.id
}

/**
 * Moves one shown leaf, alone, as {@link planLeafMove}; of another version of a node it makes a node.
 *
 * @returns the node that stands there
 */
export function planEntryMove(planning: Planning, entry: ShownLeaf, place: Place): NodeId {
  if (entry.copyOf === undefined) {
    planLeafMove(planning, entry, place)
    return entry.node.id
  }
  const node = planning.plan.create(entry.node.kind, place, entry.version)
  replaceVersions(planning, entry.copyOf, entry.copyOf.version, entry)
  return node
}

/**
 * Moves one shown leaf and nothing else. Other versions of its node stay where they are shown, and a deleted one does
 * not come back with a placement that its deletion has not seen.
 */
export function planLeafMove(planning: Planning, entry: ShownLeaf, place: Place): void {
  const { view, plan } = planning
  const hasMore = view.copiesOf(entry).length > 0 || entry.duplicates.length > 0
  if (hasMore || hasDeletedVersions(entry.node, entry.same)) replaceVersions(planning, entry, entry.version)
  plan.place(entry.node.id, place)
}

/** Whether a node holds versions that are hidden only because they were deleted. */
export function hasDeletedVersions(leaf: NodeState, shown: readonly Version[]): boolean {
  return maximalVersions(leaf).some((version) => !shown.includes(version))
}

/** Covers every version that is held of a leaf. */
export function allVersions(leaf: NodeState): VersionVector {
  const vector = new Map<Writer, number>()
  for (const { version } of leaf.states) {
    if (version === undefined) continue
    joinInto(vector, version.vector)
    widen(vector, version.writer, version.t)
  }
  return vector
}

/** Removes one shown entry and nothing else: other versions of its node stay shown where they are. */
export function planLeafRemoval(planning: Planning, entry: ShownLeaf): void {
  const { view, plan, homes } = planning
  if (entry.copyOf !== undefined) {
    replaceVersions(planning, entry.copyOf, entry.copyOf.version, entry)
    return
  }
  for (const copy of view.copiesOf(entry)) {
    plan.create(copy.node.kind, { parent: homes.of(copy.parent), name: copy.name }, copy.version)
  }
  plan.delete(entry.node.id, leafCut(entry.node))
  deleteDuplicates(planning, entry)
}

/**
 * Gives the conflict copies that are shown beside `entry`, and would take its name when it goes, the names they are
 * shown by.
 */
export function pinConflictCopies(planning: Planning, entry: ShownEntry): void {
  const { parent } = entry
  if (parent === undefined || (entry.kind === 'leaf' && entry.conflictOf !== undefined)) return
  const { view, homes } = planning
  for (const copy of view.conflictCopies(parent)) {
    if (copy.conflictOf !== entry.name || copy.copyOf !== undefined) continue
    planLeafMove(planning, copy, { parent: homes.of(parent), name: copy.name })
  }
}

/** What a deletion of one leaf has seen: the entries of that leaf alone. */
export function leafCut(leaf: NodeState): VersionVector {
  const cut = new Map<Writer, number>()
  for (const { writer, placement, version } of leaf.states) {
    if (placement !== undefined) widen(cut, writer, placement.t)
    if (version !== undefined) widen(cut, writer, version.t)
  }
  return cut
}

/** The first action on leaves that show as one deletes those that were hidden: else they would come to light. */
export function deleteDuplicates({ plan }: Pick<Planning, 'plan'>, { duplicates }: ShownLeaf): void {
  for (const { node } of duplicates) plan.delete(node.id, leafCut(node))
}
