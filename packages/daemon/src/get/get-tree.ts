/**
 * Writes an entry of a space, with all below it, to a place of the user's: first what is missing is fetched, then the
 * room is checked, then it is written. A file is there whole or not at all; so is a directory that was not there
 * before, because it is filled beside its place and then renamed.
 */
import { randomBytes } from 'node:crypto'
import { lstat, mkdir, realpath, rename } from 'node:fs/promises'
import nodePath from 'node:path'
import {
  type ChunkStore,
  type Clock,
  DittoError,
  type Durability,
  type GetOptions,
  type GetResult,
  isDittoError,
  type ReadManifest,
  type TreeEntry,
} from '@dittofs/interface'
import { fromSystemError, systemErrorName } from '@dittofs/live-folder'
import type { SymlinkPolicy } from '../config/config-schema.ts'
import type { ContentFetcher } from '../content/content-fetcher.ts'
import { contentKey } from '../content/content-key.ts'
import type { HeldChunks } from '../content/held-chunks.ts'
import { readContent } from '../content/read-content.ts'
import { forEachBounded } from '../for-each-bounded.ts'
import { ProgressReporter } from '../progress-reporter.ts'
import type { OpenSpace } from '../spaces/open-space.ts'
import type { Origin, Origins } from '../state/origins.ts'
import { removeTree } from '../tree/remove-tree.ts'
import { type Attributes, TreeWriter } from '../tree/tree-writer.ts'
import { findLacking } from './find-lacking.ts'
import { requireFreeSpace } from './free-space.ts'

/** Files written at once; each has a descriptor and about 2 MiB of content in hand. */
const MAX_FILES_AT_ONCE = 16
const ROWS_PER_BATCH = 1000

export interface GetTreeInit {
  store: ChunkStore
  readManifest: ReadManifest
  held: HeldChunks
  fetcher: ContentFetcher
  origins: Origins
  clock: Clock
  durability: Durability
  symlinks: SymlinkPolicy
  /** Whether what differs is replaced. Default: where the person named the place. */
  canReplace?: boolean
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] }

/** One call of `get`. */
export class GetTree {
  readonly #init: GetTreeInit
  readonly #space: OpenSpace
  readonly #entry: TreeEntry
  readonly #options: GetOptions
  readonly #progress: ProgressReporter
  readonly #output: string
  readonly #signal: { signal?: AbortSignal }
  readonly #result: Writable<GetResult> & { skipped: Writable<GetResult['skipped'][number]>[] }
  #rows: [string, Origin][] = []

