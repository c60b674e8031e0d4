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
  /** Whether a file of so many bytes is small. */
  isSmall: (size: number) => boolean
  /** Chunks that are not here, of a file of `size` bytes, or of several as small or as large. */
  want: (refs: readonly WantedRef[], places: ManifestPlaces | undefined, size: number) => void
  /** Asks for manifest nodes of a file of `size` bytes. @returns whether all of them are here now */
  wantNodes: (ids: readonly ChunkId[], size: number, options: AbortOptions) => Promise<boolean>
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
      for (const isSmall of [true, false]) {
        const inline: ChunkRef[] = []
        let largest = 0
        for (const { content, size } of batch) {
          if (content.kind !== 'inline' || init.isSmall(size) !== isSmall) continue
          inline.push(...content.chunks)
          largest = Math.max(largest, size)
        }
        await wantMissing(init, inline, undefined, largest, options)
      }
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
        await wantMissing(init, step.run.chunks, { content, size, indexes }, size, options)
      }
    } catch (error) {
      if (!isDittoError(error, 'DITTO_MANIFEST_INVALID')) throw error
      init.unreadable({ content, size }, error)
      return
    }
    if (nodes.length === 0) return
    if (!(await init.wantNodes(nodes, size, options))) break
  }
  init.unreadable({ content, size })
}

async function wantMissing(
  init: ContentScanInit,
  refs: readonly ChunkRef[],
  places: ManifestPlaces | undefined,
  size: number,
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
    size,
  )
}
