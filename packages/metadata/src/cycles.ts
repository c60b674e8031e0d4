import { compareEvents } from './event.ts'
import { ROOT_ID } from './node-id.ts'
import type { NodeState, Placement } from './node-state.ts'
import type { ReadonlyNodeTable } from './node-table.ts'

type Nodes = Pick<ReadonlyNodeTable, 'get'>

/**
 * Whether the winning placements of `moved` close a cycle, given that there was none before. Costs what lies between
 * them and the root, each directory once.
 */
export function closesCycle(nodes: Nodes, moved: readonly NodeState[]): boolean {
  const done = new Set<NodeState>()
  const newParents = new Set(moved.map((node) => node.winner?.parent))
  for (const start of moved) {
    // Nothing is placed below a directory without children, so no cycle runs through it.
    if (start.children === undefined && !newParents.has(start.id)) continue
    const onPath = new Set<NodeState>()
    let node: NodeState | undefined = start
    while (node?.winner !== undefined && !done.has(node)) {
      if (onPath.has(node)) return true
      onPath.add(node)
      node = nodes.get(node.winner.parent)
    }
    for (const passed of onPath) done.add(passed)
  }
  return false
}

/**
 * The directories that give way so that no directory lies below itself, and where they stand instead. Of each cycle
 * the latest move gives way: its directory returns to the place that move took it from, and, if that closes a cycle
 * too, to the root.
 *
 * Pure: the same placements give the same answer on every device, in whatever order they arrived.
 */
export function breakCycles(nodes: Nodes, directories: Iterable<NodeState>): Map<NodeState, Placement> {
  const displaced = new Map<NodeState, Placement>()
  const hasTriedOrigin = new Set<NodeState>()
  const placed = [...directories].filter((node) => node.winner !== undefined)
  const placementOf = (node: NodeState) => displaced.get(node) ?? node.winner
  const parentOf = (node: NodeState) => {
    const parent = placementOf(node)?.parent
    return parent === undefined || parent === ROOT_ID ? undefined : nodes.get(parent)
  }
  // In the order of IDs, so that cycles are met in the same order everywhere.
  placed.sort((a, b) => (a.id < b.id ? -1 : 1))
  for (;;) {
    const cycles = findCycles(placed, parentOf)
    if (cycles.length === 0) return displaced
    for (const cycle of cycles) {
      const latest = cycle.reduce((a, b) => (isLaterMove(b, a) ? b : a))
      const { writer, t, name, from } = latest.winner as Placement
      if (from !== undefined && !hasTriedOrigin.has(latest)) {
        hasTriedOrigin.add(latest)
        displaced.set(latest, { writer, t, from, parent: from.parent, name: from.name })
      } else {
        displaced.set(latest, { writer, t, parent: ROOT_ID, name, ...(from === undefined ? {} : { from }) })
      }
    }
  }
}

function isLaterMove(a: NodeState, b: NodeState): boolean {
  const order = compareEvents(a.winner as Placement, b.winner as Placement)
  return order > 0 || (order === 0 && a.id > b.id)
}

function findCycles(
  directories: readonly NodeState[],
  parentOf: (node: NodeState) => NodeState | undefined,
): NodeState[][] {
  const cycles: NodeState[][] = []
  const walkOf = new Map<NodeState, number>()
  for (const [walk, start] of directories.entries()) {
    const path: NodeState[] = []
    let node: NodeState | undefined = start
    while (node !== undefined && !walkOf.has(node)) {
      walkOf.set(node, walk)
      path.push(node)
      node = parentOf(node)
    }
    if (node !== undefined && walkOf.get(node) === walk) cycles.push(path.slice(path.indexOf(node)))
  }
  return cycles
}
