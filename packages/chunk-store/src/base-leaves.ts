import {
  type ChunkId,
  type ChunkRef,
  type ChunkStore,
  type ContentRef,
  DittoError,
  type SpaceId,
  type SpliceOptions,
} from '@dittofs/interface'
import type { NodeRef } from './manifest-node.ts'
import { checkContent, chunksIn, type Part, partsIn, rootPart } from './read-manifest.ts'

/** Some of a content's chunks in a row, read when they are asked for. */
export interface BaseLeaf {
  readonly offset: number
  readonly bytes: number
  readonly chunkCount: number
  /** The node that names them; absent where the metadata does. */
  readonly node?: NodeRef
  chunks(): Promise<readonly ChunkRef[]>
}

interface Reading {
  readonly store: ChunkStore
  readonly space: SpaceId
  readonly options: SpliceOptions
}

/**
 * A content's chunks leaf by leaf, of which only the nodes above are read.
 *
 * @throws DittoError DITTO_CHUNK_MISSING, DITTO_MANIFEST_INVALID
 */
export async function* baseLeaves(
  reading: Reading,
  { content, size }: { readonly content: ContentRef; readonly size: number },
): AsyncGenerator<BaseLeaf> {
  checkContent(content, size)
  if (content.kind === 'manifest') {
    yield* leavesBelow(reading, rootPart(content, size))
  } else if (content.chunks.length > 0) {
    const { chunks } = content
    yield { offset: 0, bytes: size, chunkCount: chunks.length, chunks: async () => chunks }
  }
}

async function* leavesBelow(reading: Reading, part: Part): AsyncGenerator<BaseLeaf> {
  if (part.level === 1) {
    const { node: id, offset, bytes, chunkCount } = part
    const chunks = async () => chunksIn(await readNode(reading, id), part)
    yield { offset, bytes, chunkCount, node: { id, bytes }, chunks }
    return
  }
  for (const below of partsIn(await readNode(reading, part.node), part)) yield* leavesBelow(reading, below)
}

async function readNode({ store, space, options }: Reading, id: ChunkId): Promise<Uint8Array> {
  const signal = options.signal === undefined ? {} : { signal: options.signal }
  const held = await store.get(space, id, signal)
  if (held !== undefined) return held
  await options.fetchNodes?.([id], signal)
  const fetched = await store.get(space, id, signal)
  if (fetched !== undefined) return fetched
  throw new DittoError(
    'DITTO_CHUNK_MISSING',
    'The list of a file’s chunks is not on this device; connect to a device that has it, and try again.',
  )
}
