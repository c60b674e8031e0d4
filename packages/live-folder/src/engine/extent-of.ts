import type { NodeEvent, NodeId } from '@dittofs/interface'
import { nodesOf } from '../plan/remote-tree.ts'
import type { EngineContext } from './engine-context.ts'

/**
 * How far below a changed path to look. A deletion takes away what is below without a word about it; so does a directory
 * that is shown as one with another, or no longer is. A directory that only moved takes along what is in it: that is
 * looked at again only where the base does not have it, or something below waits under the path it had.
 */
export function extentOf(
  { base, remote, folders, waiting, leftOut, hasRetries }: EngineContext,
  path: string,
  events: readonly NodeEvent[],
): 'entry' | 'below' {
  const shown = remote.lookup(path)
  if (shown?.kind !== 'directory') return 'entry'
  const nodes = nodesOf(shown)
  const isPending = waiting.size > 0 || leftOut.size > 0 || hasRetries
  const isMovedWhole = (node: NodeId) => {
    const [entry, ...others] = base.byNode(node)
    const isOneInBase = entry?.nodes.every((one) => one === node) === true && others.length === 0
    return !isPending && nodes.length === 1 && isOneInBase
  }
  const isDeep = ({ kind, node }: NodeEvent) =>
    kind === 'deletion' || (kind === 'placement' && nodes.includes(node) && !isMovedWhole(node))
  if (events.some((event) => isDeep(event))) return 'below'
  const isAboveFolder = [...folders.values()].some(({ link }) => {
    const root = remote.find(link.directoryNode)?.path
    return root?.startsWith(shown.path === '' ? '' : `${shown.path}/`) === true
  })
  return isAboveFolder && events.some(({ kind, node }) => kind === 'placement' && nodes.includes(node))
    ? 'below'
    : 'entry'
}
