import { isAlive, type Member, type ShownDirectory } from './shown-tree.ts'
import { compareText, type TreeView } from './tree-view.ts'

const NAMES_PER_STEP = 1000

/**
 * Every directory whose totals a view keeps, in an order that depends on the entries alone: what is shown, and before it
 * each dead directory that has to be looked at to know whether it is. Leaves that have not been read stay so.
 *
 * @param visit - called before anything is asked that depends on the directory's totals
 */
export function* evaluatedDirectories(
  view: TreeView,
  visit: (directory: ShownDirectory) => void,
): Generator<void, void> {
  const entered = new Set<string>()
  const pending: ShownDirectory[] = []
  const enter = (directory: ShownDirectory) => {
    const key = directory.members.map(({ node }) => node.id).join()
    if (entered.has(key)) return
    entered.add(key)
    visit(directory)
    pending.push(directory)
  }
  let count = 0
  const isStepOver = () => {
    count += 1
    return count % NAMES_PER_STEP === 0
  }
  enter(view.root)
  for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
    const names = new Set<string>()
    for (const { node } of directory.members) {
      for (const [name, child] of node.children?.read ?? []) {
        const isDirectory = Array.isArray(child)
          ? child.some(({ kind }) => kind === 'directory')
          : child.kind === 'directory'
        if (isDirectory) names.add(name)
        if (isStepOver()) yield
      }
    }
    for (const name of [...names].sort()) {
      const placed = view.placedMembers(directory, name).sort((a, b) => compareText(a.node.id, b.node.id))
      for (const member of placed) if (!isAlive(member)) enter(alone(member))
      const members = view.members(directory, name)
      if (members.length > 0) enter({ kind: 'directory', name, parent: directory, members })
      if (isStepOver()) yield
    }
  }
}

function alone(member: Member): ShownDirectory {
  return { kind: 'directory', name: '', parent: undefined, members: [member] }
}
