import {
  type AbortOptions,
  type ChunkId,
  type ChunkRun,
  type ChunkStore,
  type ContentRef,
  type DeviceKey,
  isDittoError,
  type ManifestPlace,
  type ReadManifest,
  type SpaceId,
} from '@dittofs/interface'
import type { ManifestContent, ManifestPlaces } from './fetch-queue.ts'
import type { SizedManifest } from './reference-samples.ts'

/** Manifests read at once, so that one whose nodes have to come first does not hold up the others. */
const MAX_MANIFESTS = 4

/** A chunk that is wanted; its length is not known of manifest nodes. */
export interface WantedRef {
  readonly id: ChunkId
  readonly length: number | undefined
  /** Whose change made the content that it belongs to; absent where a person asked for it. */
  readonly author?: DeviceKey
}

/** A file's content, by which its bytes are wanted. */
export interface WantedContent {
  readonly content: ContentRef
  /** Bytes. */
  readonly size: number
  /** Whose change made it; absent where a person asked for it. */
  readonly author?: DeviceKey
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
  /** Chunks of a manifest that is here. */
  named: (manifest: SizedManifest, run: ChunkRun) => void
  /** Makes manifest nodes of what is here, where a peer can tell how. @returns those that are here now */
  rebuildNodes: (
    manifest: SizedManifest,
    places: readonly ManifestPlace[],
    options: AbortOptions,
  ) => Promise<ReadonlySet<ChunkId>>
  /** Asks for manifest nodes of a file of `size` bytes. @returns whether all of them are here now */
  wantNodes: (nodes: readonly WantedRef[], size: number, options: AbortOptions) => Promise<boolean>
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
        const inline: WantedRef[] = []
        let largest = 0
        for (const { content, size, author } of batch) {
          if (content.kind !== 'inline' || init.isSmall(size) !== isSmall) continue
          inline.push(...withAuthor(content.chunks, author))
          largest = Math.max(largest, size)
        }
        await wantMissing(init, inline, undefined, largest, options)
      }
      for (const wanted of batch) {
        const { content } = wanted
        if (content.kind === 'inline') continue
        if (running.size >= MAX_MANIFESTS) await Promise.race(running)
        const scan = scanManifest(init, { ...wanted, content }, options).catch((error: unknown) => {
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
  wanted: WantedContent & { readonly content: ManifestContent },
  options: AbortOptions,
): Promise<void> {
  const { content, size, author } = wanted
  // Each round brings the nodes of at least one more level.
  for (let round = 0; round <= content.depth; round++) {
    const places: ManifestPlace[] = []
    try {
      for await (const step of init.readManifest(init.store, init.space, content, size, options)) {
        if (step.kind === 'missing') {
          places.push(...step.places)
          continue
        }
        init.named({ content, size }, step.run)
        const indexes = step.run.chunks.map((_, i) => step.run.first + i)
        await wantMissing(init, withAuthor(step.run.chunks, author), { content, size, indexes }, size, options)
      }
    } catch (error) {
      if (!isDittoError(error, 'DITTO_MANIFEST_INVALID')) throw error
      init.unreadable(wanted, error)
      return
    }
    if (places.length === 0) return
    const made = await init.rebuildNodes({ content, size }, places, options)
    const nodes = places.flatMap(({ node }) => (made.has(node) ? [] : [{ id: node, length: undefined }]))
    if (nodes.length > 0 && !(await init.wantNodes(withAuthor(nodes, author), size, options))) break
  }
  init.unreadable(wanted)
}

async function wantMissing(
  init: ContentScanInit,
  refs: readonly WantedRef[],
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

function withAuthor(refs: readonly WantedRef[], author: DeviceKey | undefined): readonly WantedRef[] {
  return author === undefined ? refs : refs.map(({ id, length }) => ({ id, length, author }))
}
