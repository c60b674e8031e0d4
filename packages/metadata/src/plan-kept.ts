import type { NodeId } from '@dittofs/interface'
import { findNode } from './find-node.ts'
import type { NodeState } from './node-state.ts'
import type { Planning } from './plan-action.ts'
import { moveSettled } from './plan-directory-move.ts'
import { hasDeletedVersions, planLeafMove } from './plan-leaf.ts'
import { entriesOf, shownVersions } from './plan-stale-edit.ts'
import type { ShownDirectory, ShownEntry } from './shown-tree.ts'

/** Nodes placed again before others get a turn. */
const NODES_PER_STEP = 100

/**
 * Places nodes again that stand below a directory, under the names they are shown by: a deletion of the directory that
 * covers only what came before does not reach them. Nodes that are not below it are left alone.
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
    else keepDirectory(planning, entry, done)
  }
}

function keepDirectory(planning: Planning, entry: ShownDirectory, done: Set<NodeState>): void {
  const { node } = entry.members[0] as ShownDirectory['members'][number]
  if (done.has(node)) return
  done.add(node)
  moveSettled(planning, entry, { parent: planning.homes.of(entry.parent as ShownDirectory), name: entry.name })
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
