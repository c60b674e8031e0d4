import { MAX_PATH_PARTS } from '@dittofs/interface'
import { chainTo } from './find-node.ts'
import { ROOT_ID } from './node-id.ts'
import type { NodeState, Placement } from './node-state.ts'
import type { SpaceIndex } from './space-index.ts'
import type { TreeView } from './tree-view.ts'

/** Paths told with a change; more than that is told as "much changed". */
export const MAX_CHANGED_PATHS = 1000

/** Where a node stands, by the names it and its parents were given; `undefined` while something above is missing. */
export function nodePath(index: SpaceIndex, node: NodeState): string | undefined {
  const names: string[] = []
  for (let at = node; at.id !== ROOT_ID; ) {
    if (at.placement === undefined || names.length === MAX_PATH_PARTS) return undefined
    names.push(at.placement.name)
    const parent = index.nodes.get(at.placement.parent)
    if (parent === undefined) return undefined
    at = parent
  }
  return names.reverse().join('/')
}

/**
 * The paths to read again after a change: where the nodes stood, where they stand, and for those that may show as
 * conflict copies the directory as well.
 *
 * @returns `undefined` when there are more than `limit`
 */
export function touchedPaths(
  view: TreeView,
  nodes: Iterable<NodeState>,
  before: Iterable<string | undefined>,
  limit: number,
): readonly string[] | undefined {
  const paths = new Set<string>()
  for (const path of before) if (path !== undefined) paths.add(path)
  for (const node of nodes) {
    const path = nodePath(view.index, node)
    if (path === undefined) continue
    paths.add(path)
    const { name } = node.placement as Placement
    if (mayShowCopies(view, node)) paths.add(path.slice(0, Math.max(0, path.length - name.length - 1)))
    if (paths.size > limit) return undefined
  }
  return paths.size > limit ? undefined : [...paths]
}

/** Whether the name of a node is, or may be, that of others too: in its directory, or in one that shows as one with it. */
function mayShowCopies(view: TreeView, node: NodeState): boolean {
  if (isContested(view.index, node)) return true
  const above = chainTo(view.index, node)?.slice(0, -1) ?? []
  // Directories show as one where one of them, or one above them, shares its name.
  if (!above.some((directory) => isContested(view.index, directory))) return false
  let shown = view.root
  for (const { placement } of above) {
    const entry = view.main(shown, (placement as Placement).name)
    if (entry?.kind !== 'directory') return false
    shown = entry
  }
  return view.at(shown, (node.placement as Placement).name).losers.length > 0
}

function isContested({ nodes }: SpaceIndex, { placement }: NodeState): boolean {
  return placement !== undefined && nodes.get(placement.parent)?.children?.contested.has(placement.name) === true
}
