import {
  type AbortOptions,
  type ChunkId,
  type ChunkStore,
  type FileContent,
  isDittoError,
  type ManifestStep,
  type ReadManifest,
  type ReadManifestOptions,
} from '@dittofs/interface'
import type { OpenSpace } from '../spaces/open-space.ts'
import type { BundleTable, WantedRow } from './bundle-table.ts'

const ROWS_PER_BATCH = 1024

export interface WantedChunksInit {
  table: BundleTable
  /** Hex of the ID of the bundle that is taken. */
  bundle: string
  space: OpenSpace
  store: ChunkStore
  readManifest: ReadManifest
}

/**
 * The chunks that the files of a space name and that are not here. A space may name more than memory holds, so they are
 * noted in the database. Below a node of a manifest that has not come nobody knows them; once it is stored they are noted.
 */
export class WantedChunks {
  readonly #init: WantedChunksInit
  #rows: WantedRow[] = []

  constructor(init: WantedChunksInit) {
    this.#init = init
  }

  /** Notes what the files of the space name now. */
  async begin(options: AbortOptions): Promise<void> {
    const { table, bundle, space } = this.#init
    await table.beginWanted(bundle)
    for await (const entries of space.metadata.walk('', options)) {
      for (const { file } of entries) if (file !== undefined) await this.#note(file, options)
    }
    await this.#write()
  }

  /** For each chunk whether a file of the space names it and it has not come. */
  async areWanted(ids: readonly ChunkId[]): Promise<boolean[]> {
    const found = await this.#init.table.getWanted(this.#init.bundle, ids)
    return found.map((one) => one !== undefined)
  }

  /** They were stored. Of those that are nodes of manifests what they name is wanted from now on. */
  async stored(ids: readonly ChunkId[], options: AbortOptions): Promise<void> {
    const { table, bundle } = this.#init
    for (const row of await table.getWanted(bundle, ids)) {
      if (row?.below !== undefined) await this.#note(row.below.file, { ...options, range: row.below.range })
    }
    await this.#write()
    await table.deleteWanted(bundle, ids)
  }

  /** Whether there are any that have not come. */
  async areLeft(): Promise<boolean> {
    return this.#init.table.hasWanted(this.#init.bundle)
  }

  /** Forgets all of it. */
  async end(): Promise<void> {
    await this.#init.table.endWanted(this.#init.bundle)
  }

  async #note(file: Pick<FileContent, 'content' | 'size'>, options: ReadManifestOptions): Promise<void> {
    const { space, store, readManifest } = this.#init
    try {
      for await (const step of readManifest(store, space.id, file.content, file.size, options)) {
        for (const row of await this.#rowsOf(step, file)) this.#rows.push(row)
        if (this.#rows.length >= ROWS_PER_BATCH) await this.#write()
      }
    } catch (error) {
      // A manifest that contradicts itself names nothing.
      if (!isDittoError(error, 'DITTO_MANIFEST_INVALID')) throw error
    }
  }

  async #rowsOf(step: ManifestStep, { content, size }: Pick<FileContent, 'content' | 'size'>): Promise<WantedRow[]> {
    if (step.kind === 'missing') {
      return step.places.map(({ node, first, chunkCount: count }) => ({
        id: node,
        below: { file: { content, size }, range: { first, count } },
      }))
    }
    const ids = step.run.chunks.map(({ id }) => id)
    const held = await this.#init.store.has(this.#init.space.id, ids)
    return ids.filter((_, index) => held[index] !== true).map((id) => ({ id }))
  }

  async #write(): Promise<void> {
    await this.#init.table.putWanted(this.#init.bundle, this.#rows.splice(0))
  }
}
