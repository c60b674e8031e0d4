import type {
  AbortOptions,
  ChunkId,
  ChunkRef,
  ChunkStore,
  FileContent,
  ReadManifest,
  SpaceId,
} from '@dittofs/interface'

/** How many IDs are asked of the store at a time. */
const IDS_PER_QUESTION = 4096

export interface Missing {
  readonly chunks: number
  readonly bytes: number
}

/** Number of a file's chunks, known without reading its manifest. */
export function chunkCountOf(file: FileContent): number {
  return file.content.kind === 'inline' ? file.content.chunks.length : file.content.chunkCount
}

/**
 * Counts what the device lacks of many files, in as few questions to the store as there can be: files with inline
 * manifests are asked about together.
 */
export class HeldChunks {
  readonly #store: ChunkStore
  readonly #readManifest: ReadManifest

  constructor(store: ChunkStore, readManifest: ReadManifest) {
    this.#store = store
    this.#readManifest = readManifest
  }

  /** @returns what is missing of each file, in the order given */
  async missingOf(space: SpaceId, files: readonly FileContent[], options: AbortOptions = {}): Promise<Missing[]> {
    const inline = files.flatMap((file) => (file.content.kind === 'inline' ? file.content.chunks : []))
    const held = await this.#areHeld(space, inline, options)
    const missing: Missing[] = []
    let at = 0
    for (const file of files) {
      if (file.content.kind === 'manifest') {
        missing.push(await this.#missingOfLarge(space, file, options))
        continue
      }
      let chunks = 0
      let bytes = 0
      for (const { length } of file.content.chunks) {
        if (held[at++] === true) continue
        chunks++
        bytes += length
      }
      missing.push({ chunks, bytes })
    }
    return missing
  }

  /** Counted from what is there: below a manifest node that is missing nobody knows the chunks yet. */
  async #missingOfLarge(space: SpaceId, file: FileContent, options: AbortOptions): Promise<Missing> {
    let chunks = chunkCountOf(file)
    let bytes = file.size
    for await (const step of this.#readManifest(this.#store, space, file.content, file.size, options)) {
      if (step.kind === 'missing') continue
      const held = await this.#areHeld(space, step.run.chunks, options)
      for (const [index, { length }] of step.run.chunks.entries()) {
        if (held[index] !== true) continue
        chunks--
        bytes -= length
      }
    }
    return { chunks, bytes }
  }

  async #areHeld(space: SpaceId, chunks: readonly ChunkRef[], options: AbortOptions): Promise<boolean[]> {
    const held: boolean[] = []
    for (let at = 0; at < chunks.length; at += IDS_PER_QUESTION) {
      options.signal?.throwIfAborted()
      const ids: ChunkId[] = chunks.slice(at, at + IDS_PER_QUESTION).map((chunk) => chunk.id)
      held.push(...(await this.#store.has(space, ids)))
    }
    return held
  }
}
