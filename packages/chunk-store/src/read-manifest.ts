import {
  type ChunkRef,
  type ChunkStore,
  type ContentRef,
  MAX_CHUNK_BYTES,
  MAX_FILE_BYTES,
  MAX_INLINE_CHUNKS,
  type ManifestPlace,
  type ManifestStep,
  type ReadManifest,
  type ReadManifestOptions,
  type SpaceId,
} from '@dittofs/interface'
import {
  chunksPerNode,
  decodeBranch,
  decodeLeaf,
  invalidManifest,
  manifestDepth,
  type NodeRef,
} from './manifest-node.ts'

/** Nodes read at once: they are read in the store's best order, and a full one is 164 KB. */
const NODES_PER_READ = 8

/** One node to visit and the part of the file that is below it. */
export interface Part extends ManifestPlace {
  readonly offset: number
  readonly bytes: number
}

interface Reading {
  readonly store: ChunkStore
  readonly space: SpaceId
  readonly options: ReadManifestOptions
}

/** See {@link ReadManifest}. All nodes that are missing below one node are named in one step, before its chunks. */
export const readManifest: ReadManifest = async function* (store, space, content, size, options = {}) {
  options.signal?.throwIfAborted()
  checkContent(content, size)
  if (content.kind === 'inline') {
    if (content.chunks.length > 0) yield { kind: 'chunks', run: { first: 0, offset: 0, chunks: content.chunks } }
    return
  }
  yield* readParts({ store, space, options }, [rootPart(content, size)])
}

/** The part that is a whole file. */
export function rootPart(content: Extract<ContentRef, { kind: 'manifest' }>, size: number): Part {
  const { root: node, depth: level, chunkCount } = content
  return { node, level, first: 0, offset: 0, chunkCount, bytes: size }
}

/** @throws DittoError DITTO_MANIFEST_INVALID where what the metadata says of a content cannot be */
export function checkContent(content: ContentRef, size: number): void {
  if (!Number.isSafeInteger(size) || size < 0 || size > MAX_FILE_BYTES) {
    throw invalidManifest(`a file of ${size} bytes, where 0 to ${MAX_FILE_BYTES} are allowed`)
  }
  if (content.kind === 'inline') {
    if (content.chunks.length > MAX_INLINE_CHUNKS) throw invalidManifest(`${content.chunks.length} inline chunks`)
    checkRun(content.chunks, size)
    return
  }
  const { chunkCount, depth } = content
  if (!Number.isSafeInteger(chunkCount) || chunkCount <= MAX_INLINE_CHUNKS || chunkCount > size) {
    throw invalidManifest(`${chunkCount} chunks for ${size} bytes`)
  }
  if (size > chunkCount * MAX_CHUNK_BYTES) throw invalidManifest(`only ${chunkCount} chunks for ${size} bytes`)
  if (depth !== manifestDepth(chunkCount)) throw invalidManifest(`${depth} levels for ${chunkCount} chunks`)
}

async function* readParts(reading: Reading, all: readonly Part[]): AsyncGenerator<ManifestStep> {
  const parts = all.filter((part) => isWanted(part, reading.options))
  if (parts.length === 0) return
  const held = await reading.store.has(
    reading.space,
    parts.map((part) => part.node),
  )
  const missing = parts.filter((_, index) => held[index] !== true)
  if (missing.length > 0) yield missingStep(missing)
  const present = parts.filter((_, index) => held[index] === true)
  for (let at = 0; at < present.length; at += NODES_PER_READ) {
    const window = present.slice(at, at + NODES_PER_READ)
    const nodes = await readNodes(reading, window)
    for (const [index, part] of window.entries()) {
      const node = nodes[index]
      if (node === undefined) yield missingStep([part])
      else if (part.level === 1) yield readLeaf(node, part)
      else yield* readParts(reading, partsIn(node, part))
    }
  }
}

function isWanted(part: Part, { range, within }: ReadManifestOptions): boolean {
  const isInRange =
    range === undefined || (part.first < range.first + range.count && range.first < part.first + part.chunkCount)
  return isInRange && (within === undefined || (part.offset < within.end && within.start < part.offset + part.bytes))
}

function missingStep(parts: readonly Part[]): ManifestStep {
  return {
    kind: 'missing',
    nodes: parts.map((part) => part.node),
    places: parts.map(({ node, level, first, chunkCount }) => ({ node, level, first, chunkCount })),
  }
}

async function readNodes(reading: Reading, parts: readonly Part[]): Promise<(Uint8Array | undefined)[]> {
  const nodes: (Uint8Array | undefined)[] = []
  const ids = parts.map((part) => part.node)
  for await (const batch of reading.store.getMany(reading.space, ids, reading.options)) {
    for (const { index, bytes } of batch) nodes[index] = bytes
  }
  return nodes
}

function readLeaf(node: Uint8Array, part: Part): ManifestStep {
  return { kind: 'chunks', run: { first: part.first, offset: part.offset, chunks: chunksIn(node, part) } }
}

/** The chunks that a node of level 1 names. @throws DittoError DITTO_MANIFEST_INVALID */
export function chunksIn(node: Uint8Array, part: Part): ChunkRef[] {
  const chunks = decodeLeaf(node, part.chunkCount)
  checkRun(chunks, part.bytes)
  return chunks
}

/** The parts that a node of level 2 or 3 names. @throws DittoError DITTO_MANIFEST_INVALID */
export function partsIn(node: Uint8Array, part: Part): Part[] {
  const perChild = chunksPerNode(part.level - 1)
  const children: readonly NodeRef[] = decodeBranch(node, part.level, Math.ceil(part.chunkCount / perChild))
  let { first, offset } = part
  const parts = children.map((child, index): Part => {
    const chunkCount = Math.min(perChild, part.chunkCount - index * perChild)
    const place = { node: child.id, level: part.level - 1, first, offset, chunkCount, bytes: child.bytes }
    if (child.bytes < chunkCount || child.bytes > chunkCount * MAX_CHUNK_BYTES) {
      throw invalidManifest(`a part of ${child.bytes} bytes in ${chunkCount} chunks`)
    }
    first += chunkCount
    offset += child.bytes
    return place
  })
  if (offset - part.offset !== part.bytes) {
    throw invalidManifest(`parts of ${offset - part.offset} bytes in all, where ${part.bytes} were promised`)
  }
  return parts
}

function checkRun(chunks: readonly ChunkRef[], bytes: number): void {
  let sum = 0
  for (const { length } of chunks) {
    if (!Number.isInteger(length) || length < 1 || length > MAX_CHUNK_BYTES) {
      throw invalidManifest(`a chunk of ${length} bytes, where 1 to ${MAX_CHUNK_BYTES} are allowed`)
    }
    sum += length
  }
  if (sum !== bytes) throw invalidManifest(`chunks of ${sum} bytes in all, where ${bytes} were promised`)
}
