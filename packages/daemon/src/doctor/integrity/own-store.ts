import { createHash } from 'node:crypto'
import { readManifest } from '@dittofs/chunk-store'
import { CHUNKERS, type ChunkerKind, type ChunkStore, type ContentRef, type SpaceId } from '@dittofs/interface'

/** Makes a chunk store in a directory, as the device has it, and does not open it. */
export type CreateStore = (directory: string) => ChunkStore

/** A store of a check is the check's alone, so that its space may have any ID. */
export const CHECKED_SPACE = '00'.repeat(32) as SpaceId

export async function withStore<T>(
  directory: string,
  createStore: CreateStore,
  body: (store: ChunkStore) => Promise<T>,
): Promise<T> {
  const store = createStore(directory)
  await store.open()
  try {
    return await body(store)
  } finally {
    await store.close()
  }
}

/** One content, as one way of cutting names it. */
export interface CutContent {
  readonly chunker: ChunkerKind
  readonly content: ContentRef
}

/** Cuts, hashes and stores bytes in every way there is, in the order of CHUNKERS. */
export async function storeCut(store: ChunkStore, bytes: Uint8Array): Promise<CutContent[]> {
  const cut: CutContent[] = []
  for (const chunker of CHUNKERS) {
    const { content } = await store.importStream(CHECKED_SPACE, once(bytes), { chunker })
    cut.push({ chunker, content })
  }
  await store.flush()
  return cut
}

/**
 * Reads a content by its manifest; each chunk is checked by the store.
 *
 * @returns the bytes, or what is wrong
 */
export async function readBack(store: ChunkStore, content: ContentRef, size: number): Promise<Uint8Array | string> {
  const pieces: Uint8Array[] = []
  for await (const step of readManifest(store, CHECKED_SPACE, content, size)) {
    if (step.kind === 'missing') return 'a part of its manifest is not there'
    for (const { id } of step.run.chunks) {
      const bytes = await store.get(CHECKED_SPACE, id).catch((error: unknown) => String(error))
      if (typeof bytes === 'string') return `the chunk ${id} was not given: ${bytes.replace(/\.$/, '')}`
      if (bytes === undefined) return `the chunk ${id} is not there`
      pieces.push(bytes)
    }
  }
  return Buffer.concat(pieces)
}

/** Stands for all chunks of a content and for its manifest: the same on every machine that cuts and hashes alike. */
export function contentDigest(content: ContentRef): Uint8Array {
  const text =
    content.kind === 'manifest'
      ? `manifest ${content.root} ${content.depth} ${content.chunkCount}`
      : `chunks ${content.chunks.map(({ id, length }) => `${id} ${length}`).join(' ')}`
  return createHash('sha256').update(text).digest()
}

export async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}
