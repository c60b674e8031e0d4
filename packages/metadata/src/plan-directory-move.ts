import type { NodeId } from '@dittofs/interface'
import type { NodeState, Placement } from './node-state.ts'
import type { Planning } from './plan-action.ts'
import { isIn, settleDisplaced } from './plan-directory-removal.ts'
import { deleteDuplicates, planLeafMove } from './plan-leaf.ts'
import type { Place } from './record.ts'
import { isAlive, type Member, type ShownDirectory, type ShownLeaf } from './shown-tree.ts'

/** What still lives in a dead directory, and the living one it is taken along to. */
interface Rescue {
  readonly group: ShownDirectory
  readonly dead: NodeState
  readonly home: NodeId
}

/**
 * Moves a shown directory: one record for each living node it consists of. A dead one stays where it is; what is
 * visible in it goes along, into a new directory of its name.
 */
export function planDirectoryMove(planning: Planning, directory: ShownDirectory, place: Place): void {
  // A move of one directory of a cycle would else bring back the placement of another that gave way to it.
  settleDisplaced(planning)
  moveSettled(planning, directory, place)
}

/** As {@link planDirectoryMove}, where the plan has settled the displaced already. */
export function moveSettled(planning: Planning, directory: ShownDirectory, place: Place): void {
  const { plan, view, homes } = planning
  const moveNode = (node: NodeState, to: Place) => {
    const { parent, name } = node.placement as Placement
    plan.place(node.id, to, { parent, name })
  }
  const rescues: Rescue[] = []
  const moveGroup = (group: ShownDirectory, members: readonly Member[], to: Place) => {
    const living = members.filter(isAlive)
    const dead = members.filter((member) => !isAlive(member))
    for (const { node } of living) moveNode(node, to)
    if (dead.length === 0) return
    const home = living[0]?.node.id ?? homes.remake(group, to)
    homes.adopt(group, home)
    rescues.push(...dead.map(({ node }) => ({ group, dead: node, home })))
  }
  moveGroup(directory, directory.members, place)
  const settled = new Set<NodeState>()
  for (let next = rescues.pop(); next !== undefined; next = rescues.pop()) {
    const { group, dead, home } = next
    for (const entry of view.entries(group)) {
      if (entry.kind === 'directory') {
        const members = entry.members.filter(({ node }) => isIn(node, dead))
        if (members.length > 0) moveGroup(entry, members, { parent: home, name: entry.name })
      } else if (entry.copyOf === undefined && !settled.has(entry.node)) {
        if (takeLeafOut(planning, entry, next)) settled.add(entry.node)
      }
    }
  }
}

/**
 * Takes a leaf along that stands in a dead directory. Placed anew it would be the later one of its name: so a
 * conflict copy beside it keeps the name it is shown by.
 *
 * @returns whether it was placed
 */
function takeLeafOut(planning: Planning, entry: ShownLeaf, { group, dead, home }: Rescue): boolean {
  if (isIn(entry.node, dead)) {
    planLeafMove(planning, entry, { parent: home, name: entry.name })
    return true
  }
  if (entry.conflictOf !== undefined) {
    // What stands in another dead directory is taken out of that one, under the name it is shown by.
    if (group.members.some((member) => !isAlive(member) && isIn(entry.node, member.node))) return false
    planLeafMove(planning, entry, { parent: (entry.node.placement as Placement).parent, name: entry.name })
    return true
  }
  if (entry.duplicates.some(({ node }) => isIn(node, dead))) deleteDuplicates(planning, entry)
  return false
}
