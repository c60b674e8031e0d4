import type { NodeState, Placement } from './node-state.ts'
import type { Planning } from './plan-action.ts'
import { leafCut } from './plan-leaf.ts'
import { isAlive, type ShownDirectory } from './shown-tree.ts'
import type { VersionVector } from './version-vector.ts'

/** Removes a directory and all that is shown below it: one record for each living node it consists of. */
export function planDirectoryRemoval(planning: Planning, directory: ShownDirectory): void {
  removeWithin(planning, directory, deletionCut(planning))
}

/**
 * What a deletion planned now reaches. What the plan places after this call, and before the deletion, is not reached.
 */
export function deletionCut({ view, plan }: Planning): VersionVector {
  // Deletions do not reach over a placement that gave way to a cycle.
  settleDisplaced({ view, plan })
  return plan.held()
}

/** Removes what a cut covers of a directory and of all that is shown below it. */
export function removeWithin({ view, plan }: Planning, directory: ShownDirectory, cut: VersionVector): void {
  const dead: { group: ShownDirectory; node: NodeState }[] = []
  const removeMembers = (group: ShownDirectory, isWanted: (node: NodeState) => boolean) => {
    for (const member of group.members) {
      if (!isWanted(member.node)) continue
      if (isAlive(member)) plan.delete(member.node.id, cut)
      else dead.push({ group, node: member.node })
    }
  }
  removeMembers(directory, () => true)
  // A second record on a dead directory would replace the first one, so what lives in it is deleted by itself.
  for (let next = dead.pop(); next !== undefined; next = dead.pop()) {
    const { group, node: above } = next
    for (const entry of view.entries(group)) {
      if (entry.kind === 'directory') {
        removeMembers(entry, (node) => isIn(node, above))
      } else if (entry.copyOf === undefined) {
        for (const { node } of [entry, ...entry.duplicates]) if (isIn(node, above)) plan.delete(node.id, leafCut(node))
      }
    }
  }
}

/** Writes the shown placement of every directory that gave way to a cycle, so that it stands there by its own right. */
export function settleDisplaced({ view, plan }: Pick<Planning, 'view' | 'plan'>): void {
  for (const node of view.index.displaced) {
    const { parent, name } = node.placement as Placement
    plan.place(node.id, { parent, name }, { parent, name })
  }
}

export function isIn(node: NodeState, directory: NodeState): boolean {
  return node.placement?.parent === directory.id
}
