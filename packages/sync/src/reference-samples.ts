import type { ChunkId, ChunkRun } from '@dittofs/interface'
import { HOOK_BYTES, MAX_HOOKS, MAX_RANGES_PER_REFERENCE, MAX_REFERENCE_CHUNKS, MAX_REFERENCES } from '@dittofs/wire'
import type { ManifestContent } from './fetch-queue.ts'

/**
 * Chunks remembered of a space: one in sixteen, so 128 GiB of different content. What runs out is memory, about 100 bytes
 * each; past it the oldest are forgotten.
 */
const MAX_SAMPLES = 131_072
/** A place that was found stands for the chunks around it, in steps of so many. */
const BLOCK_CHUNKS = 512
const MARGIN_CHUNKS = 128

/** A manifest and the bytes of its file. */
export interface SizedManifest {
  readonly content: ManifestContent
  readonly size: number
}

/** Runs of chunks of one manifest. */
export interface Reference extends SizedManifest {
  readonly ranges: readonly { readonly first: number; readonly count: number }[]
}

interface Sample {
  readonly manifest: SizedManifest
  readonly index: number
}

/**
 * Remembers in which manifest of a space a chunk was seen last, for one chunk in sixteen: those whose ID begins with four
 * zero bits. Both sides choose them alike without a word, and neighbours of a chunk are mostly neighbours again (Lillibridge
 * et al., Sparse Indexing, 2009).
 */
export class ReferenceSamples {
  readonly #samples = new Map<number, Sample>()

  get isEmpty(): boolean {
    return this.#samples.size === 0
  }

  /** Chunks of a manifest that is here. */
  add(manifest: SizedManifest, run: ChunkRun): void {
    for (const [at, { id }] of run.chunks.entries()) {
      if (!isHook(id)) continue
      const index = run.first + at
      const known = this.#samples.get(keyOf(id))
      if (known?.manifest.content.root === manifest.content.root && known.index === index) continue
      if (known === undefined && this.#samples.size >= MAX_SAMPLES) {
        const [oldest] = this.#samples.keys()
        this.#samples.delete(oldest as number)
      }
      this.#samples.set(keyOf(id), { manifest, index })
    }
  }

  /** Where chunks may be that an outline tells of, the manifest with the most of them first, within the protocol's limits. */
  find(hooks: Uint8Array): Reference[] {
    const view = Buffer.from(hooks.buffer, hooks.byteOffset, hooks.byteLength)
    const found = new Map<string, { manifest: SizedManifest; blocks: Set<number>; hits: number }>()
    for (let at = 0; at + HOOK_BYTES <= view.length; at += HOOK_BYTES) {
      const sample = this.#samples.get(view.readUIntBE(at, HOOK_BYTES))
      if (sample === undefined) continue
      const { content, size } = sample.manifest
      const name = `${content.root} ${content.chunkCount} ${size}`
      const one = found.get(name) ?? { manifest: sample.manifest, blocks: new Set(), hits: 0 }
      found.set(name, one)
      one.hits++
      for (const edge of [sample.index - MARGIN_CHUNKS, sample.index + MARGIN_CHUNKS]) {
        const block = Math.floor(edge / BLOCK_CHUNKS)
        if (block >= 0 && block * BLOCK_CHUNKS < content.chunkCount) one.blocks.add(block)
      }
    }
    const references: Reference[] = []
    let left = MAX_REFERENCE_CHUNKS
    for (const { manifest, blocks } of [...found.values()].toSorted((a, b) => b.hits - a.hits)) {
      const ranges = rangesOf(blocks, manifest.content.chunkCount)
      const count = ranges.reduce((sum, range) => sum + range.count, 0)
      if (references.length === MAX_REFERENCES || count > left) continue
      left -= count
      references.push({ ...manifest, ranges })
    }
    return references
  }
}

/** The hooks of an outline: for each chunk that both sides may remember, bytes 1 to 6 of its ID, each once. */
export function hooksOf(ids: Iterable<ChunkId>): Uint8Array {
  const keys = new Set<number>()
  for (const id of ids) {
    if (isHook(id)) keys.add(keyOf(id))
    if (keys.size === MAX_HOOKS) break
  }
  const hooks = Buffer.alloc(HOOK_BYTES * keys.size)
  let at = 0
  for (const key of keys) at = hooks.writeUIntBE(key, at, HOOK_BYTES)
  return hooks
}

function isHook(id: ChunkId): boolean {
  return id.startsWith('0')
}

function keyOf(id: ChunkId): number {
  return Number.parseInt(id.slice(2, 2 + 2 * HOOK_BYTES), 16)
}

function rangesOf(blocks: ReadonlySet<number>, chunkCount: number): { first: number; count: number }[] {
  const ranges: { first: number; count: number }[] = []
  for (const block of [...blocks].toSorted((a, b) => a - b)) {
    const first = block * BLOCK_CHUNKS
    const end = Math.min(first + BLOCK_CHUNKS, chunkCount)
    const last = ranges.at(-1)
    if (last !== undefined && last.first + last.count === first) last.count = end - last.first
    else if (ranges.length < MAX_RANGES_PER_REFERENCE) ranges.push({ first, count: end - first })
  }
  return ranges
}
