import {
  type AbortOptions,
  type ChunkId,
  type ChunkRef,
  type ChunkStore,
  type ContentRef,
  isDittoError,
  type ReadManifest,
  type SpaceId,
} from '@dittofs/interface'
import type { ManifestContent, ManifestPlaces } from './fetch-queue.ts'

/** Manifests read at once, so that one whose nodes have to come first does not hold up the others. */
const MAX_MANIFESTS = 4

/** A chunk that is wanted; its length is not known of manifest nodes. */
export interface WantedRef {
  readonly id: ChunkId
  readonly length: number | undefined
}

/** A file's content, by which its bytes are wanted. */
export interface WantedContent {
  readonly content: ContentRef
  /** Bytes. */
  readonly size: number
}

export interface ContentScanInit {
  store: ChunkStore
  readManifest: ReadManifest
  space: SpaceId
  /** Resolves when more chunks may be added. */
  room: (options: AbortOptions) => Promise<void>
  /** Chunks that are not here. */
  want: (refs: readonly WantedRef[], places?: ManifestPlaces) => void
  /** Asks for manifest nodes. @returns whether all of them are here now */
  wantNodes: (ids: readonly ChunkId[], options: AbortOptions) => Promise<boolean>
  /** A manifest cannot be read: nodes that nobody has, or (with an error) nodes that contradict each other. */
  unreadable: (content: WantedContent, error?: unknown) => void
}

/**
 * Finds the chunks of contents that are not available in the space: the manifests first, where they are missing,
 * then what they name. Holds one batch of contents and MAX_MANIFESTS manifest runs, however large the tree.
 */
export async function scanContents(
  init: ContentScanInit,
  contents: AsyncIterable<readonly WantedContent[]> | Iterable<readonly WantedContent[]>,
  options: AbortOptions = {},
): Promise<void> {
  const running = new Set<Promise<void>>()
  let failure: { error: unknown } | undefined
  try {
    for await (const batch of contents) {
      options.signal?.throwIfAborted()
      const inline: ChunkRef[] = []
      for (const wanted of batch) {
        if (wanted.content.kind === 'inline') inline.push(...wanted.content.chunks)
      }
      await wantMissing(init, inline, undefined, options)
      for (const { content, size } of batch) {
        if (content.kind === 'inline') continue
        if (running.size >= MAX_MANIFESTS) await Promise.race(running)
        const scan = scanManifest(init, content, size, options).catch((error: unknown) => {
          failure ??= { error }
        })
        running.add(scan)
        void scan.then(() => running.delete(scan))
      }
    }
  } finally {
    await Promise.all(running)
  }
  if (failure !== undefined) throw failure.error
}

async function scanManifest(
  init: ContentScanInit,
  content: ManifestContent,
  size: number,
  options: AbortOptions,
): Promise<void> {
  // Each round brings the nodes of at least one more level.
  for (let round = 0; round <= content.depth; round++) {
    const nodes: ChunkId[] = []
    try {
      for await (const step of init.readManifest(init.store, init.space, content, size, options)) {
        if (step.kind === 'missing') {
          nodes.push(...step.nodes)
          continue
        }
        const indexes = step.run.chunks.map((_, i) => step.run.first + i)
        await wantMissing(init, step.run.chunks, { content, size, indexes }, options)
      }
    } catch (error) {
      if (!isDittoError(error, 'DITTO_MANIFEST_INVALID')) throw error
      init.unreadable({ content, size }, error)
      return
    }
    if (nodes.length === 0) return
    if (!(await init.wantNodes(nodes, options))) break
  }
  init.unreadable({ content, size })
}

async function wantMissing(
  init: ContentScanInit,
  refs: readonly ChunkRef[],
  places: ManifestPlaces | undefined,
  options: AbortOptions,
): Promise<void> {
  if (refs.length === 0) return
  const held = await init.store.has(
    init.space,
    refs.map(({ id }) => id),
  )
  if (held.every((isHeld) => isHeld)) return
  await init.room(options)
  init.want(
    refs.filter((_, i) => held[i] !== true),
    places && { ...places, indexes: places.indexes.filter((_, i) => held[i] !== true) },
  )
}
