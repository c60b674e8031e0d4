import { setImmediate } from 'node:timers/promises'
import {
  type AbortOptions,
  type ChunkRef,
  type ChunkStore,
  isDittoError,
  type ReadManifest,
  type SpaceId,
} from '@dittofs/interface'
import type { Reference, SizedManifest } from './reference-samples.ts'

export interface ManifestReading {
  readonly store: ChunkStore
  readonly readManifest: ReadManifest
  readonly space: SpaceId
}

/**
 * The chunks that references name, one range behind the other: positions in this list mean the same to both sides. What a
 * node does not name that is not available in the space, or that contradicts others, is `undefined`.
 */
export async function readReferences(
  reading: ManifestReading,
  references: readonly Reference[],
  options: AbortOptions = {},
): Promise<(ChunkRef | undefined)[]> {
  const list: (ChunkRef | undefined)[] = []
  for (const reference of references) {
    for (const range of reference.ranges) {
      for (const chunk of await readRange(reading, reference, range, options)) list.push(chunk)
    }
  }
  return list
}

/** The chunks of a manifest from `first`, `count` of them, `undefined` where they are not known. */
export async function readRange(
  { store, readManifest, space }: ManifestReading,
  { content, size }: SizedManifest,
  range: { readonly first: number; readonly count: number },
  options: AbortOptions = {},
): Promise<(ChunkRef | undefined)[]> {
  const chunks: (ChunkRef | undefined)[] = new Array<undefined>(range.count).fill(undefined)
  try {
    for await (const step of readManifest(store, space, content, size, { ...options, range })) {
      if (step.kind === 'missing') continue
      const from = Math.max(range.first, step.run.first)
      const to = Math.min(range.first + range.count, step.run.first + step.run.chunks.length)
      for (let index = from; index < to; index++) chunks[index - range.first] = step.run.chunks[index - step.run.first]
      // A run is up to 4,096 chunks, and many may come without a wait for the disk.
      await setImmediate()
    }
  } catch (error) {
    if (!isDittoError(error, 'DITTO_MANIFEST_INVALID')) throw error
  }
  return chunks
}
