/**
 * Adds sources in two walks: the first looks at everything and finds what may not be added (so that a refusal leaves
 * nothing half done) and how much there is; the second stores bytes and then, in batches, what the space shows.
 */
import { isDeepStrictEqual } from 'node:util'
import {
  type Action,
  type AddOptions,
  type AddResult,
  type ChunkStore,
  type Clock,
  DittoError,
  type Durability,
  type Logger,
  type TreeEntry,
} from '@dittofs/interface'
import { contentKey } from '../content/content-key.ts'
import type { HeldChunks } from '../content/held-chunks.ts'
import { forEachBounded } from '../for-each-bounded.ts'
import { ProgressReporter } from '../progress-reporter.ts'
import type { OpenSpace } from '../spaces/open-space.ts'
import { type Origin, type Origins, trustedStamp } from '../state/origins.ts'
import { ActionBatch, type Change } from './action-batch.ts'
import { type AddDecision, decideAdd, shownContent } from './decide-add.ts'
import { type ImportedFile, importSource, readSymlink } from './import-source.ts'
import { recallFile } from './recall-file.ts'
import { showsAlready } from './shows-already.ts'
import type { SkippedSource, SourceEntry } from './source-entry.ts'
import { skippedBy, walkSource } from './walk-source.ts'

/** Files handed to the store at once: its workers take them in batches, and it bounds the memory they use. */
const MAX_FILES_AT_ONCE = 256
const MAX_ROWS_WAITING = 1000
/** Paths named when sources are refused. */
const MAX_PATHS_NAMED = 5

export interface AddSourcesInit {
  store: ChunkStore
  held: HeldChunks
  origins: Origins
  clock: Clock
  logger: Logger
  durability: Durability
  /** The device's home, as a real path: left out wherever it is met. */
  home: string
}

interface Found {
  readonly entry: SourceEntry
  readonly shown: TreeEntry | undefined
  readonly origin: Origin | undefined
}

/** One call of `add`, from the sources that were resolved to the result. */
export class AddSources {
  readonly #init: AddSourcesInit
  readonly #space: OpenSpace
  readonly #options: AddOptions
  readonly #isForced: boolean
  readonly #progress: ProgressReporter
  readonly #skipped: SkippedSource[] = []
  /** Origins of what is in the metadata already. */
  #rows: [string, Origin][] = []
  readonly #counts = { files: 0, directories: 0, symlinks: 0, unchanged: 0, bytes: 0, newChunks: 0, newBytes: 0 }

  constructor(init: AddSourcesInit, space: OpenSpace, options: AddOptions) {
    this.#init = init
    this.#space = space
    this.#options = options
    this.#isForced = options.replace === true || options.as !== undefined
    this.#progress = new ProgressReporter(init.clock, options.onProgress)
  }

  /**
   * @param roots - resolved, with different paths in the space
   * @throws DittoError DITTO_EXISTS (before anything is changed), DITTO_NO_SPACE, DITTO_PERMISSION or DITTO_FILE_CHANGED
   *   where a source is a single file
   */
  async run(roots: readonly SourceEntry[]): Promise<AddResult> {
    const totals = await this.#scan(roots)
    this.#skipped.length = 0
    this.#progress.begin('add', totals)
    const batch = new ActionBatch((changes) => this.#commit(changes))
    for (const root of roots) await this.#walk(root, (found) => this.#add(found, batch, root))
    await batch.finish()
    await this.#saveRows()
    this.#progress.finish()
    return { ...this.#counts, paths: roots.map((root) => root.path), skipped: this.#skipped }
  }

  async #scan(roots: readonly SourceEntry[]): Promise<{ files: number; bytes: number }> {
    const totals = { files: 0, bytes: 0 }
    const taken: string[] = []
    this.#progress.begin('scan')
    for (const root of roots) {
      await this.#walk(root, async (found) => {
        const { entry } = found
        if (entry.kind === 'file') {
          totals.files++
          totals.bytes += Number(entry.stat.size)
          this.#progress.advance({ files: 1, current: entry.source })
        }
        if (await this.#isTaken(found)) taken.push(entry.path)
      })
    }
    if (taken.length > 0) throw takenError(taken.sort())
    return totals
  }

  async #walk(root: SourceEntry, work: (found: Found) => Promise<void>): Promise<void> {
    const { signal } = this.#options
    await forEachBounded(this.#found(root), MAX_FILES_AT_ONCE, work, signal === undefined ? {} : { signal })
  }

