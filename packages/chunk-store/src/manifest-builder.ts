import {
  type Chunk,
  type ChunkId,
  type ChunkRef,
  type ContentRef,
  MAX_INLINE_CHUNKS,
  MAX_MANIFEST_NODE_ENTRIES,
} from '@dittofs/interface'
import { encodeBranch, encodeLeaf, type NodeRef } from './manifest-node.ts'

/** How many bytes of a file a run of its chunks covers. */
function totalBytes(parts: readonly { readonly length: number }[]): number {
  return parts.reduce((sum, part) => sum + part.length, 0)
}

/**
 * Makes a file's manifest while its chunks become known, in memory for one node a level. Equal chunk lists give equal
 * manifests: every node but the last of its level is full.
 */
export class ManifestBuilder {
  readonly #idOf: (bytes: Uint8Array) => ChunkId
  #leaf: ChunkRef[] = []
  /** `#branches[0]` collects nodes of level 1. */
  readonly #branches: NodeRef[][] = []
  #nodes: Chunk[] = []
  #chunkCount = 0
  #size = 0

  /** @param idOf - BLAKE3-256 of a node's bytes */
  constructor(idOf: (bytes: Uint8Array) => ChunkId) {
    this.#idOf = idOf
  }

  /** Bytes of all chunks so far. */
  get size(): number {
    return this.#size
  }

  add(chunk: ChunkRef): void {
    if (this.#leaf.length === MAX_MANIFEST_NODE_ENTRIES) this.#closeLeaf()
    this.#leaf.push(chunk)
    this.#chunkCount++
    this.#size += chunk.length
  }

  /** Whether a full node of level 1 could be next. */
  get isAtNode(): boolean {
    return this.#leaf.length % MAX_MANIFEST_NODE_ENTRIES === 0
  }

  /**
   * Takes the next chunks by a node of level 1 that names them and is stored already.
   *
   * @param node - given only while `isAtNode`
   * @param chunkCount - MAX_MANIFEST_NODE_ENTRIES, or fewer where nothing is added after it
   */
  addNode(node: NodeRef, chunkCount: number): void {
    if (!this.isAtNode) throw new RangeError('a manifest node cannot follow half of one')
    if (this.#leaf.length > 0) this.#closeLeaf()
    this.#pushRef(1, node)
    this.#chunkCount += chunkCount
    this.#size += node.bytes
  }

  /** The nodes completed since the last call, children before parents, to be stored as chunks. */
  takeNodes(): Chunk[] {
    const nodes = this.#nodes
    this.#nodes = []
    return nodes
  }

  /** Completes the manifest. Its last nodes are there to take. */
  finish(): ContentRef {
    if (this.#chunkCount <= MAX_INLINE_CHUNKS) return { kind: 'inline', chunks: this.#leaf }
    if (this.#leaf.length > 0) this.#closeLeaf()
    let level = 1
    for (;;) {
      const children = this.#branches[level - 1] as NodeRef[]
      const isTop = this.#branches.length === level
      if (isTop && children.length === 1) {
        return { kind: 'manifest', root: (children[0] as NodeRef).id, depth: level, chunkCount: this.#chunkCount }
      }
      this.#closeBranch(level)
      level++
    }
  }

  #closeLeaf(): void {
    const bytes = totalBytes(this.#leaf)
    this.#push(1, encodeLeaf(this.#leaf), bytes)
    this.#leaf = []
  }

  #closeBranch(level: number): void {
    const children = this.#branches[level - 1] as NodeRef[]
    const bytes = children.reduce((sum, child) => sum + child.bytes, 0)
    this.#branches[level - 1] = []
    this.#push(level + 1, encodeBranch(level + 1, children), bytes)
  }

  #push(level: number, node: Uint8Array, bytes: number): void {
    const id = this.#idOf(node)
    this.#nodes.push({ id, bytes: node })
    this.#pushRef(level, { id, bytes })
  }

  #pushRef(level: number, node: NodeRef): void {
    const siblings = this.#branches[level - 1] ?? []
    this.#branches[level - 1] = siblings
    if (siblings.length === MAX_MANIFEST_NODE_ENTRIES) this.#closeBranch(level)
    ;(this.#branches[level - 1] as NodeRef[]).push(node)
  }
}
