import type { NodeId } from '@dittofs/interface'
import type { NodeState, Placement } from './node-state.ts'
import type { Planning } from './plan-action.ts'
import { isIn } from './plan-directory-removal.ts'
import type { Place } from './record.ts'
import { isAlive, type ShownDirectory } from './shown-tree.ts'

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
export function planDirectoryMove({ plan, view, homes }: Planning, directory: ShownDirectory, place: Place): void {
  const moveNode = (node: NodeState, to: Place) => {
    const { parent, name } = node.placement as Placement
    if (node.kind === 'directory') plan.place(node.id, to, { parent, name })
    else plan.place(node.id, to)
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
        if (entry.copyOf !== undefined) continue
        for (const { node } of [entry, ...entry.duplicates]) {
          if (isIn(node, above)) moveNode(node, { parent, name: (node.placement as Placement).name })
        }
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
