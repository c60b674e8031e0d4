import type { NodeId } from '@dittofs/interface'
import type { NodeState } from './node-state.ts'

/** A power of two; with a million nodes each part holds 16,000. */
const PARTS = 64

/** What is read of a {@link NodeTable}. */
export interface ReadonlyNodeTable {
  get(id: NodeId): NodeState | undefined
  has(id: NodeId): boolean
}

/**
 * Nodes by their IDs. In parts, because a map that grows is copied whole in one turn: 100 ms for one of a million.
 */
export class NodeTable implements ReadonlyNodeTable {
  readonly #parts = Array.from({ length: PARTS }, () => new Map<NodeId, NodeState>())
  readonly #readNode: (id: NodeId) => void

  /** @param readNode - adds a node that was not read yet, where there is one of this ID */
  constructor(readNode: (id: NodeId) => void = () => undefined) {
    this.#readNode = readNode
  }

  get(id: NodeId): NodeState | undefined {
    const part = this.#partOf(id)
    const known = part.get(id)
    if (known !== undefined) return known
    this.#readNode(id)
    return part.get(id)
  }

  has(id: NodeId): boolean {
    return this.get(id) !== undefined
  }

  add(node: NodeState): void {
    this.#partOf(node.id).set(node.id, node)
  }

  /** Those that have been read, in no order. */
  *read(): Generator<NodeState> {
    for (const part of this.#parts) yield* part.values()
  }

  /** By two of the random characters; the root's ID has none and stands in the first part. */
  #partOf(id: NodeId): Map<NodeId, NodeState> {
    const part = (id.charCodeAt(1) + id.charCodeAt(2) * 5) & (PARTS - 1)
    return this.#parts[part] as Map<NodeId, NodeState>
  }
}
