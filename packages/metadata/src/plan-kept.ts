import type { NodeId } from '@dittofs/interface'
import { findNode } from './find-node.ts'
import type { NodeState, Placement } from './node-state.ts'
import type { Planning } from './plan-action.ts'
import { hasDeletedVersions, planLeafMove } from './plan-leaf.ts'
import { entriesOf, shownVersions } from './plan-stale-edit.ts'
import { isAlive, type ShownDirectory, type ShownEntry } from './shown-tree.ts'

/** Nodes placed again before others get a turn. */
const NODES_PER_STEP = 100

/**
 * Places nodes again that stand below a directory, under the names they are shown by: a deletion of the directory that
 * covers only what came before does not reach them. Nodes that are not below it, or dead, are left alone.
 */
export function* planKept(
  planning: Planning,
  directory: ShownDirectory,
  keep: readonly NodeId[],
): Generator<void, void> {
  const done = new Set<NodeState>()
  for (const [position, id] of keep.entries()) {
    if ((position + 1) % NODES_PER_STEP === 0) yield
    const entry = findNode(planning.view, id)?.entry
    if (entry === undefined || !isBelow(entry, directory)) continue
    if (entry.kind === 'leaf') keepLeaf(planning, entry.node, done)
    else for (const member of entry.members) if (isAlive(member)) keepDirectory(planning, member.node, entry, done)
  }
}

function keepDirectory(
  { plan, homes }: Planning,
  node: NodeState,
  { parent, name }: ShownDirectory,
  done: Set<NodeState>,
): void {
  if (done.has(node)) return
  done.add(node)
  const from = node.placement as Placement
  plan.place(node.id, { parent: homes.of(parent as ShownDirectory), name }, { parent: from.parent, name: from.name })
}

function keepLeaf(planning: Planning, node: NodeState, done: Set<NodeState>): void {
  if (done.has(node)) return
  done.add(node)
  const { view, plan, homes } = planning
  const entries = entriesOf(view, node)
  const [main] = entries
  if (main === undefined) return
  const place = { parent: homes.of(main.parent), name: main.name }
  // A placement that a deletion has not seen would bring back what it deleted.
  if (hasDeletedVersions(node, shownVersions(entries))) planLeafMove(planning, main, place)
  else plan.place(node.id, place)
}

function isBelow({ parent }: ShownEntry, directory: ShownDirectory): boolean {
  for (let at = parent; at !== undefined; at = at.parent) {
    if (at.members[0]?.node === directory.members[0]?.node) return true
  }
  return false
}
