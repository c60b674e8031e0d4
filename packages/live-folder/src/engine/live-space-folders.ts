import {
  type AbortOptions,
  DittoError,
  Exclusive,
  isDittoError,
  type MetadataStore,
  type Unsubscribe,
} from '@dittofs/interface'
import type { BaseStore } from '../base/base-store.ts'
import type { DirtyDirectories, FolderFileSystem } from '../folder-file-system.ts'
import { describePlan } from './describe-plan.ts'
import { EngineContext } from './engine-context.ts'
import { extentOf } from './extent-of.ts'
import { removeMarker, writeMarker } from './folder-marker.ts'
import { FolderRound } from './folder-round.ts'
import type { FolderRuntime } from './linked-folder.ts'
import { pauseFor } from './pause-folder.ts'
import type {
  FolderPlan,
  FolderState,
  LinkedFolder,
  SpaceFolders,
  SpaceFoldersInit,
  TrailEntry,
} from './space-folders.ts'
import { takeUpFolder } from './take-up-folder.ts'

/** Milliseconds until a round is tried again that failed as a whole, at first and at most. */
const FIRST_BACKOFF_MS = 500
const MAX_BACKOFF_MS = 60_000
const DEFAULT_RESCAN_MS = 3_600_000

type Change = Parameters<Parameters<MetadataStore['onChange']>[0]>[0]

/**
 * Keeps the live folders of a space in step, in rounds: look at what is dirty on disk, send it, then bring to disk what the
 * document shows, until nothing is left. One round at a time; what changes meanwhile is for the next one.
 */
export class LiveSpaceFolders implements SpaceFolders {
  readonly #context: EngineContext
  readonly #abort = new AbortController()
  readonly #exclusive = new Exclusive()
  readonly #listeners = new Set<() => void>()
  readonly #settledWaiters = new Set<() => void>()
  readonly #unsubscribe: Unsubscribe[] = []
  readonly #round: FolderRound
  #wake: (() => void) | undefined
  #isWoken = false
  #loop: Promise<void> | undefined
  #state: 'open' | 'closed' = 'open'
  #isTelling = false
  #backoffMs = 0
  #notBeforeMs = 0
  #isRunning = false
  #nextRescanMs = 0

