import { DittoError, type NodeId, nameFault, parsePath } from '@dittofs/interface'
import { chainTo } from './find-node.ts'
import type { NodeState, Placement } from './node-state.ts'
import type { Planning } from './plan-action.ts'
import type { ShownDirectory } from './shown-tree.ts'

/** A directory that something goes to, named by its node. */
export interface ParentNode {
  /** Where it is shown, or the nearest directory above it that is. */
  readonly directory: ShownDirectory
  /** Whether it is shown itself. */
  readonly isShown: boolean
  /** Its node, made anew, with what is missing above it, where it is not shown; once, however often it is asked. */
  readonly id: () => NodeId
}

/**
 * The directory for something called `name`. A deleted one is made anew where it stood, unless a directory of its name
 * stands there.
 *
 * @throws DittoError DITTO_NOT_FOUND, DITTO_USAGE (no directory), DITTO_PATH_INVALID
 */
export function parentNode({ view, homes }: Planning, id: NodeId, name: string): ParentNode {
  const fault = nameFault(name)
  if (fault !== undefined) {
    throw new DittoError('DITTO_PATH_INVALID', `The name ${JSON.stringify(name)} cannot be used: ${fault}.`)
  }
  const chain = chainTo(view.index, knownNode(view.index, id, 'directory'))
  if (chain === undefined) {
    throw new DittoError('DITTO_NOT_FOUND', `Nobody knows where the directory for ${JSON.stringify(name)} stands.`)
  }
  parsePath([...chain.map(({ placement }) => (placement as Placement).name), name].join('/'))
  let directory = view.root
  let missing: readonly NodeState[] = []
  for (const [depth, node] of chain.entries()) {
    const entry = view.main(directory, (node.placement as Placement).name)
    if (entry?.kind !== 'directory') {
      missing = chain.slice(depth)
      break
    }
    directory = entry
  }
  let made: NodeId | undefined
  return {
    directory,
    isShown: missing.length === 0,
    id: () => {
      made ??= missing.reduce((above, node) => homes.revive(node, above), homes.of(directory))
      return made
    },
  }
}

/** @throws DittoError DITTO_NOT_FOUND, DITTO_USAGE (of another kind) */
export function knownNode({ nodes }: Planning['view']['index'], id: NodeId, kind?: NodeState['kind']): NodeState {
  const node = nodes.get(id)
  if (node === undefined) throw new DittoError('DITTO_NOT_FOUND', 'This space has no such file or directory.')
  if (kind !== undefined && node.kind !== kind) {
    throw new DittoError('DITTO_USAGE', `A ${node.kind} cannot be used as a ${kind}.`)
  }
  return node
}
