import { isDittoError, type NodeContent, type NodeId, type TreeEntry } from '@dittofs/interface'
import type { BaseEntry } from '../base/base-entry.ts'
import { contentText } from '../base/content-text.ts'
import type { Intent } from '../base/intent.ts'
import { stampText } from '../base/stamp-text.ts'
import { type LocalTree, localKey } from '../plan/local-tree.ts'
import {
  type LocalParent,
  type LocalPlace,
  type NewDirectory,
  type OutgoingPlan,
  planOutgoing,
} from '../plan/plan-outgoing.ts'
import { shownEntry } from '../plan/remote-tree.ts'
import { inSlices } from '../slices.ts'
import { countDeletions, isBraked } from './brake.ts'
import { ContentTaking, type Taken } from './content-taking.ts'
import type { EngineContext } from './engine-context.ts'
import type { FolderRuntime } from './linked-folder.ts'
import { bytesKey, directoryContent, OutgoingBatch, type OutgoingItem } from './outgoing-batch.ts'
import type { HeldChange } from './space-folders.ts'

/** Actions of one update: more would make peers wait for the whole of it. */
const MAX_ACTIONS = 1000
const DEFAULT_BRAKE_FILES = 1000

/** What is still to be taken before it can be sent. */
type Candidate =
  | Exclude<OutgoingItem, { readonly content: NodeContent } | { readonly node: NodeId }>
  | { readonly type: 'directory'; readonly item: NewDirectory }
  | { readonly type: 'leaf'; readonly item: OutgoingPlan['leaves'][number] }
  | { readonly type: 'change'; readonly item: OutgoingPlan['changes'][number] }

/** Sends what was found on disk. Bytes are held before metadata says so, and metadata says so before the base does. */
export class OutgoingRun {
  readonly #context: EngineContext
  readonly #signal: AbortSignal
  readonly #made = new Map<NewDirectory, BaseEntry>()
  readonly #vanishedBytes = new Map<string, BaseEntry>()
  readonly #foundAgain = new Set<BaseEntry>()
  readonly #taking: ContentTaking
  /** Contents taken ahead of their turn, to know what a change is. */
  #known: ReadonlyMap<LocalPlace, Taken> = new Map()

  constructor(context: EngineContext, signal: AbortSignal) {
    this.#context = context
    this.#signal = signal
    this.#taking = new ContentTaking(context, signal)
  }

  async run(local: LocalTree): Promise<void> {
    const { base, remote, store } = this.#context
    const found = await inSlices(planOutgoing(base, local, remote), this.#signal)
    for (const { entry, found: name } of found.refreshes) {
      base.update(entry, { stamp: name.stamp, rawName: name.rawName })
    }
    try {
      const plan = await this.#brake(this.#settle(found))
      const moved = new Set(plan.moves.map(({ entry }) => entry))
      const isLost = takenNames(plan)
      for (const entry of plan.vanished) if (entry.isDirectory || !isLost(entry)) this.#noteVanished(entry, moved)
      await this.#sendAll(sequence(plan))
    } finally {
      this.#taking.giveBackAll()
    }
    await store.commit()
  }

  /** While some are sent, the contents of the next are taken. */
  async #sendAll(candidates: readonly Candidate[]): Promise<void> {
    let taking = this.#take(candidates.slice(0, MAX_ACTIONS))
    for (let at = 0; at < candidates.length; at += MAX_ACTIONS) {
      const taken = await taking
      taking = this.#take(candidates.slice(at + MAX_ACTIONS, at + 2 * MAX_ACTIONS))
      try {
        await this.#send(candidates.slice(at, at + MAX_ACTIONS), taken)
      } catch (error) {
        await taking.catch(() => undefined)
        throw error
      }
      this.#taking.giveBack(taken.values())
    }
    await taking
  }