  constructor(init: SpaceFoldersInit, store: BaseStore) {
    this.#context = new EngineContext(init, store)
    this.#round = new FolderRound({
      context: this.#context,
      signal: this.#abort.signal,
      onScanning: () => this.#changed(),
    })
  }

  start(): void {
    const { init, waiting } = this.#context
    this.#context.recover()
    this.#unsubscribe.push(
      init.metadata.onChange((change) => this.#onDocument(change)),
      init.content.onHeld(() => {
        for (const path of waiting.keys()) this.#context.comparePath(path, 'entry')
        if (waiting.size > 0) this.#stir()
      }),
    )
    this.#nextRescanMs = this.#context.nowMs + (init.rescanMs ?? DEFAULT_RESCAN_MS)
    this.#loop = this.#run()
  }

  async link(link: LinkedFolder, fileSystem: FolderFileSystem, { signal }: AbortOptions = {}): Promise<void> {
    signal?.throwIfAborted()
    await this.#exclusive.run(async () => {
      this.#assertOpen()
      const { folders, base } = this.#context
      const folder = await takeUpFolder(this.#context, link, fileSystem)
      folders.set(link.id, folder)
      const entry = base.folders.get(link.id)
      if (entry !== undefined) {
        for (const one of entry.subtree()) if (one.kind === 'file') this.#context.tellPlaces([one], [])
      }
      await this.#watch(folder)
      folder.markAll()
      this.#context.compareAll()
    })
    this.#stir()
  }

  async unlink(id: string): Promise<void> {
    await this.#exclusive.run(async () => {
      const folder = this.#folder(id)
      const { folders, store, base } = this.#context
      folder.abort.abort()
      folders.delete(id)
      const root = base.folders.get(id)
      const released = root === undefined ? [] : base.remove(root)
      await store.commit()
      await store.saveFolder(id, undefined)
      this.#context.tellPlaces([], released)
      await removeMarker(folder.fileSystem, id)
      await folder.fileSystem.close()
    })
    this.#stir()
  }

  async pause(id: string): Promise<void> {
    const folder = this.#folder(id)
    pauseFor(folder, 'person')
    await this.#context.store.saveFolder(id, { directoryNode: folder.link.directoryNode, isPaused: true })
    this.#changed()
  }

  async resume(id: string, { accept = false }: { readonly accept?: boolean } = {}): Promise<void> {
    const folder = this.#folder(id)
    await this.#context.store.saveFolder(id, { directoryNode: folder.link.directoryNode, isPaused: false })
    if (accept && folder.paused?.reason === 'marker') {
      await writeMarker(folder.fileSystem, id, this.#context.init.clock.now())
    }
    folder.isAccepted = accept && folder.paused?.reason === 'brake'
    folder.acceptedAtMs = this.#context.nowMs
    if (folder.isAccepted) folder.forgetLosses()
    folder.paused = undefined
    folder.markAll()
    this.#context.retryAtOnce()
    this.#context.compareAll()
    this.#stir()
  }

  rescan(id?: string): void {
    this.#assertOpen()
    const folders = id === undefined ? [...this.#context.folders.values()] : [this.#folder(id)]
    for (const folder of folders) folder.markAll()
    this.#context.retryAtOnce()
    this.#stir()
  }

  async compact(): Promise<void> {
    this.#assertOpen()
    await this.#context.store.compact()
  }

  async plan(id: string, { signal }: AbortOptions = {}): Promise<FolderPlan> {
    signal?.throwIfAborted()
    return this.#exclusive.run(() => describePlan(this.#context, this.#folder(id), this.#joined(signal)))
  }

  states(): readonly FolderState[] {
    const { folders, base, waiting, remote, nowMs } = this.#context
    const waitingIn = new Map<string, { readonly files: number; readonly bytes: number }>()
    for (const [path, id] of waiting) {
      const { files, bytes } = waitingIn.get(id) ?? { files: 0, bytes: 0 }
      waitingIn.set(id, { files: files + 1, bytes: bytes + (remote.lookup(path)?.file?.size ?? 0) })
    }
    return [...folders.values()].map((folder) => ({
      ...{ id: folder.id, mode: folder.link.mode },
      activity: folder.paused !== undefined ? 'paused' : this.#isRunning ? folder.activity : 'idle',
      ...(folder.paused === undefined ? {} : { paused: folder.paused }),
      ...base.counts(folder.id),
      ...(folder.progress === undefined ? {} : { progress: progressAt(folder.progress, nowMs) }),
      waiting: waitingIn.get(folder.id)?.files ?? 0,
      waitingBytes: waitingIn.get(folder.id)?.bytes ?? 0,
      untaken: folder.problems.filter(({ kind }) => kind === 'remote-change').length,
      unsettled: this.#context.settling.countIn(folder.id),
      problems: folder.problems,
    }))
  }

  trail(path: string, folder?: string): readonly TrailEntry[] {
    return this.#context.trail.of(path, folder === undefined ? this.#context.folders.keys() : [folder])
  }

  locate(key: string): { readonly folder: string; readonly names: readonly string[] } | undefined {
    const entry = this.#context.base.byPlace(Number.parseInt(key, 36))
    if (entry === undefined || this.#context.base.isAside(entry)) return undefined
    return { folder: entry.folder, names: entry.rawNames }
  }

  onChange(listener: () => void): Unsubscribe {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async whenSettled({ signal }: AbortOptions = {}): Promise<void> {
    signal?.throwIfAborted()
    this.#assertOpen()
    if (this.#isSettled()) return
    await new Promise<void>((resolve, reject) => {
      const done = () => {
        this.#settledWaiters.delete(done)
        signal?.removeEventListener('abort', abort)
        if (this.#state === 'closed') reject(closed())
        else resolve()
      }
      const abort = () => {
        this.#settledWaiters.delete(done)
        reject(signal?.reason as Error)
      }
      this.#settledWaiters.add(done)
      signal?.addEventListener('abort', abort, { once: true })
    })
  }

  async close(): Promise<void> {
    if (this.#state === 'closed') {
      await this.#loop
      return
    }
    this.#state = 'closed'
    for (const unsubscribe of this.#unsubscribe) unsubscribe()
    this.#abort.abort(closed())
    this.#stir()
    await this.#loop
    await this.#exclusive.run(async () => {
      for (const folder of this.#context.folders.values()) {
        folder.abort.abort()
        await folder.fileSystem.close()
      }
      await this.#context.store.close()
    })
    this.#tellSettled()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #watch(folder: FolderRuntime): Promise<void> {
    const onDirty = (dirty: DirtyDirectories) => {
      if (dirty === 'all') folder.markAll()
      else for (const names of dirty) folder.mark(names)
      this.#stir()
    }
    try {
      await folder.fileSystem.watch(onDirty, { signal: folder.abort.signal })
      folder.solve('document', '')
    } catch (error) {
      if (!isDittoError(error)) throw error
      folder.report('document', '', 'io', `Changes are found by looking from time to time only: ${error.message}`)
    }
  }

  #onDocument(change: Change): void {
    const context = this.#context
    context.epoch += 1
    const { paths, events } = change
    if (paths === undefined || events === undefined) context.compareAll()
    else for (const path of paths) context.comparePath(path, extentOf(context, path, events))
    for (const { node } of events ?? []) for (const entry of context.base.byNode(node)) context.compareEntry(entry)
    this.#stir()
  }

  #stir(): void {
    this.#isWoken = true
    this.#wake?.()
    this.#changed()
  }

  #changed(): void {
    if (this.#isTelling || this.#listeners.size === 0) return
    this.#isTelling = true
    setImmediate(() => {
      this.#isTelling = false
      for (const listener of this.#listeners) listener()
    })
  }

  #hasWork(): boolean {
    const active = [...this.#context.folders.values()].filter(({ isActive }) => isActive)
    if (active.length === 0 || this.#context.nowMs < this.#notBeforeMs) return false
    return this.#context.hasScope || active.some(({ isDirty }) => isDirty)
  }

  /** Notes what has become due. @returns when to look again */
  #markDue(): { readonly atMs: number | undefined; readonly isSoon: boolean } {
    const context = this.#context
    const { nowMs } = context
    const rescanMs = context.init.rescanMs ?? DEFAULT_RESCAN_MS
    if (rescanMs > 0 && nowMs >= this.#nextRescanMs) {
      this.#nextRescanMs = nowMs + rescanMs
      for (const folder of context.folders.values()) folder.markAll()
      context.compareAll()
    }
    const times = rescanMs > 0 ? [this.#nextRescanMs] : []
    let isSoon = false
    for (const folder of context.folders.values()) {
      const next = folder.isActive ? folder.markDue(nowMs) : undefined
      if (next === undefined) continue
      times.push(next)
      if (next - nowMs <= 2000) isSoon = true
    }
    const retry = context.markRetries()
    if (retry !== undefined) {
      times.push(retry.atMs)
      isSoon ||= retry.isSoon
    }
    if (this.#notBeforeMs > nowMs) times.push(this.#notBeforeMs)
    return { atMs: times.length === 0 ? undefined : Math.min(...times), isSoon }
  }

  #isSettled(): boolean {
    const { isSoon } = this.#markDue()
    return !this.#isRunning && !this.#hasWork() && !isSoon && this.#notBeforeMs <= this.#context.nowMs
  }

  #tellSettled(): void {
    for (const waiter of [...this.#settledWaiters]) waiter()
  }

  async #run(): Promise<void> {
    while (this.#state === 'open') {
      this.#isWoken = false
      const due = this.#markDue()
      if (!this.#hasWork()) {
        if (this.#isSettled()) this.#tellSettled()
        await this.#sleepUntil(due.atMs)
        continue
      }
      this.#isRunning = true
      try {
        await this.#exclusive.run(() => this.#round.run())
        this.#backoffMs = 0
      } catch (error) {
        if (this.#state === 'open') this.#backOff(error)
      } finally {
        this.#isRunning = false
        for (const folder of this.#context.folders.values()) folder.progress = undefined
        this.#changed()
      }
    }
  }

  #backOff(error: unknown): void {
    this.#backoffMs = Math.min(Math.max(FIRST_BACKOFF_MS, this.#backoffMs * 2), MAX_BACKOFF_MS)
    this.#notBeforeMs = this.#context.nowMs + this.#backoffMs
    for (const folder of this.#context.folders.values()) folder.markAll()
    this.#context.compareAll()
    this.#context.init.logger.error({ error, space: this.#context.init.space }, 'a round of the live folders failed')
  }

  async #sleepUntil(atMs: number | undefined): Promise<void> {
    if (this.#isWoken || this.#state === 'closed') return
    const waiting = new AbortController()
    const { clock } = this.#context.init
    await new Promise<void>((resolve) => {
      this.#wake = resolve
      if (atMs !== undefined) {
        const delayMs = Math.max(1, atMs - this.#context.nowMs)
        clock.sleep(delayMs, { signal: waiting.signal }).then(resolve, () => undefined)
      }
    })
    this.#wake = undefined
    waiting.abort()
  }

  #folder(id: string): FolderRuntime {
    this.#assertOpen()
    const folder = this.#context.folders.get(id)
    if (folder === undefined) throw new DittoError('DITTO_NOT_FOUND', 'There is no live folder of that name.')
    return folder
  }

  #joined(signal: AbortSignal | undefined): AbortSignal {
    return signal === undefined ? this.#abort.signal : AbortSignal.any([signal, this.#abort.signal])
  }

  #assertOpen(): void {
    if (this.#state === 'closed') throw closed()
  }
}

function progressAt({ sinceMs, ...progress }: NonNullable<FolderRuntime['progress']>, nowMs: number) {
  return { ...progress, elapsedMs: nowMs - sinceMs }
}

function closed(): DittoError {
  return new DittoError('DITTO_CLOSED', 'The live folders of this space are closed.')
}