  async *#found(root: SourceEntry): AsyncGenerator<Found> {
    const { home: excluded } = this.#init
    const { signal } = this.#options
    const walk = walkSource(root, signal === undefined ? { excluded } : { excluded, signal })
    for await (const { entries, skipped } of walk) {
      this.#skipped.push(...skipped)
      const origins = await this.#init.origins.getMany(
        this.#space.number,
        entries.map((entry) => entry.source),
      )
      for (const [index, entry] of entries.entries()) {
        yield { entry, shown: this.#space.metadata.lookup(entry.path), origin: origins[index] }
      }
    }
  }

  #decide({ entry, shown, origin }: Found): AddDecision {
    return decideAdd(entry, shown, origin, this.#isForced)
  }

  async #isTaken(found: Found): Promise<boolean> {
    const decision = this.#decide(found)
    if (decision !== 'compare') return decision === 'taken'
    const { entry, shown, origin } = found
    // Sizes that differ say enough, unless the source may be what it was and the space has moved on.
    const mayBeAsBefore = origin !== undefined && origin.node === shown?.node
    if (entry.kind === 'file' && !mayBeAsBefore && BigInt(shown?.file?.size ?? -1) !== entry.stat.size) return true
    try {
      const { content } = await this.#read(found)
      return !isKnownContent(content, found)
    } catch (error) {
      skippedBy(error, entry.source, 'read')
      return false
    }
  }

  async #add(found: Found, batch: ActionBatch, root: SourceEntry): Promise<void> {
    const { entry } = found
    try {
      const decision = this.#decide(found)
      if (decision === 'taken') throw takenError([entry.path])
      if (decision === 'keep' || decision === 'merge') this.#count(entry, true)
      else await this.#write(found, decision, batch)
    } catch (error) {
      if (entry === root) throw error
      this.#skipped.push(skippedBy(error, entry.source, 'read'))
    }
  }

  async #write(found: Found, decision: AddDecision, batch: ActionBatch): Promise<void> {
    const { shown } = found
    // Before it is read: a change within the time step in which it was read shows in no stamp either.
    const lookedMs = this.#init.clock.now()
    const { entry, content, action, imported } = await this.#read(found)
    this.#counts.newChunks += imported?.newChunks ?? 0
    this.#counts.newBytes += imported?.newBytes ?? 0
    const remember = (node: TreeEntry['node']) =>
      ({
        node,
        path: entry.path,
        content,
        ...(entry.kind === 'file' ? trustedStamp(entry.stat, lookedMs) : undefined),
      }) satisfies Origin
    if (decision === 'compare' && !isKnownContent(content, found)) throw takenError([entry.path])
    if (shown !== undefined && (decision === 'compare' || showsAlready(shown, action))) {
      this.#count(entry, true)
      await this.#remember(entry.source, remember(shown.node), found.origin)
      return
    }
    const actions: Action[] = decision === 'replace' ? [{ type: 'remove', path: entry.path }, action] : [action]
    this.#count(entry, false)
    await batch.push({
      actions,
      onCommitted: (left) => {
        if (left !== undefined) this.#rows.push([entry.source, remember(left.node)])
      },
    })
  }

  /** Bytes durable first, then the metadata that refers to them, then the table that only saves work. */
  async #commit(changes: readonly Change[]): Promise<void> {
    this.#options.signal?.throwIfAborted()
    if (this.#init.durability === 'group') await this.#init.store.flush()
    const entries = await this.#space.metadata.transact(changes.flatMap((change) => change.actions))
    let last = -1
    for (const change of changes) {
      last += change.actions.length
      change.onCommitted(entries[last])
    }
    await this.#saveRows()
  }

  async #remember(source: string, origin: Origin, known: Origin | undefined): Promise<void> {
    if (isDeepStrictEqual(origin, known)) return
    this.#rows.push([source, origin])
    if (this.#rows.length >= MAX_ROWS_WAITING) await this.#saveRows()
  }

  async #saveRows(): Promise<void> {
    const rows = this.#rows
    this.#rows = []
    await this.#init.origins.put(this.#space.number, rows)
  }

  async #read({
    entry,
    shown,
    origin,
  }: Found): Promise<{ entry: SourceEntry; content: string; action: Action; imported?: ImportedFile }> {
    const { path } = entry
    if (entry.kind === 'directory') {
      const directory = { mode: Number(entry.stat.mode & 0o777n), mtimeNs: entry.stat.mtimeNs }
      return { entry, content: '', action: { type: 'mkdir', path, directory } }
    }
    if (entry.kind === 'symlink') {
      const symlink = await readSymlink(entry)
      return { entry, content: symlink.target, action: { type: 'symlink', path, symlink } }
    }
    const { signal } = this.#options
    const { store, held, durability } = this.#init
    const recalled = await recallFile(entry, origin, this.#space, held, signal === undefined ? {} : { signal })
    if (recalled !== undefined) {
      this.#progress.advance({ bytes: recalled.size })
      return { entry, content: contentKey(recalled.content), action: { type: 'write', path, file: recalled } }
    }
    const imported = await importSource(entry, {
      store,
      space: this.#space.id,
      chunker: this.#space.membership.chunker,
      like: (origin === undefined ? undefined : this.#space.metadata.find(origin.node)?.file) ?? shown?.file,
      // One barrier for the whole batch is set before its metadata is written.
      durability: durability === 'full' ? 'full' : 'none',
      onProgress: (bytes) => this.#progress.advance({ bytes }),
      ...(signal === undefined ? {} : { signal }),
    })
    const action: Action = { type: 'write', path, file: imported.file }
    return { entry: imported.entry, content: contentKey(imported.file.content), action, imported }
  }

  #count(entry: SourceEntry, isUnchanged: boolean): void {
    if (entry.kind === 'directory') this.#counts.directories++
    else if (entry.kind === 'symlink') this.#counts.symlinks++
    else {
      this.#counts.files++
      this.#counts.bytes += Number(entry.stat.size)
      if (isUnchanged) this.#counts.unchanged++
      this.#progress.advance({ files: 1, current: entry.source })
    }
  }
}

/** Whether it is what the space shows, or what this source already was when it was added last. */
function isKnownContent(content: string, { shown, origin }: Found): boolean {
  if (shown === undefined) return false
  return content === shownContent(shown) || (origin?.node === shown.node && content === origin.content)
}

function takenError(paths: readonly string[]): DittoError {
  const named = paths.slice(0, MAX_PATHS_NAMED).map((path) => JSON.stringify(path))
  const more = paths.length > named.length ? ` and ${paths.length - named.length} more` : ''
  return new DittoError(
    'DITTO_EXISTS',
    `Something else is already at ${named.join(', ')}${more}; use --as to add under another path, or --replace to make new versions.`,
    { details: { paths: paths.slice(0, 1000) } },
  )
}