  /** What was not known yet of candidates with content. */
  async #take(candidates: readonly Candidate[]): Promise<ReadonlyMap<LocalPlace, Taken>> {
    const places = candidates.flatMap((one) => (one.type === 'leaf' || one.type === 'change' ? [one.item] : []))
    const taken = await this.#taking.take(places.filter((place) => !this.#known.has(place)))
    const known = places.flatMap((place) => {
      const one = this.#known.get(place)
      return one === undefined ? [] : [[place, one] as const]
    })
    return known.length === 0 ? taken : new Map([...taken, ...known])
  }

  /** Leaves out what is still being written, and what was there a moment ago: both are looked at again soon. */
  #settle(plan: OutgoingPlan): OutgoingPlan {
    const { settling, nowMs, init, folders, leftRemovals } = this.#context
    const wallMs = init.clock.now()
    const isStill = ({ directory, found }: LocalPlace) => {
      if (found.stamp.kind !== 'file') return true
      const key = localKey(directory.folder, [...directory.names, found.name])
      const waitMs = settling.look(key, found.stamp, nowMs, wallMs)
      if (waitMs > 0) folders.get(directory.folder)?.markAt(directory.rawNames, nowMs + waitMs)
      return waitMs === 0
    }
    const taken = new Set<string>()
    for (const { directory, found } of [...plan.leaves, ...plan.directories, ...plan.moves]) {
      taken.add(localKey(directory.folder, [...directory.names, found.name]))
    }
    const isGone = (entry: BaseEntry) => {
      const key = localKey(entry.folder, entry.path.split('/'))
      if (taken.has(key) || leftRemovals.has(entry.id)) return true
      const waitMs = settling.look(key, undefined, nowMs, wallMs)
      if (waitMs > 0) folders.get(entry.folder)?.markAt(entry.rawNames.slice(0, -1), nowMs + waitMs)
      return waitMs === 0
    }
    return {
      ...plan,
      leaves: plan.leaves.filter((place) => isStill(place)),
      changes: plan.changes.filter((place) => isStill(place)),
      vanished: plan.vanished.filter((entry) => isGone(entry)),
    }
  }

  /** Holds folders of which too much would go. */
  async #brake(plan: OutgoingPlan): Promise<OutgoingPlan> {
    const { base, folders, init } = this.#context
    const maxFiles = init.brakeFiles ?? DEFAULT_BRAKE_FILES
    const deletions = countDeletions(plan)
    const held = new Set<string>()
    const ids = new Set([...deletions.keys(), ...plan.changes.map(({ entry }) => entry.folder)])
    for (const id of ids) {
      const folder = folders.get(id)
      if (folder === undefined || folder.isAccepted) continue
      const deletedFiles = deletions.get(id) ?? 0
      const changes = plan.changes.filter(({ entry }) => entry.kind === 'file' && entry.folder === id)
      const { files } = base.counts(id)
      const lost = folder.sentLosses.count(this.#context.nowMs)
      const isTooMuch = (replacedFiles: number) =>
        isBraked({ deletedFiles: deletedFiles + lost, replacedFiles, files: files + lost }, maxFiles)
      const replacedFiles = isTooMuch(changes.length) ? await this.#countReplaced(changes) : 0
      if (!isTooMuch(replacedFiles)) {
        folder.sentLosses.add(deletedFiles, this.#context.nowMs)
        continue
      }
      holdFolder(folder, { direction: 'outgoing', deletedFiles, replacedFiles, files })
      held.add(id)
    }
    if (held.size === 0) return plan
    const isFree = ({ directory }: LocalPlace) => !held.has(directory.folder)
    return {
      directories: plan.directories.filter((place) => isFree(place)),
      moves: plan.moves.filter((place) => isFree(place)),
      leaves: plan.leaves.filter((place) => isFree(place)),
      changes: plan.changes.filter((place) => isFree(place)),
      refreshes: plan.refreshes,
      vanished: plan.vanished.filter((entry) => !held.has(entry.folder)),
    }
  }

  /** How many changes are of bytes: to know it they are read. */
  async #countReplaced(changes: OutgoingPlan['changes']): Promise<number> {
    this.#known = await this.#taking.take(changes)
    let replaced = 0
    for (const change of changes) {
      const content = this.#known.get(change)?.content
      const { content: before } = change.entry
      if (content?.kind !== 'file' || before.kind !== 'file') continue
      if (bytesKey(content.file) !== bytesKey(before.file)) replaced += 1
    }
    return replaced
  }

  #noteVanished(top: BaseEntry, moved: ReadonlySet<BaseEntry>): void {
    const pending = [top]
    for (let entry = pending.pop(); entry !== undefined; entry = pending.pop()) {
      if (moved.has(entry)) continue
      const { content } = entry
      if (content.kind === 'file' && content.file.size > 0) this.#vanishedBytes.set(bytesKey(content.file), entry)
      for (const child of entry.children?.values() ?? []) pending.push(child)
    }
  }

  async #send(candidates: readonly Candidate[], taken: ReadonlyMap<LocalPlace, Taken>): Promise<void> {
    const items = candidates.flatMap((candidate) => this.#itemOf(candidate, taken))
    if (items.length === 0) return
    const keys = await this.#context.store.announce(this.#intentsOf(items))
    try {
      await this.#transact(items)
    } catch (error) {
      if (!isDittoError(error) || !REFUSALS.has(error.code)) throw error
      // One of them is refused: the others go by themselves.
      for (const item of items) await this.#sendAlone(item)
    }
    await this.#context.store.commit(keys)
  }

  /** @param taken - files and links whose content could be taken */
  #itemOf(candidate: Candidate, taken: ReadonlyMap<LocalPlace, Taken>): OutgoingItem[] {
    const { metadata } = this.#context.init
    if (candidate.type === 'directory') return [{ ...candidate, node: metadata.makeNode('directory') }]
    if (candidate.type !== 'leaf' && candidate.type !== 'change') return [candidate]
    const found = taken.get(candidate.item)
    if (found === undefined) return []
    const { content, place } = found
    if (candidate.type === 'change') return [{ type: 'change', item: candidate.item, content, place }]
    return [{ type: 'leaf', item: candidate.item, content, place, node: metadata.makeNode(content.kind) }]
  }

  #intentsOf(items: readonly OutgoingItem[]): Intent[] {
    const making = new Map<NewDirectory, NodeId>()
    const nodeOf = (parent: LocalParent) =>
      'base' in parent ? parent.base.node : (making.get(parent.made) ?? this.#made.get(parent.made)?.node)
    return items.flatMap((item) => {
      if (item.type === 'directory') making.set(item.item, item.node)
      const parent = item.type === 'directory' || item.type === 'leaf' ? nodeOf(item.item.parent) : undefined
      return intentOf(item, parent)
    })
  }

  async #sendAlone(item: OutgoingItem): Promise<void> {
    try {
      await this.#transact([item])
    } catch (error) {
      if (!isDittoError(error) || !REFUSALS.has(error.code)) throw error
      const { base, trail } = this.#context
      const folder = 'entry' in item ? item.entry.folder : item.item.directory.folder
      const name = 'entry' in item ? item.entry.path : pathOf(item.item)
      trail.note(folder, name, 'failed', `The document refused it: ${error.message}`)
      if (item.type === 'move' && 'base' in item.item.parent) {
        // It stands where the document cannot have it: the base says where it is, and it is moved back.
        const { parent, entry, found } = item.item
        const there = parent.base.children?.get(found.name)
        if (there !== undefined && there !== entry) base.setAside(there)
        base.move(entry, parent.base, found.name, found.rawName)
        this.#context.compareEntry(entry)
      } else {
        this.#context.folders.get(folder)?.report('disk', name, 'io', error.message)
      }
    }
  }

  async #transact(items: readonly OutgoingItem[]): Promise<void> {
    const { base, remote, init, findWritten, trail } = this.#context
    const batch = new OutgoingBatch({
      ...{ base, remote, findWritten, vanishedBytes: this.#vanishedBytes },
      ...{ foundAgain: this.#foundAgain, made: this.#made },
    })
    let isAsked = false
    // A directory that was deleted elsewhere goes when the last that lives in it leaves.
    const left = items.flatMap((item) => {
      const entry = item.type === 'move' ? item.item.entry : item.type === 'delete' ? item.entry : undefined
      return entry?.parent ?? []
    })
    const results = await init.metadata.transact(async () => {
      isAsked = true
      return inSlices(batch.actions(items))
    })
    if (!isAsked) return
    batch.apply(results)
    for (const { folder, path, text } of batch.effects.notes) trail.note(folder, path, 'done', `It ${text}.`)
    for (const { directory } of batch.lookAgain) {
      this.#context.folders.get(directory.folder)?.markAt(directory.rawNames, this.#context.nowMs)
    }
    for (const entry of batch.forgotten) {
      const shown: TreeEntry | undefined = shownEntry(remote, entry)
      if (shown !== undefined) this.#context.comparePath(shown.path, 'below')
    }
    for (const item of items) {
      if (item.type === 'move' || item.type === 'change') this.#context.compareEntry(item.item.entry)
      if (item.type === 'directory') {
        const made = this.#made.get(item.item)
        if (made !== undefined) this.#context.compareEntry(made)
      }
    }
    for (const entry of [...left, ...batch.effects.placed]) this.#context.compareEntry(entry)
    this.#context.tellPlaces(batch.effects.placed, batch.effects.released)
  }
}

