import type { NodeId } from '@dittofs/interface'
import type { NodeState, Placement, Version } from './node-state.ts'
import type { Planning } from './plan-action.ts'
import { isIn, settleDisplaced } from './plan-directory-removal.ts'
import { allVersions, hasDeletedVersions } from './plan-leaf.ts'
import type { Place } from './record.ts'
import { isAlive, type ShownDirectory, type ShownLeaf } from './shown-tree.ts'

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
  const { plan, view, homes } = planning
  // A move of one directory of a cycle would else bring back the placement of another that gave way to it.
  settleDisplaced({ view, plan })
  const moveNode = (node: NodeState, to: Place) => {
    const { parent, name } = node.placement as Placement
    plan.place(node.id, to, { parent, name })
  }
  const living = directory.members.filter(isAlive)
  for (const { node } of living) moveNode(node, place)
  const dead = directory.members.filter((member) => !isAlive(member))
  const home = living[0]?.node.id ?? homes.remake(directory, place)
  const rescues: Rescue[] = dead.map(({ node }) => ({ group: directory, dead: node, home }))
  for (let next = rescues.pop(); next !== undefined; next = rescues.pop()) {
    const { group, dead: above, home: parent } = next
    for (const entry of view.entries(group)) {
      if (entry.kind === 'leaf') {
        if (entry.copyOf === undefined) moveLeafOut(planning, entry, above, parent)
        continue
      }
      for (const member of entry.members) {
        if (!isIn(member.node, above)) continue
        const to = { parent, name: entry.name }
        if (isAlive(member)) moveNode(member.node, to)
        else rescues.push({ group: entry, dead: member.node, home: homes.remake(entry, to) })
      }
    }
  }
}

/** Takes a leaf out of a dead directory, with the equal ones it stands for and its other versions. */
function moveLeafOut(planning: Planning, entry: ShownLeaf, dead: NodeState, parent: NodeId): void {
  const { plan, view } = planning
  const copies = view.copiesOf(entry)
  const own = [entry, ...copies].flatMap(({ same }) => same)
  const leaves = [
    { node: entry.node, shown: own },
    ...entry.duplicates.map(({ node, versions }) => ({ node, shown: versions.flatMap(({ same }) => same) })),
  ]
  for (const { node, shown } of leaves) {
    if (!isIn(node, dead)) continue
    if (hasDeletedVersions(node, shown)) {
      for (const copy of node === entry.node ? copies : []) {
        plan.create(copy.node.kind, { parent, name: copy.name }, copy.version)
      }
      plan.write(node.id, shown[0] as Version, allVersions(node))
    }
    plan.place(node.id, { parent, name: (node.placement as Placement).name })
  }
}
