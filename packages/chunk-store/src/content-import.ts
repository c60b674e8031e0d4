import {
  type Chunk,
  type ChunkId,
  type ChunkRef,
  chunkId,
  type ImportOptions,
  type ImportResult,
} from '@dittofs/interface'
import type { ChunkAdder } from './chunk-adder.ts'
import type { WriteOperation } from './group-commit.ts'
import { ManifestBuilder } from './manifest-builder.ts'

export interface ContentImportInit {
  adder: ChunkAdder
  space: number
  operation: WriteOperation
  idOf: (bytes: Uint8Array) => ChunkId
  options: ImportOptions
  /** Given the chunks in order, where their bytes are not to be stored. */
  onCut?: (chunks: readonly ChunkRef[]) => void
}

/** One file or stream on its way into the store: its manifest, and what of it was new. */
export class ContentImport {
  readonly #init: ContentImportInit
  readonly #manifest: ManifestBuilder
  readonly #adding = new Set<Promise<void>>()
  #failure: { readonly reason: unknown } | undefined
  #newChunks = 0
  #newBytes = 0
  #done = 0

  constructor(init: ContentImportInit) {
    this.#init = init
    this.#manifest = new ManifestBuilder(init.idOf)
  }

  /**
   * Takes the next chunks of the content, whose digests are known to match. Calls may overlap; their order counts.
   * The first failure ends the import: it is told by `finish`, and later chunks are not stored.
   *
   * @returns settles when the bytes are not needed any more
   */
  add(chunks: readonly { readonly digest: Uint8Array; readonly bytes: Uint8Array }[]): Promise<void> {
    const { options } = this.#init
    if (options.signal?.aborted === true) this.#failure ??= { reason: options.signal.reason as unknown }
    if (this.#failure !== undefined) return Promise.resolve()
    const named = chunks.map(({ digest, bytes }): Chunk => ({ id: chunkId.fromBytes(digest), bytes }))
    for (const { id, bytes } of named) this.#manifest.add({ id, length: bytes.length })
    this.#init.onCut?.(named.map(({ id, bytes }) => ({ id, length: bytes.length })))
    const adding = this.#addAll(named)
    this.#adding.add(adding)
    return adding.finally(() => this.#adding.delete(adding))
  }

  /** Waits for what was added and stores the manifest. The caller waits for durability. */
  async finish(): Promise<ImportResult> {
    await this.settled()
    if (this.#failure !== undefined) throw this.#failure.reason
    const { size } = this.#manifest
    const content = this.#manifest.finish()
    const nodes = this.#manifest.takeNodes()
    if (nodes.length > 0) await this.#init.adder.add(this.#init.space, nodes, this.#init.operation)
    return { content, size, newChunks: this.#newChunks, newBytes: this.#newBytes }
  }

  /** Resolves when nothing that was added is being written any more. */
  async settled(): Promise<void> {
    await Promise.all(this.#adding)
  }

  async #addAll(chunks: readonly Chunk[]): Promise<void> {
    const { adder, space, operation, options, onCut } = this.#init
    const nodes = this.#manifest.takeNodes()
    try {
      const isNew = onCut === undefined ? await adder.add(space, chunks, operation) : []
      if (nodes.length > 0) await adder.add(space, nodes, operation)
      let bytes = 0
      for (const [nth, chunk] of chunks.entries()) {
        bytes += chunk.bytes.length
        if (isNew[nth] !== true) continue
        this.#newChunks++
        this.#newBytes += chunk.bytes.length
      }
      this.#done += bytes
      options.onProgress?.(this.#done)
    } catch (reason) {
      this.#failure ??= { reason }
    }
  }
}