const REFUSALS: ReadonlySet<string> = new Set([
  'DITTO_USAGE',
  'DITTO_NOT_FOUND',
  'DITTO_EXISTS',
  'DITTO_PATH_INVALID',
  'DITTO_LIMIT',
])

/**
 * Names are freed first, then parents come before children, and what is gone at the end: what moved out of it has moved by
 * then.
 */
function sequence(plan: OutgoingPlan): readonly Candidate[] {
  const placed: Extract<Candidate, { readonly type: 'directory' | 'move' }>[] = [
    ...plan.directories.map((item) => ({ type: 'directory' as const, item })),
    ...plan.moves.map((item) => ({ type: 'move' as const, item })),
  ]
  placed.sort((a, b) => a.item.directory.names.length - b.item.directory.names.length)
  const isLost = takenNames(plan)
  const early = plan.vanished.filter((entry) => !entry.isDirectory && isLost(entry))
  const moving = [...plan.moves.map(({ entry }) => entry), ...plan.vanished.filter(({ isDirectory }) => isDirectory)]
  return [
    ...early.map((entry) => ({ type: 'delete' as const, entry })),
    ...moving.filter((entry) => isLost(entry)).map((entry) => ({ type: 'vacate' as const, entry })),
    ...placed,
    ...plan.leaves.map((item) => ({ type: 'leaf' as const, item })),
    ...plan.changes.map((item) => ({ type: 'change' as const, item })),
    ...plan.vanished.filter((entry) => !early.includes(entry)).map((entry) => ({ type: 'delete' as const, entry })),
  ]
}

