import type { NodeId, NodeKind, RandomBytes } from '@dittofs/interface'

/** Random bytes of a node ID. Two devices never agree on them, so they need not ask each other. */
export const NODE_ID_BYTES = 12

/** The root of every space. It is no node of its own: it is never placed, moved or deleted. */
export const ROOT_ID = 'd' as NodeId

const KIND_LETTERS = { directory: 'd', file: 'f', symlink: 's' } as const satisfies Record<NodeKind, string>

/** A node's ID in memory: the letter of its kind and base64url of its random bytes. */
export function nodeIdFromBytes(kind: NodeKind, bytes: Uint8Array): NodeId {
  const random = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return (KIND_LETTERS[kind] + random.toString('base64url')) as NodeId
}

/** The 12 random bytes; none for the root. */
export function nodeIdBytes(id: NodeId): Uint8Array {
  return Buffer.from(id.slice(1), 'base64url')
}

/** The kind never changes: it is part of the ID. */
export function kindOfNode(id: NodeId): NodeKind {
  if (id.startsWith('d')) return 'directory'
  return id.startsWith('f') ? 'file' : 'symlink'
}

export function newNodeId(kind: NodeKind, randomBytes: RandomBytes): NodeId {
  return nodeIdFromBytes(kind, randomBytes(NODE_ID_BYTES))
}
