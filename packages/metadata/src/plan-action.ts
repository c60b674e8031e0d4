import { type Action, DittoError, type NodeId, type NodeKind, type PathAction, parsePath } from '@dittofs/interface'
import { ActionPlan, type ActionPlanInit, type PlannedContent, plannedContent } from './action-plan.ts'
import { directoryContent } from './directory-content.ts'
import { type FoundEntry, findNode } from './find-node.ts'
import { planDirectoryMove } from './plan-directory-move.ts'
import { planDirectoryRemoval } from './plan-directory-removal.ts'
import { PlanHomes } from './plan-homes.ts'
import { pinConflictCopies, planEntryMove, planLeafRemoval, planNewVersion } from './plan-leaf.ts'
import { isNodeAction, type NodeVersion, planNodeAction } from './plan-node-action.ts'
import type { DeleteRecord, StateRecord } from './record.ts'
import type { ShownDirectory, ShownEntry } from './shown-tree.ts'
import type { TreeView } from './tree-view.ts'

export interface ActionContext extends Omit<ActionPlanInit, 'index'> {
  readonly view: TreeView
  /** Nanoseconds since the Unix epoch: the time of directories that are made on the way. */
  readonly nowNs: bigint
}

/** What an action comes to: its records, and where to find the entry it leaves shown; nowhere for a removal. */
export interface PlannedAction {
  readonly records: readonly (StateRecord | DeleteRecord)[]
  readonly shownAt: readonly string[] | NodeVersion | undefined
}

/** All that the parts of a plan share. */
export interface Planning {
  readonly view: TreeView
  readonly plan: ActionPlan
  readonly homes: PlanHomes
}

/**
 * Says which records carry out an action on what is shown, in steps. Reads the view and changes nothing; the index must
 * not change between steps.
 *
 * @throws DittoError as `MetadataStore.transact`
 */
export function* planAction(action: Action, context: ActionContext): Generator<void, PlannedAction> {
  const { view } = context
  const plan = new ActionPlan({ ...context, index: view.index })
  const planning: Planning = { view, plan, homes: new PlanHomes(plan, context.nowNs) }
  const shownAt = isNodeAction(action) ? yield* planNodeAction(planning, action) : planPathAction(planning, action)
  return { records: plan.records, shownAt }
}

/** The entry that a planned action leaves shown, once its records are in the index. */
export function shownBy({ shownAt }: PlannedAction, view: TreeView): FoundEntry | undefined {
  if (shownAt === undefined) return undefined
  if ('node' in shownAt) return findNode(view, shownAt.node, shownAt.version)
  const entry = view.find(shownAt)
  return entry === undefined ? undefined : { entry, names: shownAt }
}

function planPathAction(planning: Planning, action: PathAction): readonly string[] | undefined {
  if (action.type === 'remove') {
    planRemoval(planning, parsePath(action.path))
    return undefined
  }
  const names = parsePath(action.type === 'move' ? action.to : action.path)
  if (action.type === 'move') {
    planMove(planning, parsePath(action.from), names)
  } else if (action.type === 'mkdir') {
    planMkdir(planning, names, plannedContent({ kind: 'directory', directory: action.directory }))
  } else if (action.type === 'write') {
    planWrite(planning, names, 'file', plannedContent({ kind: 'file', file: action.file }))
  } else {
    planWrite(planning, names, 'symlink', plannedContent({ kind: 'symlink', symlink: action.symlink }))
  }
  return names
}

function planRemoval(planning: Planning, names: readonly string[]): void {
  if (names.length === 0) throw new DittoError('DITTO_USAGE', 'The root of a space cannot be removed.')
  const entry = existing(planning.view, names)
  pinConflictCopies(planning, entry)
  if (entry.kind === 'directory') planDirectoryRemoval(planning, entry)
  else planLeafRemoval(planning, entry)
}

function planMkdir(planning: Planning, names: readonly string[], content: PlannedContent): void {
  const name = names.at(-1)
  if (name === undefined) return
  const { directory, id } = parentFor(planning, names)
  const entry = directory === undefined ? undefined : planning.view.child(directory, name)
  if (entry === undefined) {
    planning.plan.create('directory', { parent: id(), name }, content)
  } else if (entry.kind === 'leaf') {
    throw exists(names, 'a file or symlink is there')
  } else if (directoryContent(entry)?.content !== content.content) {
    planning.plan.write(planning.homes.of(entry), content, new Map())
  }
}

function planWrite(planning: Planning, names: readonly string[], kind: NodeKind, content: PlannedContent): void {
  const name = names.at(-1)
  if (name === undefined) throw exists(names, 'the root of a space is a directory')
  const { directory, id } = parentFor(planning, names)
  const entry = directory === undefined ? undefined : planning.view.child(directory, name)
  if (entry?.kind === 'directory') throw exists(names, 'a directory is there')
  if (entry === undefined) {
    planning.plan.create(kind, { parent: id(), name }, content)
  } else if (entry.node.kind !== kind) {
    pinConflictCopies(planning, entry)
    planLeafRemoval(planning, entry)
    planning.plan.create(kind, { parent: id(), name }, content)
  } else {
    planNewVersion(planning, entry, content)
  }
}

function planMove(planning: Planning, from: readonly string[], to: readonly string[]): void {
  if (from.length === 0 || to.length === 0) {
    throw new DittoError('DITTO_USAGE', 'The root of a space cannot be moved or replaced.')
  }
  const { view } = planning
  const entry = existing(view, from)
  if (from.length === to.length && from.every((name, at) => name === to[at])) return
  if (entry.kind === 'directory' && from.every((name, at) => name === to[at])) {
    throw new DittoError('DITTO_USAGE', `"${from.join('/')}" cannot be moved into itself.`)
  }
  const parent = parentFor(planning, to)
  const name = to.at(-1) as string
  if (parent.directory !== undefined && view.child(parent.directory, name) !== undefined) {
    throw exists(to, 'something is there')
  }
  pinConflictCopies(planning, entry)
  const place = { parent: parent.id(), name }
  if (entry.kind === 'directory') {
    planDirectoryMove(planning, entry, place)
  } else {
    planEntryMove(planning, entry, place)
  }
}

/** The directory a path's last name stands in: as shown, where it is, and its node, made with what is missing. */
function parentFor(
  { view, homes }: Planning,
  names: readonly string[],
): { readonly directory: ShownDirectory | undefined; readonly id: () => NodeId } {
  let directory = view.root
  const above = names.slice(0, -1)
  for (const [depth, name] of above.entries()) {
    const entry = view.child(directory, name)
    if (entry?.kind === 'leaf') {
      throw exists(names, `"${names.slice(0, depth + 1).join('/')}" is a file or symlink, nothing can stand below it`)
    }
    if (entry === undefined) {
      const base = directory
      return { directory: undefined, id: () => homes.make(homes.of(base), above.slice(depth)) }
    }
    directory = entry
  }
  return { directory, id: () => homes.of(directory) }
}

function existing(view: TreeView, names: readonly string[]): ShownEntry {
  const entry = view.find(names)
  if (entry === undefined) throw new DittoError('DITTO_NOT_FOUND', `There is nothing at "${names.join('/')}".`)
  return entry
}

function exists(names: readonly string[], why: string): DittoError {
  return new DittoError('DITTO_EXISTS', `"${names.join('/')}" is taken: ${why}.`)
}
