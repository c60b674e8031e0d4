import type { NodeAction, NodeContent, NodeId, TreeEntry, VersionId } from '@dittofs/interface'
import type { ObservedState } from './observed-state.ts'

interface SeenNode {
  readonly node: NodeId
  readonly version: VersionId | undefined
  readonly kind: TreeEntry['kind']
}

export interface NodeActionChoice {
  readonly below: (limit: number) => number
  readonly names: readonly string[]
  readonly newContent: (kind: TreeEntry['kind']) => NodeContent
}

/** Entries that a device remembers. */
const MAX_SEEN = 40

const OPERATIONS = [
  ...['edit', 'edit', 'edit', 'edit', 'delete', 'deleteKeep', 'deleteKeep'],
  ...['undelete', 'undelete', 'create', 'create', 'place', 'place', 'place'],
] as const

/** What a device saw of nodes and their versions, now or long ago: what a directory on disk knows of the document. */
export class NodeMemory {
  readonly #seen: SeenNode[] = []

  remember({ entries }: ObservedState, below: (limit: number) => number): void {
    for (const { node, nodes = [node], version, kind } of entries.values()) {
      if (below(3) > 0) continue
      const seen = { node: nodes[below(nodes.length)] ?? node, version, kind }
      if (this.#seen.length < MAX_SEEN) this.#seen.push(seen)
      else this.#seen[below(MAX_SEEN)] = seen
    }
  }

  /** Something to do, based on what was seen at any time. */
  choose(state: ObservedState, { below, names, newContent }: NodeActionChoice): NodeAction | undefined {
    const pick = <T>(values: readonly T[]) => values[below(values.length)]
    const known = this.#seen.filter(({ node }) => state.view.index.nodes.has(node))
    const leaf = pick(known.filter(({ kind }) => kind !== 'directory'))
    const directories = known.filter(({ kind }) => kind === 'directory')
    const parent = pick([state.view.index.root.id, ...directories.map(({ node }) => node)]) as NodeId
    const name = pick(names) as string
    const any = pick(known)
    const type = pick(OPERATIONS)
    if (type === 'create') {
      return {
        type,
        parent,
        name,
        content: newContent(pick(['file', 'file', 'symlink', 'directory'] as const) ?? 'file'),
      }
    }
    if (any === undefined) return undefined
    if (type === 'place') {
      const version = any.kind !== 'directory' && below(2) === 0 ? { version: any.version as VersionId } : {}
      return { type, node: any.node, ...version, parent, name }
    }
    if (type === 'undelete') {
      return { type, node: any.node, ...(below(3) === 0 ? { to: { parent, name } } : {}) }
    }
    if (type === 'deleteKeep') {
      const directory = pick(directories)
      const keep = known.filter(() => below(4) === 0).map(({ node }) => node)
      return directory === undefined ? undefined : { type: 'delete', node: directory.node, keep }
    }
    if (type === 'edit' && any.kind === 'directory' && any.version !== undefined) {
      return { type, node: any.node, base: any.version, content: newContent('directory') }
    }
    if (leaf?.version === undefined) return undefined
    if (type === 'edit') return { type, node: leaf.node, base: leaf.version, content: newContent(leaf.kind) }
    return { type: 'delete', node: leaf.node, ...(below(5) === 0 ? {} : { base: leaf.version }) }
  }
}
