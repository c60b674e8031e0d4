import type { NodeId } from '@dittofs/interface'
import type { ActionPlan } from './action-plan.ts'
import { packContent } from './content-codec.ts'
import { directoryContent, latestVersion } from './directory-content.ts'
import type { NodeState, Placement } from './node-state.ts'
import type { Place } from './record.ts'
import { isAlive, type ShownDirectory } from './shown-tree.ts'

/** Mode of directories that are made because something is put below them. */
const DEFAULT_DIRECTORY_MODE = 0o755

/**
 * The directory nodes that new children go to. A dead directory, shown because something in it lives, receives
 * nothing: a new one of its name is made beside it, once in a plan, and both show as one.
 */
export class PlanHomes {
  readonly #plan: ActionPlan
  readonly #nowNs: bigint
  readonly #made = new Map<NodeId, NodeId>()

  constructor(plan: ActionPlan, nowNs: bigint) {
    this.#plan = plan
    this.#nowNs = nowNs
  }

  of(directory: ShownDirectory): NodeId {
    const living = directory.members.find(isAlive)
    if (living !== undefined) return living.node.id
    const dead = (directory.members[0] as ShownDirectory['members'][number]).node.id
    const known = this.#made.get(dead)
    if (known !== undefined) return known
    // The root is always alive, so a dead directory has a parent.
    const parent = this.of(directory.parent as ShownDirectory)
    const made = this.remake(directory, { parent, name: directory.name })
    this.#made.set(dead, made)
    return made
  }

  /** What goes to a dead directory from now on goes to `home`. */
  adopt(directory: ShownDirectory, home: NodeId): void {
    if (directory.members.some(isAlive)) return
    this.#made.set((directory.members[0] as ShownDirectory['members'][number]).node.id, home)
  }

  /** Makes a directory with the mode and time of another one. */
  remake(directory: ShownDirectory, { parent, name }: Place): NodeId {
    return this.#create(parent, name, directoryContent(directory)?.content)
  }

  /** Makes a directory with the mode and time that a directory had which is shown no longer. */
  revive(node: NodeState, parent: NodeId): NodeId {
    const { name } = node.placement as Placement
    return this.#create(parent, name, latestVersion([node])?.content)
  }

  /** Makes a directory below `parent` for each name. @returns the last one */
  make(parent: NodeId, names: readonly string[]): NodeId {
    return names.reduce<NodeId>((above, name) => this.#create(above, name), parent)
  }

  #create(parent: NodeId, name: string, content?: string): NodeId {
    const directory = { mode: DEFAULT_DIRECTORY_MODE, mtimeNs: this.#nowNs }
    const packed = content ?? packContent({ kind: 'directory', directory })
    return this.#plan.create('directory', { parent, name }, { content: packed, size: 0 })
  }
}
