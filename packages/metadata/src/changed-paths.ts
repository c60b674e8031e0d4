import { MAX_PATH_PARTS } from '@dittofs/interface'
import { ROOT_ID } from './node-id.ts'
import type { NodeState } from './node-state.ts'
import type { SpaceIndex } from './space-index.ts'

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
  index: SpaceIndex,
  nodes: Iterable<NodeState>,
  before: Iterable<string | undefined>,
  limit: number,
): readonly string[] | undefined {
  const paths = new Set<string>()
  for (const path of before) if (path !== undefined) paths.add(path)
  for (const node of nodes) {
    const path = nodePath(index, node)
    if (path === undefined) continue
    paths.add(path)
    const { name, parent } = node.placement as NonNullable<NodeState['placement']>
    const isContested = index.nodes.get(parent)?.children?.contested.has(name) === true
    if (isContested) paths.add(path.slice(0, Math.max(0, path.length - name.length - 1)))
    if (paths.size > limit) return undefined
  }
  return paths.size > limit ? undefined : [...paths]
}
