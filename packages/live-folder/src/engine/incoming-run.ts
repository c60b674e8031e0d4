import { DittoError, type FileContent, isDittoError } from '@dittofs/interface'
import type { BaseEntry } from '../base/base-entry.ts'
import { contentOf, contentText, isSameBytes } from '../base/content-text.ts'
import type { Intent } from '../base/intent.ts'
import type { DiskStamp } from '../disk-stamp.ts'
import type { IncomingPlan, IncomingScope, IncomingStep, PlannedFolder } from '../plan/incoming-plan.ts'
import { planIncoming } from '../plan/plan-incoming.ts'
import { parentPath, shownEntry } from '../plan/remote-tree.ts'
import { type DiskEntry, isMade, type MadeEntry } from '../plan/simulated-disk.ts'
import { inSlices } from '../slices.ts'
import { countIncoming, isBraked } from './brake.ts'
import { concurrently } from './concurrently.ts'
import type { EngineContext } from './engine-context.ts'
import { fitsIn } from './fits-in.ts'
import type { FolderRuntime } from './linked-folder.ts'
import { identity } from './outgoing-batch.ts'
import { holdFolder } from './outgoing-run.ts'
import { putAside } from './put-aside.ts'
import { reportError } from './report-error.ts'

/** Steps between two barriers of disk and base. */
const MAX_STEPS = 256
/** Files written at once. */
const CONCURRENT_WRITES = 8
/** Plans begun before the document changed under each; then it is planned in one go. */
const MAX_RESTARTS = 3
const DEFAULT_BRAKE_FILES = 1000

/** What is said of a step of others that a folder does not take. */
const UNTAKEN: Partial<Readonly<Record<IncomingStep['type'], string>>> = {
  create: 'This was made by others only: the folder only sends.',
  replace: 'This was changed by others only: the folder only sends.',
  attributes: 'This was changed by others only: the folder only sends.',
  move: 'This was moved by others only: the folder only sends.',
  remove: 'This was deleted by others only: the folder only sends.',
}

/** Brings the disk to what the document shows. Each step looks first whether the disk still is what the base says. */
export class IncomingRun {
  readonly #context: EngineContext
  readonly #signal: AbortSignal
  readonly #made = new Map<MadeEntry, BaseEntry>()
  readonly #placed = new Set<BaseEntry>()
  readonly #released: number[] = []
  /** What a step was about that was not done: what else is done for the same does not bring it in step. */
  readonly #undone = new Set<string | BaseEntry>()

  constructor(context: EngineContext, signal: AbortSignal) {
    this.#context = context
    this.#signal = signal
  }

  async run(scope: IncomingScope): Promise<void> {
    const plan = this.#brake(await this.#plan(scope))
    this.#solve(scope)
    this.#report(plan)
    const { steps } = plan
    this.#reportUntaken(plan)
    for (const step of steps) this.#progress(step, 'planned')
    for (let at = 0; at < steps.length; at += MAX_STEPS) await this.#carryOut(steps.slice(at, at + MAX_STEPS))
  }