/** Whether something else takes the name that an entry has in the base. */
function takenNames({ directories, moves, leaves }: OutgoingPlan): (entry: BaseEntry) => boolean {
  const takers = new Map<string, BaseEntry | undefined>()
  for (const { parent, found } of [...directories, ...leaves]) {
    if ('base' in parent) takers.set(`${parent.base.id}/${found.name}`, undefined)
  }
  for (const { parent, found, entry } of moves)
    if ('base' in parent) takers.set(`${parent.base.id}/${found.name}`, entry)
  return (entry) => {
    const spot = `${entry.parent?.id}/${entry.name}`
    return takers.has(spot) && takers.get(spot) !== entry
  }
}

/** @param parent - where something new comes to stand */
function intentOf(item: OutgoingItem, parent: NodeId | undefined): Intent[] {
  if (item.type !== 'leaf' && item.type !== 'change' && item.type !== 'directory') return []
  const { directory, found } = item.item
  const content: NodeContent = item.type === 'directory' ? directoryContent(found.stamp) : item.content
  const place = {
    ...{ type: 'send' as const, folder: directory.folder, names: [...directory.names, found.name] },
    ...{ rawName: found.rawName, kind: content.kind, content: contentText(content), stamp: stampText(found.stamp) },
    ...('place' in item && item.place !== 0 ? { place: item.place } : {}),
  }
  if (item.type === 'change') {
    const { node, version, parent: above } = item.item.entry
    if (content.kind === 'directory' || version === undefined || above === undefined) return []
    return [{ ...place, node, parent: above.node, base: version }]
  }
  return parent === undefined ? [] : [{ ...place, node: item.node, parent }]
}

export function holdFolder(folder: FolderRuntime, held: HeldChange): void {
  const { deletedFiles, replacedFiles, files, direction } = held
  const where = direction === 'outgoing' ? 'On this disk' : 'On other devices'
  const message = `${where} ${deletedFiles} of ${files} files were deleted and ${replacedFiles} replaced; accept it to go on.`
  folder.paused = { reason: 'brake', message, held }
}

function pathOf({ directory, found }: LocalPlace): string {
  return [...directory.names, found.name].join('/')
}
