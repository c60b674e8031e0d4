import type { ChunkId, DeviceKey, FileContent, ReadManifestOptions, SpaceId } from '@dittofs/interface'
import type { Level } from 'level'

/** A bundle that this device writes and has not finished. */
export interface UnfinishedExport {
  /** Hex of the bundle's ID. */
  readonly bundle: string
  readonly space: SpaceId
  readonly device: DeviceKey
  /** Whether everything goes in, whatever the device is known to hold. */
  readonly all: boolean
  /** Parts that are on stable storage, and where they end in the file. */
  readonly parts: number
  readonly offset: number
  readonly chunks: number
  /** Milliseconds since the Unix epoch. */
  readonly at: number
}

/** A bundle that this device reads and has not finished. */
export interface UnfinishedImport {
  readonly space: SpaceId
  readonly sender: DeviceKey
  readonly parts: number
  readonly offset: number
  /** Chunks that nothing named when they were read. Default 0. */
  readonly leftChunks?: number
  readonly at: number
}

/** A chunk that a file names and that is not here. */
export interface WantedRow {
  readonly id: ChunkId
  /** Where it is a node of a manifest: the file, and which of its chunks are below the node. */
  readonly below?: {
    readonly file: Pick<FileContent, 'content' | 'size'>
    readonly range: NonNullable<ReadManifestOptions['range']>
  }
}

/** Nobody goes on with a bundle after so long. */
const FORGOTTEN_MS = 30 * 24 * 60 * 60 * 1000

/** Where bundles that were not finished stand. */
export class BundleTable {
  readonly #exports: ReturnType<typeof exportsOf>
  readonly #imports: ReturnType<typeof importsOf>
  readonly #chunks: ReturnType<typeof chunksOf>
  readonly #wanted: ReturnType<typeof wantedOf>
  /** Bundles that are taken now. */
  readonly #taken = new Set<string>()

  constructor(database: Level) {
    this.#exports = exportsOf(database)
    this.#imports = importsOf(database)
    this.#chunks = chunksOf(database)
    this.#wanted = wantedOf(database)
  }

  /** @param file - absolute */
  async getExport(file: string): Promise<UnfinishedExport | undefined> {
    return this.#exports.get(file)
  }

  /** For each chunk whether it is in the bundle. */
  async hasChunks(bundle: string, ids: readonly ChunkId[]): Promise<boolean[]> {
    const found = await this.#chunks.getMany(ids.map((id) => bundle + id))
    return found.map((one) => one !== undefined)
  }

  /** Notes what is on stable storage now, and the chunks that came since the last note. */
  async putExport(file: string, state: UnfinishedExport, chunks: Iterable<ChunkId>): Promise<void> {
    await this.#chunks.batch([...chunks].map((id) => ({ type: 'put', key: state.bundle + id, value: '' })))
    await this.#exports.put(file, state)
  }

  async deleteExport(file: string, { bundle }: Pick<UnfinishedExport, 'bundle'>): Promise<void> {
    await this.#exports.del(file)
    await this.#chunks.clear(rowsOf(bundle))
  }

  /** @param bundle - hex of its ID */
  async getImport(bundle: string): Promise<UnfinishedImport | undefined> {
    return this.#imports.get(bundle)
  }

  async putImport(bundle: string, state: UnfinishedImport): Promise<void> {
    await this.#imports.put(bundle, state)
  }

  async deleteImport(bundle: string): Promise<void> {
    await this.#imports.del(bundle)
  }

  /** Nothing is wanted of a bundle at first; what a life that ended in the middle left of others goes too. */
  async beginWanted(bundle: string): Promise<void> {
    await this.#wanted.clear(this.#taken.size === 0 ? {} : rowsOf(bundle))
    this.#taken.add(bundle)
  }

  async putWanted(bundle: string, rows: readonly WantedRow[]): Promise<void> {
    await this.#wanted.batch(rows.map((row) => ({ type: 'put', key: bundle + row.id, value: row })))
  }

  async getWanted(bundle: string, ids: readonly ChunkId[]): Promise<(WantedRow | undefined)[]> {
    return this.#wanted.getMany(ids.map((id) => bundle + id))
  }

  async deleteWanted(bundle: string, ids: readonly ChunkId[]): Promise<void> {
    await this.#wanted.batch(ids.map((id) => ({ type: 'del', key: bundle + id })))
  }

  async hasWanted(bundle: string): Promise<boolean> {
    return (await this.#wanted.keys({ ...rowsOf(bundle), limit: 1 }).all()).length > 0
  }

  async endWanted(bundle: string): Promise<void> {
    await this.#wanted.clear(rowsOf(bundle))
    this.#taken.delete(bundle)
  }

  /** Forgets what nobody went on with. */
  async prune(now: number): Promise<void> {
    for await (const [file, state] of this.#exports.iterator()) {
      if (now - state.at > FORGOTTEN_MS) await this.deleteExport(file, state)
    }
    for await (const [bundle, { at }] of this.#imports.iterator()) {
      if (now - at > FORGOTTEN_MS) await this.#imports.del(bundle)
    }
  }
}

function exportsOf(database: Level) {
  return database.sublevel<string, UnfinishedExport>('bundle-exports', { valueEncoding: 'json' })
}

function importsOf(database: Level) {
  return database.sublevel<string, UnfinishedImport>('bundle-imports', { valueEncoding: 'json' })
}

function chunksOf(database: Level) {
  return database.sublevel<string, string>('bundle-chunks', { valueEncoding: 'utf8' })
}

function wantedOf(database: Level) {
  return database.sublevel<string, WantedRow>('bundle-wanted', { valueEncoding: 'json' })
}

/** The keys that begin with the hex of a bundle's ID. */
function rowsOf(bundle: string): { readonly gte: string; readonly lt: string } {
  return { gte: bundle, lt: `${bundle}g` }
}
