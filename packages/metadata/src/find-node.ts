import { MAX_PATH_PARTS, type NodeId } from '@dittofs/interface'
import type { Event } from './event.ts'
import { livingVersions } from './leaf-versions.ts'
import { ROOT_ID } from './node-id.ts'
import type { Deletion, NodeState, Placement } from './node-state.ts'
import type { ShownDirectory, ShownEntry, ShownLeaf } from './shown-tree.ts'
import type { SpaceIndex } from './space-index.ts'
import type { TreeView } from './tree-view.ts'

/** A shown entry and the names of its path. */
export interface FoundEntry<Entry extends ShownEntry = ShownEntry> {
  readonly entry: Entry
  readonly names: readonly string[]
}

/**
 * The nodes from below the root down to `node`, itself last. `undefined` while something above is missing, and where
 * no path is long enough.
 */
export function chainTo(index: SpaceIndex, node: NodeState): readonly NodeState[] | undefined {
  const chain: NodeState[] = []
  for (let at = node; at.id !== ROOT_ID; ) {
    const parent = at.placement === undefined ? undefined : index.nodes.get(at.placement.parent)
    if (parent === undefined || chain.length === MAX_PATH_PARTS) return undefined
    chain.push(at)
    at = parent
  }
  return chain.reverse()
}

/** Where a node is shown: in the entry of `version` where it shows several, else in its main one. */
export function findNode(view: TreeView, id: NodeId, version?: Event): FoundEntry | undefined {
  const node = view.index.nodes.get(id)
  const chain = node === undefined ? undefined : chainTo(view.index, node)
  if (node === undefined || chain === undefined) return undefined
  let directory = view.root
  const names: string[] = []
  for (const at of chain) {
    if (at.kind !== 'directory') break
    const { name } = at.placement as Placement
    const entry = view.main(directory, name)
    if (entry?.kind !== 'directory' || !entry.members.some((member) => member.node === at)) return undefined
    directory = entry
    names.push(name)
  }
  if (node.kind === 'directory') return { entry: directory, names }
  const entry = leafIn(view, directory, node, version)
  return entry === undefined ? undefined : { entry, names: [...names, entry.name] }
}

/**
 * The names a living node and the directories above it are placed under; `undefined` for one that deletions reach, or
 * whose place is not known. Costs only what lies above it, whatever else changed.
 */
export function standingPath(view: TreeView, node: NodeState): string | undefined {
  const chain = chainTo(view.index, node)
  if (chain === undefined || chain.length === 0) return undefined
  let deletions: readonly Deletion[] = []
  for (const at of chain) deletions = view.reaching(at, deletions)
  const isLiving = node.kind === 'directory' ? deletions.length === 0 : livingVersions(node, deletions).length > 0
  return isLiving ? chain.map(({ placement }) => (placement as Placement).name).join('/') : undefined
}

/** Whether an entry shows a version of a node: by itself, or by one with the same bytes. */
export function showsVersion(entry: ShownLeaf, node: NodeState, { writer, t }: Event): boolean {
  const isIt = (version: Event) => version.writer === writer && version.t === t
  if (entry.node === node) return entry.same.some(isIt)
  return entry.duplicates.some(
    (duplicate) => duplicate.node === node && duplicate.versions.some(({ same }) => same.some(isIt)),
  )
}

function leafIn(
  view: TreeView,
  directory: ShownDirectory,
  node: NodeState,
  version: Event | undefined,
): ShownLeaf | undefined {
  const main = view.main(directory, (node.placement as Placement).name)
  const own = main?.kind === 'leaf' && standsFor(main, node) ? main : undefined
  if (own !== undefined && (version === undefined || showsVersion(own, node, version))) return own
  const copies = view.conflictCopies(directory).filter((copy) => copy.node === node)
  const named = version === undefined ? undefined : copies.find((copy) => showsVersion(copy, node, version))
  return named ?? own ?? copies.find(({ copyOf }) => copyOf === undefined)
}

function standsFor(entry: ShownLeaf, node: NodeState): boolean {
  return entry.node === node || entry.duplicates.some((duplicate) => duplicate.node === node)
}
