import { isDittoError } from '@dittofs/interface'
import type { LocalDirectory } from '../plan/local-tree.ts'
import type { EngineContext } from './engine-context.ts'
import { findRootFault } from './folder-marker.ts'
import { IncomingRun } from './incoming-run.ts'
import type { FolderRuntime } from './linked-folder.ts'
import { OutgoingRun } from './outgoing-run.ts'
import { pauseFor } from './pause-folder.ts'
import { describeDifferences } from './report-differences.ts'
import { scanFolders } from './scan.ts'

/** The directories of a folder to look at. */
type DirtyNames = readonly (readonly string[])[] | 'all'
type DirtyFolders = ReadonlyMap<FolderRuntime, DirtyNames>

export interface FolderRoundInit {
  context: EngineContext
  /** Ends the round between two steps. */
  signal: AbortSignal
  /** Called once it is known which folders are looked at. */
  onScanning: () => void
}

/** How long a yes holds at most where the change it was for is not still. */
const ACCEPTED_MS = 10_000

/** One round over the folders of a space: look at what is dirty on disk, send it, then bring to disk what came. */
export class FolderRound {
  readonly #context: EngineContext
  readonly #signal: AbortSignal
  readonly #onScanning: () => void

  constructor({ context, signal, onScanning }: FolderRoundInit) {
    this.#context = context
    this.#signal = signal
    this.#onScanning = onScanning
  }

  async run(): Promise<void> {
    const context = this.#context
    const signal = this.#signal
    signal.throwIfAborted()
    await this.#checkRoots()
    const dirty = new Map<FolderRuntime, DirtyNames>()
    for (const folder of context.folders.values()) {
      if (!folder.isActive || !folder.isDirty) continue
      folder.activity = 'scanning'
      dirty.set(folder, folder.takeDirty())
    }
    this.#onScanning()
    if (dirty.size > 0) await this.#send(dirty)
    for (const folder of context.folders.values()) folder.activity = 'syncing'
    if (context.hasScope) {
      await new IncomingRun(context, signal).run(context.takeScope())
      context.endScope()
    }
    for (const [folder, names] of dirty) {
      folder.isTakenUp ||= this.#isStill(folder)
      if (names === 'all' && folder.isActive) await this.#endWholeLook(folder)
    }
  }

  async #send(dirty: DirtyFolders): Promise<void> {
    const context = this.#context
    const signal = this.#signal
    const scan = await scanFolders(context.base, dirty, context.folders, signal)
    for (const folder of scan.missingRoots) pauseFor(folder, 'root-missing')
    if (scan.isTorn) {
      for (const [folder, names] of dirty) {
        if (names === 'all') folder.markAll()
        else for (const one of names) folder.markAt(one, context.nowMs + 10)
      }
      return
    }
    const sent = new Map<string, LocalDirectory>()
    const kept = new Map<string, LocalDirectory>()
    for (const [key, directory] of scan.directories) {
      const folder = context.folders.get(directory.folder)
      if (folder?.isActive !== true) continue
      if (folder.link.mode === 'receive') kept.set(key, directory)
      else sent.set(key, directory)
    }
    for (const folder of dirty.keys()) folder.activity = 'syncing'
    if (kept.size > 0) await describeDifferences(context, kept, signal)
    if (sent.size > 0) await new OutgoingRun(context, signal).run(sent)
    for (const folder of dirty.keys()) {
      // What a person agreed to is sent once it was still for a moment, which may take some looks.
      const mayWait = context.nowMs < folder.acceptedAtMs + ACCEPTED_MS
      if (folder.isActive) folder.isAccepted &&= context.hasScope || (mayWait && !this.#isStill(folder))
    }
  }

  async #checkRoots(): Promise<void> {
    for (const folder of this.#context.folders.values()) {
      if (!folder.isActive) continue
      const directory = this.#context.remote.find(folder.link.directoryNode)
      if (directory?.kind !== 'directory') {
        pauseFor(folder, 'directory-gone')
        continue
      }
      try {
        const fault = await findRootFault(folder.fileSystem, folder.id)
        if (fault !== undefined) folder.paused = fault
      } catch (error) {
        if (!isDittoError(error)) throw error
        folder.paused = { reason: 'root-missing', message: `The folder cannot be looked at: ${error.message}` }
      }
    }
  }

  /** Whether nothing in it is to be looked at again soon. The first look at a folder is at all of it. */
  #isStill(folder: FolderRuntime): boolean {
    return !folder.isDirty && this.#context.settling.countIn(folder.id) === 0
  }

  /** After a whole look at a folder, what was about to happen when this device stopped is settled. */
  async #endWholeLook(folder: FolderRuntime): Promise<void> {
    const { store, leftRemovals } = this.#context
    if (!this.#isStill(folder) || store.leftIntents.size === 0) return
    const linked = new Set(this.#context.folders.keys())
    if ([...store.folders.keys()].some((id) => !linked.has(id))) return
    await store.commit([...store.leftIntents.keys()])
    store.leftIntents.clear()
    leftRemovals.clear()
  }
}