  async #plan(scope: IncomingScope): Promise<IncomingPlan> {
    const { base, remote } = this.#context
    const init = { base, remote, folders: plannedFolders(this.#context), scope, firstNumber: base.nextNumber }
    for (let tries = 0; tries < MAX_RESTARTS; tries += 1) {
      const { epoch } = this.#context
      const plan = await inSlices(planIncoming(init), this.#signal)
      if (epoch === this.#context.epoch) return this.#keepNumbers(plan)
    }
    const steps = planIncoming(init)
    for (let step = steps.next(); ; step = steps.next()) if (step.done === true) return this.#keepNumbers(step.value)
  }

  /** Names of what is put aside are never given again, even if the plan is dropped. */
  #keepNumbers(plan: IncomingPlan): IncomingPlan {
    const staged = plan.steps.filter((step) => step.type === 'move' && step.isStaging).length
    this.#context.base.nextNumber += staged
    return plan
  }

  /** Problems with what is compared anew are met again, or are none any more. */
  #solve(scope: IncomingScope): void {
    for (const folder of this.#context.folders.values()) if (scope === 'all') folder.solveAll('document')
    if (scope === 'all') return
    for (const { id, path: root } of plannedFolders(this.#context)) {
      for (const path of scope.paths.keys()) {
        if (root !== '' && !path.startsWith(`${root}/`)) continue
        this.#context.folders.get(id)?.solve('document', root === '' ? path : path.slice(root.length + 1))
      }
    }
  }

  #report({ leftOut }: IncomingPlan): void {
    const { folders } = this.#context
    for (const { folder, path, kind, shownPath } of leftOut) {
      this.#context.leftOut.add(shownPath)
      const message =
        kind === 'case-clash'
          ? 'Another name differs from this one by case only, and this disk cannot hold both; rename one of them.'
          : 'This directory is a live folder of its own on this device, so it is not written here as well.'
      folders.get(folder)?.report('document', path, kind, message)
    }
  }

  #brake(plan: IncomingPlan): IncomingPlan {
    const { base, folders, init, remote } = this.#context
    const planned = plannedFolders(this.#context)
    const isKept = (entry: BaseEntry) => {
      const shown = shownEntry(remote, entry)
      return (
        shown !== undefined &&
        planned.some(({ path }) => path === '' || shown.path === path || shown.path.startsWith(`${path}/`))
      )
    }
    const held = new Set<string>()
    for (const [id, counts] of countIncoming(plan.steps, isKept)) {
      const folder = folders.get(id)
      const { files } = base.counts(id)
      if (folder === undefined || folder.isAccepted) continue
      const lost = folder.takenLosses.count(this.#context.nowMs)
      const all = { ...counts, deletedFiles: counts.deletedFiles + lost, files: files + lost }
      if (!isBraked(all, init.brakeFiles ?? DEFAULT_BRAKE_FILES)) continue
      holdFolder(folder, { direction: 'incoming', ...counts, files })
      held.add(id)
    }
    return held.size === 0 ? plan : { ...plan, steps: plan.steps.filter(({ folder }) => !held.has(folder)) }
  }

  async #carryOut(all: readonly IncomingStep[]): Promise<void> {
    const { store, folders } = this.#context
    const steps = await this.#withRoom(await this.#withContent(all))
    const kept = new Set(steps)
    for (const step of all) if (!kept.has(step)) this.#progress(step, 'left')
    const intents: Intent[] = []
    for (const step of steps) intents.push(...this.#intentsOf(step))
    const keys = await store.announce(intents)
    for (let at = 0; at < steps.length; ) {
      this.#signal.throwIfAborted()
      // Files that are made do not depend on each other.
      let end = at
      while (end < steps.length && isNewFile(steps[end] as IncomingStep)) end += 1
      if (end === at) end += 1
      await concurrently(steps.slice(at, end), CONCURRENT_WRITES, (step) => this.#do(step))
      at = end
    }
    const touched = new Set(steps.map(({ folder }) => folder))
    for (const id of touched) await folders.get(id)?.fileSystem.flush()
    await store.commit(keys)
    this.#context.tellPlaces(this.#placed, this.#released.splice(0))
    this.#placed.clear()
  }

  /** Leaves out files whose content has not come. */
  async #withContent(steps: readonly IncomingStep[]): Promise<IncomingStep[]> {
    const { init, waiting } = this.#context
    const needed = steps.filter((step) => fileOf(step) !== undefined)
    if (needed.length === 0) return [...steps]
    // Before it is asked what is held: what comes meanwhile then finds who waits for it.
    for (const step of needed) waiting.set(this.#documentPath(step), step.folder)
    const held = await init.content.areHeld(needed.map((step) => fileOf(step) as FileContent))
    const missing = new Set(needed.filter((_step, at) => held[at] !== true))
    for (const step of needed) if (!missing.has(step)) waiting.delete(this.#documentPath(step))
    for (const step of missing) {
      this.#context.trail.note(
        step.folder,
        step.path,
        'decided',
        'It waits for its content to come from another device.',
      )
    }
    return steps.filter((step) => !missing.has(step))
  }

  /** Leaves out files for which the disk has no room, until it has. */
  async #withRoom(steps: IncomingStep[]): Promise<IncomingStep[]> {
    const { init, folders, trail } = this.#context
    if (init.roomFor === undefined) return steps
    const waiting = new Set<IncomingStep>()
    const written = steps.filter((step) => fileOf(step) !== undefined)
    for (const id of new Set(written.map(({ folder }) => folder))) {
      const own = written.filter(({ folder }) => folder === id)
      const sizes = own.map((step) => fileOf(step)?.size ?? 0)
      const fits = fitsIn(sizes, await init.roomFor(id))
      for (const [at, step] of own.entries()) {
        if (fits[at] === true) continue
        waiting.add(step)
        const message = `It waits for room: ${sizes[at]} bytes are to be written, and too little of this disk would stay free.`
        folders.get(id)?.report('document', step.path, 'no-space', message)
        trail.note(id, step.path, 'decided', message)
        this.#again(step)
      }
    }
    return waiting.size === 0 ? steps : steps.filter((step) => !waiting.has(step))
  }

  #intentsOf(step: IncomingStep): Intent[] {
    if (step.type === 'remove') return [{ type: 'remove', entry: step.entry.id }]
    if (step.type === 'move' && step.isStaging) return [{ type: 'stage', entry: step.entry.id, name: step.name }]
    if (step.type !== 'create' && step.type !== 'replace') return []
    const shown = step.type === 'create' ? step.made.shown : step.shown
    if (shown.kind === 'directory' || shown.version === undefined) return []
    const intent = {
      ...{ type: 'write' as const, folder: step.folder, names: step.path.split('/'), node: shown.node },
      ...{ version: shown.version, kind: shown.kind, content: contentText(contentOf(shown)) },
    }
    this.#context.noteWrite(intent)
    return [intent]
  }

  async #do(step: IncomingStep): Promise<void> {
    const { folders, trail } = this.#context
    const folder = folders.get(step.folder)
    if (folder === undefined) return
    // What a person paused in the middle stays as it is; all of it is compared when it goes on.
    if (folder.paused !== undefined) return
    folder.solve('document', step.path)
    try {
      const isDone = await this.#try(step, folder)
      this.#progress(step, 'done')
      if (!isDone) {
        trail.note(step.folder, step.path, 'decided', 'It is looked at again: something before it did not happen.')
        this.#again(step)
        return
      }
      for (const what of this.#subjectsOf(step)) if (!this.#undone.has(what)) this.#context.succeeded(what)
    } catch (error) {
      this.#signal.throwIfAborted()
      if (!isDittoError(error)) throw error
      trail.note(step.folder, step.path, 'failed', error.message)
      await this.#surprised(step, folder, error)
    }
  }

  async #surprised(step: IncomingStep, folder: FolderRuntime, error: { code: string; message: string }): Promise<void> {
    const { nowMs } = this.#context
    this.#again(step)
    if (error.code === 'DITTO_CHUNK_MISSING') return
    const isLocal = error.code === 'DITTO_FILE_CHANGED' || error.code === 'DITTO_EXISTS'
    const entry = 'entry' in step && !isMade(step.entry) ? step.entry : undefined
    if (isLocal && folder.link.mode === 'receive') {
      await putAside(this.#context, folder, entry, step.path)
      return
    }
    for (const path of new Set([step.path, ...(entry === undefined ? [] : [entry.path])])) {
      folder.markAt(this.#rawDirectory(folder, path), nowMs + (isLocal ? 0 : 5000))
    }
    if (!isLocal) reportError(folder, 'document', step.path, error)
  }

  /** The directory of a path, in the names it has on disk. */
  #rawDirectory(folder: FolderRuntime, path: string): readonly string[] {
    const names = parentPath(path)
      .split('/')
      .filter((name) => name !== '')
    return this.#context.base.at(folder.id, names)?.rawNames ?? names
  }

  #again(step: IncomingStep): void {
    for (const what of this.#subjectsOf(step)) {
      this.#undone.add(what)
      this.#context.retry(what)
    }
  }

  /**
   * Its path in the document, and what the base has of it. Where that was to go to the path and did not, nothing tells of
   * it any more once the path is another's, or gone.
   */
  #subjectsOf(step: IncomingStep): readonly (string | BaseEntry)[] {
    const entry = 'entry' in step ? this.#resolve(step.entry) : undefined
    return entry === undefined ? [this.#documentPath(step)] : [this.#documentPath(step), entry]
  }

  /** Where the document shows what the step is about, or would. */
  #documentPath(step: IncomingStep): string {
    if (step.type === 'create') return step.made.shown.path
    if (step.type === 'replace' || step.type === 'attributes' || step.type === 'adopt') return step.shown.path
    const shown = shownEntry(this.#context.remote, step.entry)
    if (shown !== undefined) return shown.path
    const root = plannedFolders(this.#context).find(({ id }) => id === step.folder)?.path ?? ''
    return root === '' ? step.path : `${root}/${step.path}`
  }

  /** `left`: it is not for this round. */
  #progress(step: IncomingStep, what: 'planned' | 'done' | 'left'): void {
    const folder = this.#context.folders.get(step.folder)
    if (folder === undefined) return
    const sinceMs = this.#context.nowMs
    const before = folder.progress ?? { steps: 0, doneSteps: 0, bytes: 0, doneBytes: 0, sinceMs }
    const size = fileOf(step)?.size ?? 0
    if (what === 'done') {
      folder.progress = { ...before, doneSteps: before.doneSteps + 1, doneBytes: before.doneBytes + size }
      return
    }
    const sign = what === 'planned' ? 1 : -1
    folder.progress = { ...before, steps: before.steps + sign, bytes: before.bytes + sign * size }
  }

  /** Tells what others did that a folder which only sends does not take. */
  #reportUntaken({ untaken }: IncomingPlan): void {
    for (const step of untaken) {
      if (this.#context.folders.get(step.folder)?.link.mode !== 'send') continue
      const message = UNTAKEN[step.type]
      if (message === undefined || (step.type === 'move' && step.isStaging)) continue
      this.#context.folders.get(step.folder)?.report('document', step.path, 'remote-change', message)
    }
  }

  /** @returns whether it was done; else something it needs is not there */
  async #try(step: IncomingStep, folder: FolderRuntime): Promise<boolean> {
    const { base } = this.#context
    if (step.type === 'create') return this.#create(step, folder)
    const entry = this.#resolve(step.entry)
    if (entry === undefined || !base.has(entry)) return false
    if (step.type === 'move') return this.#move(step, entry, folder)
    if (step.type === 'remove') return this.#remove(step, entry, folder)
    if (step.type === 'adopt') {
      base.update(entry, { ...identity(step.shown), content: contentOf(step.shown) })
      if (entry.kind === 'file') this.#placed.add(entry)
      return true
    }
    if (step.type === 'attributes') return this.#setAttributes(step, entry, folder)
    return this.#replace(step, entry, folder)
  }

