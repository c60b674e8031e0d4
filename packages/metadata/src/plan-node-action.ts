import { type Action, DittoError, type NodeAction, type NodeId } from '@dittofs/interface'
import { type PlannedContent, plannedContent } from './action-plan.ts'
import { directoryContent } from './directory-content.ts'
import type { Event } from './event.ts'
import { type FoundEntry, findNode, showsVersion } from './find-node.ts'
import { kindOfNode, ROOT_ID } from './node-id.ts'
import type { Planning } from './plan-action.ts'
import { planDirectoryMove } from './plan-directory-move.ts'
import { deletionCut, planDirectoryRemoval, removeWithin } from './plan-directory-removal.ts'
import { planKept } from './plan-kept.ts'
import { pinConflictCopies, planEntryMove, planLeafRemoval, planNewVersion } from './plan-leaf.ts'
import { knownNode, type ParentNode, parentNode } from './plan-parent.ts'
import { planStaleEdit } from './plan-stale-edit.ts'
import { planUndelete } from './plan-undelete.ts'
import type { ShownDirectory, ShownLeaf } from './shown-tree.ts'
import { parseVersionId } from './version-id.ts'
import { EMPTY_VECTOR } from './version-vector.ts'

/** A node, and which of its versions. */
export interface NodeVersion {
  readonly node: NodeId
  readonly version: Event | undefined
}

const NODE_ACTIONS: ReadonlySet<Action['type']> = new Set<NodeAction['type']>([
  'create',
  'edit',
  'place',
  'delete',
  'undelete',
])

export function isNodeAction(action: Action): action is NodeAction {
  return NODE_ACTIONS.has(action.type)
}

/**
 * Plans a change by somebody who saw a node as it was some time ago, in steps.
 *
 * @returns where to find what it leaves shown
 */
export function* planNodeAction(planning: Planning, action: NodeAction): Generator<void, NodeVersion | undefined> {
  if (action.type === 'create') return planCreate(planning, action)
  if (action.type === 'edit') return planEdit(planning, action)
  if (action.node === ROOT_ID) {
    throw new DittoError('DITTO_USAGE', 'The root of a space cannot be moved, deleted or brought back.')
  }
  if (action.type === 'place') return planPlace(planning, action)
  if (action.type === 'delete') return yield* planDelete(planning, action)
  return planUndelete(planning, knownNode(planning.view.index, action.node), action.to)
}

type ActionOf<Type extends NodeAction['type']> = Extract<NodeAction, { readonly type: Type }>

function planCreate(planning: Planning, { node, parent, name, content }: ActionOf<'create'>): NodeVersion {
  const planned = plannedContent(content)
  if (node !== undefined && (kindOfNode(node) !== content.kind || planning.view.index.nodes.has(node))) {
    throw new DittoError('DITTO_USAGE', 'A node can be made once, and of its own kind only.')
  }
  const place = { parent: parentNode(planning, parent, name).id(), name }
  return { node: planning.plan.create(content.kind, place, planned, node), version: undefined }
}

function planEdit(planning: Planning, { node: id, base, content }: ActionOf<'edit'>): NodeVersion {
  const node = knownNode(planning.view.index, id, content.kind)
  const planned = plannedContent(content)
  const seen = parseVersionId(base)
  const found = findNode(planning.view, id, seen)
  if (found?.entry.kind === 'directory') {
    planAttributes(planning, found.entry, planned)
    return { node: id, version: undefined }
  }
  if (found === undefined || !showsVersion(found.entry, node, seen)) {
    if (node.kind === 'directory') return { node: id, version: undefined }
    planStaleEdit(planning, { node, base: seen, content: planned })
    return { node: id, version: planning.plan.ownVersion(id) }
  }
  const edited = planNewVersion(planning, found.entry, planned)
  const own = planning.plan.ownVersion(edited)
  return { node: edited, version: own }
}

function planAttributes({ plan, homes }: Planning, directory: ShownDirectory, content: PlannedContent): void {
  // The root is no node, and has no attributes of its own.
  if (directory.parent === undefined || directoryContent(directory)?.content === content.content) return
  plan.write(homes.of(directory), content, EMPTY_VECTOR)
}

function planPlace(
  planning: Planning,
  { node: id, version, parent: parentId, name }: ActionOf<'place'>,
): NodeVersion | undefined {
  const { view } = planning
  const node = knownNode(view.index, id)
  const found = findNode(view, id, version === undefined ? undefined : parseVersionId(version))
  if (found === undefined) return planUndelete(planning, node, { parent: parentId, name })
  const parent = parentNode(planning, parentId, name)
  if (isAt(found, parent, name)) return { node: id, version: undefined }
  const { entry } = found
  if (entry.kind === 'directory') {
    if (isWithin(parent.directory, entry)) {
      throw new DittoError('DITTO_USAGE', `"${found.names.join('/')}" cannot be moved into itself.`)
    }
    pinConflictCopies(planning, entry)
    planDirectoryMove(planning, entry, { parent: parent.id(), name })
    return { node: id, version: undefined }
  }
  pinConflictCopies(planning, entry)
  return { node: planEntryMove(planning, entry, { parent: parent.id(), name }), version: undefined }
}

/** Whether it has this place already. A conflict copy only shows by its name: given it, it is in conflict no more. */
function isAt({ entry }: FoundEntry, parent: ParentNode, name: string): boolean {
  if (!parent.isShown || entry.name !== name || entry.parent === undefined) return false
  if (entry.kind === 'leaf' && entry.conflictOf !== undefined) return false
  return isSameDirectory(entry.parent, parent.directory)
}

function isWithin(directory: ShownDirectory, top: ShownDirectory): boolean {
  for (let at: ShownDirectory | undefined = directory; at !== undefined; at = at.parent) {
    if (isSameDirectory(at, top)) return true
  }
  return false
}

function isSameDirectory(a: ShownDirectory, b: ShownDirectory): boolean {
  return a.members[0]?.node === b.members[0]?.node
}

function* planDelete(
  planning: Planning,
  { node: id, base, keep = [] }: ActionOf<'delete'>,
): Generator<void, NodeVersion | undefined> {
  const { view } = planning
  const node = knownNode(view.index, id)
  const seen = base === undefined ? undefined : parseVersionId(base)
  const found = findNode(view, id, seen)
  if (found === undefined) return undefined
  const { entry } = found
  if (entry.kind === 'leaf') {
    if (seen !== undefined && !showsVersion(entry, node, seen)) return { node: id, version: undefined }
    planLeafDeletion(planning, entry)
    return undefined
  }
  pinConflictCopies(planning, entry)
  if (keep.length === 0) {
    planDirectoryRemoval(planning, entry)
    return undefined
  }
  const cut = deletionCut(planning)
  yield* planKept(planning, entry, keep)
  removeWithin(planning, entry, cut)
  return { node: id, version: undefined }
}

function planLeafDeletion(planning: Planning, entry: ShownLeaf): void {
  pinConflictCopies(planning, entry)
  planLeafRemoval(planning, entry)
}
