import {
  type AbortOptions,
  type AddOptions,
  type AddResult,
  type ChunkId,
  type ChunkStore,
  type Clock,
  DittoError,
  type GetOptions,
  type GetResult,
  type ListEntry,
  type ListOptions,
  type Logger,
  type ReadManifest,
} from '@dittofs/interface'
import { AddSources } from './add/add-sources.ts'
import { resolveSource } from './add/resolve-source.ts'
import type { SourceEntry } from './add/source-entry.ts'
import type { Config } from './config/config-schema.ts'
import type { ContentFetcher } from './content/content-fetcher.ts'
import type { HeldChunks } from './content/held-chunks.ts'
import { readContent } from './content/read-content.ts'
import { getChunks } from './get/get-chunks.ts'
import { GetTree } from './get/get-tree.ts'
import { resolveEntry } from './get/resolve-entry.ts'
import { listEntries } from './list/list-entries.ts'
import type { KeptContent } from './pins/kept-content.ts'
import type { SharedGate } from './shared-gate.ts'
import type { OpenSpace } from './spaces/open-space.ts'
import type { Origins } from './state/origins.ts'

export interface SpaceFilesInit {
  store: ChunkStore
  readManifest: ReadManifest
  held: HeldChunks
  kept: KeptContent
  fetcher: ContentFetcher
  origins: Origins
  clock: Clock
  logger: Logger
  config: Config
  /** The device's home, as a real path. */
  home: string
  /** Shared by what needs chunks to stay. */
  gate: SharedGate
}

/** What a person does with the files of a space: everything in `Device` that names a path. */
export class SpaceFiles {
  readonly #init: SpaceFilesInit

  constructor(init: SpaceFilesInit) {
    this.#init = init
  }

  async add(space: OpenSpace, sources: readonly string[], options: AddOptions = {}): Promise<AddResult> {
    if (sources.length === 0) throw new DittoError('DITTO_USAGE', 'Name at least one file or directory to add.')
    if (options.as !== undefined && sources.length > 1) {
      throw new DittoError(
        'DITTO_USAGE',
        'A path to add as goes with exactly one source; add the others by themselves.',
      )
    }
    const { home, config } = this.#init
    const roots = new Map<string, SourceEntry>()
    for (const source of new Set(sources)) {
      const root = await resolveSource(source, { home, ...(options.as === undefined ? {} : { as: options.as }) })
      const other = roots.get(root.path)
      if (other !== undefined && other.source !== root.source) {
        throw new DittoError(
          'DITTO_USAGE',
          `Two sources are called ${JSON.stringify(root.path)}; add them one by one, with --as.`,
        )
      }
      roots.set(root.path, root)
    }
    const addition = new AddSources({ ...this.#init, durability: config.durability }, space, options)
    return this.#init.gate.share(() => addition.run([...roots.values()]), options)
  }

  list(space: OpenSpace, path: string, options: ListOptions = {}): AsyncGenerator<readonly ListEntry[]> {
    return listEntries(this.#init, space, path, options)
  }

  async get(space: OpenSpace, path: string, options: GetOptions): Promise<GetResult> {
    const { config, gate, origins } = this.#init
    const entry = await resolveEntry(space, path, origins, options.directory)
    const { durability, symlinks } = config
    return gate.share(() => new GetTree({ ...this.#init, durability, symlinks }, space, entry, options).run(), options)
  }

  /** Writes everything in a space into a directory, which is made where it is not there. */
  async getAll(space: OpenSpace, options: GetOptions & { output: string; canReplace: boolean }): Promise<GetResult> {
    const { config, gate } = this.#init
    const entry = space.metadata.lookup('')
    if (entry === undefined) throw new DittoError('DITTO_INTERNAL', 'A space without a root.')
    const { durability, symlinks } = config
    const init = { ...this.#init, durability, symlinks, canReplace: options.canReplace }
    return gate.share(() => new GetTree(init, space, entry, options).run(), options)
  }

  async getChunks(
    space: OpenSpace,
    ids: readonly ChunkId[],
    options: GetOptions & { output: string },
    ensure: (space: OpenSpace, ids: readonly ChunkId[]) => Promise<number>,
  ): Promise<GetResult> {
    const { store, config, clock, gate } = this.#init
    const init = { store, durability: config.durability, nowMs: clock.now(), ensure }
    return gate.share(() => getChunks(init, space, ids, options), options)
  }

  /** @throws DittoError DITTO_NOT_FOUND, DITTO_USAGE (no file, or a range outside it), DITTO_CHUNK_MISSING */
  async *read(
    space: OpenSpace,
    path: string,
    options: AbortOptions & { start?: number; end?: number } = {},
  ): AsyncGenerator<Uint8Array> {
    const { store, readManifest, held, fetcher, origins } = this.#init
    const { file, path: shown } = await resolveEntry(space, path, origins, '/')
    if (file === undefined)
      throw new DittoError('DITTO_USAGE', `${JSON.stringify(shown)} is no file; only files can be read.`)
    const start = options.start ?? 0
    const end = options.end ?? file.size
    if (!Number.isSafeInteger(start) || !Number.isSafeInteger(end) || start < 0 || end > file.size || start > end) {
      throw new DittoError(
        'DITTO_USAGE',
        `Bytes ${start} to ${end} do not lie within ${JSON.stringify(shown)}, ${file.size} bytes long.`,
      )
    }
    const signal: AbortOptions = options.signal === undefined ? {} : { signal: options.signal }
    const [missing] = await held.missingOf(space.id, [file], signal)
    if (missing !== undefined && missing.chunks > 0)
      await fetcher.ensure(space, [{ path: shown, file, missing }], signal)
    yield* readContent(file, { store, readManifest, space: space.id, start, end, path: shown, ...signal })
  }

  async move(space: OpenSpace, from: string, to: string): Promise<void> {
    await space.metadata.transact([{ type: 'move', from, to }])
  }

  async remove(space: OpenSpace, path: string): Promise<void> {
    await space.metadata.transact([{ type: 'remove', path }])
  }
}