  #resolve(entry: DiskEntry): BaseEntry | undefined {
    return isMade(entry) ? this.#made.get(entry) : entry
  }

  async #move(
    step: Extract<IncomingStep, { readonly type: 'move' }>,
    entry: BaseEntry,
    folder: FolderRuntime,
  ): Promise<boolean> {
    const { base } = this.#context
    const parent = this.#resolve(step.parent)
    if (parent === undefined || !base.has(parent) || parent.isInside(entry)) return false
    const there = parent.children?.get(step.name)
    if (there !== undefined && there !== entry) return false
    const [from, to] = [entry.rawNames, [...parent.rawNames, step.name]]
    if (await this.#isTakenInOtherSpelling(folder, entry, to)) throw changedMeanwhile(step.path)
    const stamp = await folder.fileSystem.rename(from, to, entry.stamp)
    if (entry.isDirectory) folder.noteMove(from, to, this.#context.nowMs)
    this.#note(step, `was renamed here from ${step.from}`)
    base.move(entry, parent, step.name)
    base.update(entry, { stamp })
    return true
  }

  /** Many disks hold a name beside the same one in another normal form; in the space they are one. */
  async #isTakenInOtherSpelling(
    folder: FolderRuntime,
    entry: BaseEntry | undefined,
    names: readonly string[],
  ): Promise<boolean> {
    const name = names.at(-1) as string
    const other = name.normalize('NFD')
    if (other === name) return false
    const there = await folder.fileSystem.stat([...names.slice(0, -1), other])
    return there !== undefined && (entry === undefined || there.ino !== entry.stamp.ino)
  }

  async #remove(step: IncomingStep, entry: BaseEntry, folder: FolderRuntime): Promise<boolean> {
    const { base } = this.#context
    if (entry.children !== undefined) return false
    await this.#preserve(entry)
    try {
      await folder.fileSystem.remove(entry.rawNames, entry.stamp)
    } catch (error) {
      if (!isDittoError(error, 'DITTO_EXISTS') || !entry.isDirectory) throw error
      // It holds what is not of the space: that stays, with the directory. If it is to be synced, the next look finds it.
      folder.report(
        'document',
        step.path,
        'not-empty',
        'The directory was deleted, but stays: something in it is not synced.',
      )
      folder.mark(entry.parent?.rawNames ?? [])
    }
    this.#note(step, 'was removed: the space has it no longer')
    if (entry.kind === 'file') folder.takenLosses.add(1, this.#context.nowMs)
    for (const place of base.remove(entry)) this.#released.push(place)
    return true
  }

  async #create(step: Extract<IncomingStep, { readonly type: 'create' }>, folder: FolderRuntime): Promise<boolean> {
    const { base, init } = this.#context
    const { shown, name } = step.made
    const parent = this.#resolve(step.made.parent)
    if (parent === undefined || !base.has(parent) || parent.children?.has(name) === true) return false
    const names = [...parent.rawNames, name]
    if (await this.#isTakenInOtherSpelling(folder, undefined, names)) throw changedMeanwhile(step.path)
    let content = contentOf(shown)
    let stamp: DiskStamp | undefined
    if (content.kind === 'directory') {
      stamp = await this.#makeDirectory(folder, names)
      content = { kind: 'directory', directory: { ...content.directory, mode: stamp.mode } }
    } else if (content.kind === 'symlink') {
      stamp = await folder.fileSystem.makeSymlink(names, content.symlink, undefined)
    } else {
      stamp = await folder.fileSystem.writeFile(names, sourceOf(content.file, init.content, this.#signal), undefined)
    }
    if (stamp === undefined) {
      folder.report(
        'document',
        step.path,
        'link',
        'This symlink is not made here: it leads out of the folder, or this disk has none.',
      )
      return true
    }
    const entry = base.add({ parent, name, rawName: name, ...identity(shown), content, stamp })
    this.#made.set(step.made, entry)
    if (entry.kind === 'file') this.#placed.add(entry)
    this.#context.forgetWrite(step.folder, step.path.split('/'))
    this.#note(step, 'was written as the space has it')
    return true
  }

  /**
   * One of that name that stands there already becomes the space's: what is in it is looked at. Not one that the base knows:
   * somebody moved it here, as the next look finds, and in the base it would stand in two places.
   */
  async #makeDirectory(folder: FolderRuntime, names: readonly string[]): Promise<DiskStamp> {
    try {
      return await folder.fileSystem.makeDirectory(names)
    } catch (error) {
      if (!isDittoError(error, 'DITTO_EXISTS')) throw error
      const stamp = await folder.fileSystem.stat(names)
      if (stamp?.kind !== 'directory' || this.#context.base.byInode(stamp).length > 0) throw error
      folder.mark(names)
      return stamp
    }
  }

  async #replace(
    step: Extract<IncomingStep, { readonly type: 'replace' }>,
    entry: BaseEntry,
    folder: FolderRuntime,
  ): Promise<boolean> {
    const { base, init } = this.#context
    const content = contentOf(step.shown)
    if (content.kind === 'directory' || content.kind !== entry.kind) return false
    await this.#preserve(entry)
    const stamp =
      content.kind === 'symlink'
        ? await folder.fileSystem.makeSymlink(entry.rawNames, content.symlink, entry.stamp)
        : await folder.fileSystem.writeFile(
            entry.rawNames,
            sourceOf(content.file, init.content, this.#signal),
            entry.stamp,
          )
    if (stamp === undefined) {
      folder.report(
        'document',
        step.path,
        'link',
        'This symlink is not made here: it leads out of the folder, or this disk has none.',
      )
      return true
    }
    const isOther = !isSameBytes(entry.content, content)
    if (isOther && entry.place !== 0) this.#released.push(entry.place)
    base.update(entry, { ...identity(step.shown), content, stamp }, isOther)
    if (entry.kind === 'file') this.#placed.add(entry)
    this.#context.forgetWrite(step.folder, step.path.split('/'))
    this.#note(step, 'was replaced by what the space has')
    return true
  }

  async #setAttributes(
    step: Extract<IncomingStep, { readonly type: 'attributes' }>,
    entry: BaseEntry,
    folder: FolderRuntime,
  ): Promise<boolean> {
    const { base } = this.#context
    const content = contentOf(step.shown)
    const { stamp: before } = entry
    const wanted =
      content.kind === 'file'
        ? { mode: content.file.mode, mtimeNs: content.file.mtimeNs }
        : content.kind === 'symlink'
          ? { mtimeNs: content.symlink.mtimeNs }
          : { mode: content.directory.mode, mtimeNs: before.mtimeNs }
    const isSame = wanted.mode === before.mode && wanted.mtimeNs === before.mtimeNs
    const stamp = isSame ? before : await folder.fileSystem.setAttributes(entry.rawNames, wanted, before)
    base.update(entry, { ...identity(step.shown), content, stamp })
    if (entry.kind === 'file') this.#placed.add(entry)
    if (!isSame) this.#note(step, 'got the mode and time that the space has')
    return true
  }

  async #preserve(entry: BaseEntry): Promise<void> {
    const file = this.#context.placedFile(entry)
    if (file !== undefined) await this.#context.init.content.preserve(file, { signal: this.#signal })
  }

  #note(step: IncomingStep, text: string): void {
    this.#context.trail.note(step.folder, step.path, 'done', `It ${text}.`)
  }
}

function changedMeanwhile(path: string): DittoError {
  return new DittoError('DITTO_FILE_CHANGED', `Something else came to "${path}" meanwhile.`)
}

export function plannedFolders({ folders, remote }: EngineContext): PlannedFolder[] {
  const planned: PlannedFolder[] = []
  for (const { id, link, foldsCase, isActive } of folders.values()) {
    const directory = remote.find(link.directoryNode)
    if (directory?.kind !== 'directory') continue
    planned.push({ id, path: directory.path, foldsCase, isWritten: isActive && link.mode !== 'send' })
  }
  return planned
}

function sourceOf(file: FileContent, content: EngineContext['init']['content'], signal: AbortSignal) {
  const { size, mode, mtimeNs } = file
  return { content: () => content.read(file, { signal }), size, mode, mtimeNs }
}

function fileOf(step: IncomingStep): FileContent | undefined {
  if (step.type === 'create') return step.made.shown.file
  return step.type === 'replace' ? step.shown.file : undefined
}

function isNewFile(step: IncomingStep): boolean {
  return step.type === 'create' && step.made.shown.kind === 'file'
}
