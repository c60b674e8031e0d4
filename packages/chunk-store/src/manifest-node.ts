import {
  type ChunkId,
  type ChunkRef,
  chunkId,
  DittoError,
  MAX_CHUNK_BYTES,
  MAX_FILE_BYTES,
  MAX_MANIFEST_DEPTH,
  MAX_MANIFEST_NODE_ENTRIES,
} from '@dittofs/interface'

/** "DFM" and the format version. */
const MAGIC = [0x44, 0x46, 0x4d, 0x01] as const
const HEADER_BYTES = 8
const LEAF_ENTRY_BYTES = 36
const BRANCH_ENTRY_BYTES = 40

/** A node below a branch, and how many bytes of the file it covers. */
export interface NodeRef {
  readonly id: ChunkId
  readonly bytes: number
}

/**
 * Encodes a level 1 node: at most MAX_MANIFEST_NODE_ENTRIES chunks of a file, in order.
 *
 * @see docs/storage-format.md#manifests
 */
export function encodeLeaf(chunks: readonly ChunkRef[]): Uint8Array {
  const { node, view } = allocate(1, chunks.length, LEAF_ENTRY_BYTES)
  let at = HEADER_BYTES
  for (const chunk of chunks) {
    node.set(chunkId.toBytes(chunk.id), at)
    view.setUint32(at + 32, chunk.length)
    at += LEAF_ENTRY_BYTES
  }
  return node
}

/** Encodes a node of level 2 or 3. */
export function encodeBranch(level: number, children: readonly NodeRef[]): Uint8Array {
  const { node, view } = allocate(level, children.length, BRANCH_ENTRY_BYTES)
  let at = HEADER_BYTES
  for (const child of children) {
    node.set(chunkId.toBytes(child.id), at)
    view.setBigUint64(at + 32, BigInt(child.bytes))
    at += BRANCH_ENTRY_BYTES
  }
  return node
}

/**
 * @param entries - how many chunks the node must name; its place in the manifest decides that
 * @throws DittoError DITTO_MANIFEST_INVALID
 */
export function decodeLeaf(node: Uint8Array, entries: number): ChunkRef[] {
  const view = check(node, 1, entries, LEAF_ENTRY_BYTES)
  const chunks: ChunkRef[] = []
  for (let at = HEADER_BYTES; at < node.length; at += LEAF_ENTRY_BYTES) {
    const length = view.getUint32(at + 32)
    if (length < 1 || length > MAX_CHUNK_BYTES) {
      throw invalidManifest(`a chunk of ${length} bytes, where 1 to ${MAX_CHUNK_BYTES} are allowed`)
    }
    chunks.push({ id: chunkId.fromBytes(node.subarray(at, at + 32)), length })
  }
  return chunks
}

/** @throws DittoError DITTO_MANIFEST_INVALID */
export function decodeBranch(node: Uint8Array, level: number, entries: number): NodeRef[] {
  const view = check(node, level, entries, BRANCH_ENTRY_BYTES)
  const children: NodeRef[] = []
  for (let at = HEADER_BYTES; at < node.length; at += BRANCH_ENTRY_BYTES) {
    const bytes = view.getBigUint64(at + 32)
    if (bytes < 1n || bytes > BigInt(MAX_FILE_BYTES)) {
      throw invalidManifest(`a part of ${bytes} bytes, where 1 to ${MAX_FILE_BYTES} are allowed`)
    }
    children.push({ id: chunkId.fromBytes(node.subarray(at, at + 32)), bytes: Number(bytes) })
  }
  return children
}

/** Chunks that a full node of this level covers; 1 for level 0, the chunk itself. */
export function chunksPerNode(level: number): number {
  return MAX_MANIFEST_NODE_ENTRIES ** level
}

/**
 * Levels of nodes that a file of so many chunks has: as few as hold it.
 *
 * @throws DittoError DITTO_MANIFEST_INVALID past MAX_MANIFEST_DEPTH
 */
export function manifestDepth(chunkCount: number): number {
  for (let depth = 1; depth <= MAX_MANIFEST_DEPTH; depth++) if (chunkCount <= chunksPerNode(depth)) return depth
  throw invalidManifest(`${chunkCount} chunks, more than a manifest can name`)
}

export function invalidManifest(fault: string): DittoError {
  return new DittoError(
    'DITTO_MANIFEST_INVALID',
    `The manifest of a file is invalid: ${fault}. Add the file again on the device that has it.`,
  )
}

function allocate(level: number, entries: number, entryBytes: number): { node: Uint8Array; view: DataView } {
  if (entries < 1 || entries > MAX_MANIFEST_NODE_ENTRIES) {
    throw new RangeError(`a manifest node has 1 to ${MAX_MANIFEST_NODE_ENTRIES} entries, not ${entries}`)
  }
  const node = new Uint8Array(HEADER_BYTES + entries * entryBytes)
  const view = new DataView(node.buffer)
  node.set(MAGIC)
  view.setUint16(4, level)
  view.setUint16(6, entries)
  return { node, view }
}

function check(node: Uint8Array, level: number, entries: number, entryBytes: number): DataView {
  const view = new DataView(node.buffer, node.byteOffset, node.byteLength)
  if (node.length < HEADER_BYTES || MAGIC.some((byte, index) => node[index] !== byte)) {
    throw invalidManifest('a node that is none')
  }
  if (view.getUint16(4) !== level)
    throw invalidManifest(`a node of level ${view.getUint16(4)} in the place of ${level}`)
  if (view.getUint16(6) !== entries || node.length !== HEADER_BYTES + entries * entryBytes) {
    throw invalidManifest(`a node of ${view.getUint16(6)} entries in the place of ${entries}`)
  }
  return view
}
