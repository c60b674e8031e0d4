import type { BaseEntry } from '../base/base-entry.ts'
import type { BaseStore } from '../base/base-store.ts'
import { isSameBytes, parseContent } from '../base/content-text.ts'
import type { Intent } from '../base/intent.ts'
import type { IncomingScope } from '../plan/incoming-plan.ts'
import { localKey } from '../plan/local-tree.ts'
import type { FolderRuntime } from './linked-folder.ts'
import type { FindWritten } from './outgoing-batch.ts'
import type { PlacedFile } from './ports.ts'
import { recoverSent } from './recover-sent.ts'
import { Settling } from './settling.ts'
import type { SpaceFoldersInit } from './space-folders.ts'
import { Trail } from './trail.ts'

/** Milliseconds before a path is tried again that something came in the way of, at first and at most. */
const FIRST_RETRY_MS = 50
const MAX_RETRY_MS = 60_000

type WriteIntent = Extract<Intent, { readonly type: 'write' }>

/** What the parts of the engine share: the base, the folders, and what is still to be looked at. */
export class EngineContext {
  readonly init: SpaceFoldersInit
  readonly store: BaseStore
  readonly trail: Trail
  readonly settling = new Settling()
  readonly folders = new Map<string, FolderRuntime>()
  /** Content that has not come, by the document's path, with the folder it is for. */
  readonly waiting = new Map<string, string>()
  /** What is in the document and could not be on this disk, by the document's path. */
  readonly leftOut = new Set<string>()
  /** Entries that were about to be removed from disk when this device stopped. */
  readonly leftRemovals = new Set<number>()
  /** Counts changes of the document. */
  epoch = 0
  readonly #written = new Map<string, WriteIntent>()
  /** By path of the document, and by entry of the base: where either goes elsewhere, the other one is still known. */
  readonly #retries = new Map<string | BaseEntry, { delayMs: number; atMs: number; isDue: boolean }>()
  /** Of them, those that were due when the scope was taken last. */
  #tried: readonly (string | BaseEntry)[] = []
  #paths = new Map<string, 'entry' | 'below'>()
  #entries = new Set<BaseEntry>()
  #isAll = false

  constructor(init: SpaceFoldersInit, store: BaseStore) {
    this.init = init
    this.store = store
    this.trail = new Trail(init.clock)
  }

  get base() {
    return this.store.tree
  }

  get remote() {
    return this.init.metadata
  }

  get nowMs(): number {
    return this.init.clock.monotonic()
  }

  compareAll(): void {
    this.#isAll = true
  }

  /** @param path - of the document */
  comparePath(path: string, extent: 'entry' | 'below'): void {
    if (this.#paths.get(path) !== 'below') this.#paths.set(path, extent)
  }

  compareEntry(entry: BaseEntry): void {
    this.#entries.add(entry)
  }

  get hasScope(): boolean {
    return this.#isAll || this.#paths.size > 0 || this.#entries.size > 0
  }

  takeScope(): IncomingScope {
    for (const path of this.leftOut) this.comparePath(path, 'below')
    this.leftOut.clear()
    const scope: IncomingScope = this.#isAll ? 'all' : { paths: this.#paths, entries: this.#entries }
    this.#tried = [...this.#retries].flatMap(([what, { isDue }]) => (isDue ? [what] : []))
    this.#isAll = false
    this.#paths = new Map()
    this.#entries = new Set()
    if (scope === 'all') this.waiting.clear()
    else for (const path of scope.paths.keys()) this.waiting.delete(path)
    return scope
  }

  /** The scope taken last was compared: what was tried again, and nothing came in the way of, needs no other try. */
  endScope(): void {
    for (const what of this.#tried) if (this.#retries.get(what)?.isDue === true) this.#retries.delete(what)
    this.#tried = []
  }

  /** Compares a path of the document, or an entry of the base, again after a while that doubles with each time. */
  retry(what: string | BaseEntry): void {
    const before = this.#retries.get(what)
    const delayMs = before === undefined ? FIRST_RETRY_MS : Math.min(before.delayMs * 2, MAX_RETRY_MS)
    this.#retries.set(what, { delayMs, atMs: this.nowMs + delayMs, isDue: false })
  }

  /**
   * What failed often is waited for no longer than what failed once: a person asked, so the cause may be gone. Where
   * nothing fails and nothing is waited for, the base is as the document is.
   */
  retryAtOnce(): void {
    const folders = [...this.folders.values()]
    const isAtRest = this.#retries.size + this.waiting.size + this.leftOut.size === 0
    this.#retries.clear()
    if (!isAtRest || folders.some(({ hasDocumentProblems }) => hasDocumentProblems)) this.compareAll()
  }

  /** Whether something came in the way of what is to be tried again. */
  get hasRetries(): boolean {
    return this.#retries.size > 0
  }

  succeeded(what: string | BaseEntry): void {
    this.#retries.delete(what)
  }

  /** Notes what is due to be compared again. @returns when the next is, and whether it is one of the first tries */
  markRetries(): { readonly atMs: number; readonly isSoon: boolean } | undefined {
    let next: { atMs: number; isSoon: boolean } | undefined
    for (const [what, retry] of this.#retries) {
      if (!retry.isDue && retry.atMs <= this.nowMs) {
        retry.isDue = true
        if (typeof what === 'string') this.comparePath(what, 'below')
        else this.compareEntry(what)
      }
      if (retry.isDue) continue
      const isSoon = retry.delayMs < 2000
      if (next === undefined || retry.atMs < next.atMs)
        next = { atMs: retry.atMs, isSoon: isSoon || (next?.isSoon ?? false) }
      else if (isSoon) next = { ...next, isSoon }
    }
    return next
  }

  noteWrite(intent: WriteIntent): void {
    this.#written.set(localKey(intent.folder, intent.names), intent)
  }

  forgetWrite(folder: string, names: readonly string[]): void {
    this.#written.delete(localKey(folder, names))
  }

  /** What this device wrote to a path, where the bytes there are still the same. */
  readonly findWritten: FindWritten = ({ directory, found }, content) => {
    const intent = this.#written.get(localKey(directory.folder, [...directory.names, found.name]))
    if (intent === undefined || intent.kind !== content.kind) return undefined
    if (!isSameBytes(parseContent(intent.kind, intent.content), content)) return undefined
    return { node: intent.node, version: intent.version }
  }

  /** A file of the base, as the content port knows it; `undefined` for what is no file or has no version. */
  placedFile(entry: BaseEntry): PlacedFile | undefined {
    const { content, version } = entry
    if (content.kind !== 'file' || version === undefined || entry.place === 0) return undefined
    return {
      ...{ key: entry.place.toString(36), node: entry.node, version, file: content.file },
      ...{ folder: entry.folder, names: entry.rawNames, stamp: entry.stamp },
    }
  }

  tellPlaces(placed: Iterable<BaseEntry>, released: Iterable<number>): void {
    for (const place of released) this.init.content.released(place.toString(36))
    for (const entry of placed) {
      const file = this.base.has(entry) ? this.placedFile(entry) : undefined
      if (file !== undefined) this.init.content.placed(file)
    }
  }

  /**
   * Settles what a life that ended in the middle was about to send, before anything new of others comes in: where the
   * document says it, it was sent.
   */
  recover(): void {
    for (const intent of [...this.store.leftIntents.values()].flat()) {
      if (intent.type === 'write') this.noteWrite(intent)
      else if (intent.type === 'remove') this.leftRemovals.add(intent.entry)
      else if (intent.type === 'send') this.tellPlaces([], recoverSent(this.base, this.remote, intent))
    }
  }
}