  constructor(init: GetTreeInit, space: OpenSpace, entry: TreeEntry, options: GetOptions) {
    this.#init = init
    this.#space = space
    this.#entry = entry
    this.#options = options
    this.#signal = options.signal === undefined ? {} : { signal: options.signal }
    this.#progress = new ProgressReporter(init.clock, options.onProgress)
    this.#output = nodePath.resolve(options.output ?? nodePath.join(options.directory, entry.name || space.name))
    this.#result = {
      output: this.#output,
      files: 0,
      directories: 0,
      symlinks: 0,
      bytes: 0,
      fetchedBytes: 0,
      skipped: [],
    }
  }

  /** @throws DittoError DITTO_EXISTS, DITTO_CHUNK_MISSING, DITTO_CHUNK_CORRUPT, DITTO_NO_SPACE, DITTO_NOT_FOUND */
  async run(): Promise<GetResult> {
    const parent = await this.#parentDirectory()
    const extent = await findLacking(this.#space, this.#entry.path, this.#init.held, this.#signal)
    if (extent.lacking.length > 0) await this.#fetch(extent.lacking)
    await requireFreeSpace(parent, extent.bytes)
    this.#progress.begin('write', extent)
    if (this.#entry.kind === 'directory') await this.#writeTree(parent)
    else await this.#writeLeaf(parent)
    await this.#saveRows()
    this.#progress.finish()
    return this.#result
  }

  get #canReplace(): boolean {
    return this.#init.canReplace ?? this.#options.output !== undefined
  }

  async #parentDirectory(): Promise<string> {
    const parent = nodePath.dirname(this.#output)
    return realpath(parent).catch((error: unknown) => {
      throw fromSystemError(error, `write to ${JSON.stringify(parent)}`)
    })
  }

  async #fetch(lacking: Awaited<ReturnType<typeof findLacking>>['lacking']): Promise<void> {
    this.#progress.begin('fetch', {
      files: lacking.length,
      bytes: lacking.reduce((sum, { missing }) => sum + missing.bytes, 0),
    })
    this.#result.fetchedBytes = await this.#init.fetcher.ensure(this.#space, lacking, {
      ...this.#signal,
      onProgress: (bytes) => this.#progress.advance({ bytes }),
    })
    this.#progress.finish()
  }

  #openWriter(root: string, chosenName?: string): Promise<TreeWriter> {
    return TreeWriter.open({
      root,
      symlinks: this.#init.symlinks,
      durability: this.#init.durability,
      canReplace: this.#canReplace,
      ...(chosenName === undefined ? {} : { chosenName }),
    })
  }

  async #writeLeaf(parent: string): Promise<void> {
    const name = nodePath.basename(this.#output)
    const writer = await this.#openWriter(parent, name)
    try {
      await this.#write(writer, this.#entry, [name], nodePath.join(parent, name))
    } finally {
      await writer.close()
    }
  }

  async #writeTree(parent: string): Promise<void> {
    const name = nodePath.basename(this.#output)
    const place = nodePath.join(parent, name)
    const present = await lstat(place).catch((error: unknown) => {
      if (systemErrorName(error) !== 'ENOENT') throw fromSystemError(error, `write to ${JSON.stringify(place)}`)
    })
    if (present?.isDirectory() === true) return this.#fill(place, place, false)
    if (present !== undefined) {
      throw new DittoError(
        'DITTO_EXISTS',
        `${JSON.stringify(place)} is there already and is no directory; move it away.`,
      )
    }
    const temporaryName = `.dittofs-${randomBytes(8).toString('hex')}.tmp`
    const temporary = nodePath.join(parent, temporaryName)
    try {
      await mkdir(temporary, { mode: 0o700 })
      await this.#fill(temporary, place, true)
      await rename(temporary, place)
    } catch (error) {
      await removeTree(parent, temporaryName).catch(() => undefined)
      throw fromSystemError(error, `write to ${JSON.stringify(place)}`)
    }
  }

  /** @param place - where what is in `root` will be in the end */
  async #fill(root: string, place: string, isNew: boolean): Promise<void> {
    const writer = await this.#openWriter(root)
    /** Deeper ones come later. */
    const finish: { names: readonly string[]; attributes: Attributes }[] = []
    try {
      await forEachBounded(
        this.#belowRoot(writer, finish, isNew),
        MAX_FILES_AT_ONCE,
        ({ entry, names }) => this.#write(writer, entry, names, nodePath.join(place, ...names)),
        this.#signal,
      )
      for (const { names, attributes } of finish.reverse()) await writer.finishDirectory(names, attributes)
    } finally {
      await writer.close()
    }
  }

  /** Makes the directories as the walk meets them, parents first, and hands on everything else. */
  async *#belowRoot(
    writer: TreeWriter,
    finish: { names: readonly string[]; attributes: Attributes }[],
    isNew: boolean,
  ): AsyncGenerator<{ entry: TreeEntry; names: readonly string[] }> {
    const skippedDirectories = new Set<string>()
    const canChange = this.#canReplace
    for await (const batch of this.#space.metadata.walk(this.#entry.path, this.#signal)) {
      for (const entry of batch) {
        const below = this.#entry.path === '' ? entry.path : entry.path.slice(this.#entry.path.length + 1)
        const names = below.split('/').filter((name) => name !== '')
        const parent = names.slice(0, -1).join('/')
        if (skippedDirectories.has(parent)) {
          if (entry.kind === 'directory') skippedDirectories.add(below)
          continue
        }
        if (entry.kind !== 'directory') {
          yield { entry, names }
          continue
        }
        this.#result.directories++
        let isMade = names.length === 0 ? isNew : false
        if (names.length > 0) {
          try {
            isMade = await writer.makeDirectory(names)
          } catch (error) {
            this.#skip(entry, error)
            this.#result.directories--
            skippedDirectories.add(below)
            continue
          }
        }
        if (entry.directory !== undefined && (isMade || canChange)) finish.push({ names, attributes: entry.directory })
      }
    }
  }

  async #write(writer: TreeWriter, entry: TreeEntry, names: readonly string[], place: string): Promise<void> {
    const { file, symlink } = entry
    try {
      if (symlink !== undefined) {
        const problem = await writer.makeSymlink(names, symlink.target, symlink.mtimeNs)
        if (problem !== undefined)
          this.#result.skipped.push({ path: entry.path, code: 'DITTO_UNSUPPORTED', reason: problem })
        else this.#result.symlinks++
      } else if (file !== undefined) {
        const { store, readManifest } = this.#init
        const content = () =>
          readContent(file, {
            ...{ store, readManifest, space: this.#space.id, start: 0, end: file.size, path: entry.path },
            ...this.#signal,
          })
        await writer.writeFile(names, file, file.size, content)
        this.#result.files++
        this.#result.bytes += file.size
        this.#progress.advance({ files: 1, bytes: file.size, current: entry.path })
        await this.#remember(place, entry, contentKey(file.content))
      }
    } catch (error) {
      this.#skip(entry, error)
    }
  }

  /** Leaves out what this platform cannot hold; any other failure ends the call. */
  #skip(entry: TreeEntry, error: unknown): void {
    if (entry === this.#entry || !isDittoError(error, 'DITTO_PATH_INVALID')) throw error
    this.#result.skipped.push({ path: entry.path, code: error.code, reason: error.message })
  }

  /** What was written can be changed and added again: it is then a new version of the same file. */
  async #remember(place: string, entry: TreeEntry, content: string): Promise<void> {
    this.#rows.push([place, { node: entry.node, path: entry.path, content }])
    if (this.#rows.length >= ROWS_PER_BATCH) await this.#saveRows()
  }

  async #saveRows(): Promise<void> {
    const rows = this.#rows
    this.#rows = []
    await this.#init.origins.put(this.#space.number, rows)
  }
}
