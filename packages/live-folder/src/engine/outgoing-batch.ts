import type { Action, FileContent, NodeContent, NodeId, TreeEntry } from '@dittofs/interface'
import type { BaseEntry } from '../base/base-entry.ts'
import type { BaseTree } from '../base/base-tree.ts'
import { contentOf, contentText, isSameBytes } from '../base/content-text.ts'
import type { DiskStamp } from '../disk-stamp.ts'
import type { LocalChange, LocalMove, LocalParent, LocalPlace, NewDirectory, NewLeaf } from '../plan/plan-outgoing.ts'
import { type RemoteTree, shownEntry } from '../plan/remote-tree.ts'
import { isShownIn, planDeletion } from './plan-deletion.ts'

/** One thing to send. Files and links come with their content, as it was taken. */
export type OutgoingItem =
  | {
      /**
       * Takes a name of its own for the moment, because something else takes its name before it goes. Without it the other
       * one would be shown as a conflict copy, and keep that name.
       */
      readonly type: 'vacate'
      readonly entry: BaseEntry
    }
  | {
      readonly type: 'directory'
      readonly item: NewDirectory
      /** What it becomes, unless it is the space's already. */
      readonly node: NodeId
    }
  | { readonly type: 'move'; readonly item: LocalMove }
  | {
      readonly type: 'leaf'
      readonly item: NewLeaf
      readonly content: NodeContent
      /** The number of the place that a file's bytes have; 0 for a link. */
      readonly place: number
      /** What it becomes, unless it is the space's already. */
      readonly node: NodeId
    }
  | { readonly type: 'change'; readonly item: LocalChange; readonly content: NodeContent; readonly place: number }
  | { readonly type: 'delete'; readonly entry: BaseEntry }

/** What became of the base: for the places of files, and for the trail. */
export interface BaseEffects {
  readonly placed: BaseEntry[]
  readonly released: number[]
  readonly notes: { readonly folder: string; readonly path: string; readonly text: string }[]
}

/** A version of the document that is known to have been written to a path, though the base does not say so. */
export type FindWritten = (place: LocalPlace, content: NodeContent) => BaseIdentity | undefined

export interface BaseIdentity {
  readonly node: NodeId
  readonly nodes?: readonly NodeId[] | undefined
  readonly version: TreeEntry['version']
}

interface Pending {
  readonly actions: readonly Action[]
  /** Brings the base up to date. @param results - of the actions */
  readonly apply: (results: readonly (TreeEntry | undefined)[]) => void
}

export interface OutgoingBatchInit {
  readonly base: BaseTree
  readonly remote: RemoteTree
  readonly findWritten: FindWritten
  /** Files that vanished, by content: a new file with the bytes of one is that one, moved. */
  readonly vanishedBytes: Map<string, BaseEntry>
  /** Those that were found again so. */
  readonly foundAgain: Set<BaseEntry>
  /** The directories made so far; filled by each batch. */
  readonly made: Map<NewDirectory, BaseEntry>
}

/**
 * Turns what was found on disk into actions, against the document as it is when nothing else can change it, and then what
 * the document made of them into the base.
 */
export class OutgoingBatch {
  readonly effects: BaseEffects = { placed: [], released: [], notes: [] }
  readonly #init: OutgoingBatchInit
  readonly #pending: Pending[] = []
  readonly #nodes = new Map<NewDirectory, NodeId>()
  readonly #moves: BaseEntry[] = []
  /** Deletions the document does not want: the base forgets the path, and it comes back as it is now. */
  readonly forgotten: BaseEntry[] = []
  /** Places where something is left to be sent. */
  readonly lookAgain: LocalPlace[] = []

  constructor(init: OutgoingBatchInit) {
    this.#init = init
  }

  *actions(items: readonly OutgoingItem[]): Generator<void, readonly Action[]> {
    for (const one of items) {
      if (one.type === 'vacate') this.#pending.push(this.#vacate(one.entry))
      else if (one.type === 'directory') this.#pending.push(this.#makeDirectory(one.item, one.node))
      else if (one.type === 'move') this.#pending.push(this.#move(one.item))
      else if (one.type === 'leaf') this.#pending.push(this.#makeLeaf(one))
      else if (one.type === 'change') this.#pending.push(this.#change(one))
      else this.#pending.push(yield* this.#delete(one.entry))
      if (this.#pending.length % 100 === 0) yield
    }
    return this.#pending.flatMap(({ actions }) => actions)
  }

  /** @param results - of all actions, in order */
  apply(results: readonly (TreeEntry | undefined)[]): void {
    // Names are exchanged and handed on: everything that moves leaves its name before anything takes one.
    for (const entry of this.#moves) this.#init.base.setAside(entry)
    let at = 0
    for (const { actions, apply } of this.#pending) {
      apply(results.slice(at, at + actions.length))
      at += actions.length
    }
  }

  #vacate(entry: BaseEntry): Pending {
    const { remote, base } = this.#init
    const shown = shownEntry(remote, entry)
    const { parent } = entry
    const isThere = shown !== undefined && parent !== undefined && isShownIn(remote, shown, parent.nodes, entry.name)
    if (!isThere || shown.conflictOf !== undefined) return { actions: [], apply: () => undefined }
    const version = entry.isDirectory || entry.version === undefined ? {} : { version: entry.version }
    const name = `moving ${base.takeNumber()} ${shown.node}`
    return {
      actions: [{ type: 'place', node: shown.node, ...version, parent: parent.node, name }],
      apply: () => undefined,
    }
  }

  #makeDirectory(item: NewDirectory, node: NodeId): Pending {
    const { base, remote } = this.#init
    const { mode } = item.found.stamp
    const content = directoryContent(item.found.stamp)
    const shown = item.adopts === undefined ? undefined : remote.find(item.adopts.node)
    const isAdopted = shown?.kind === 'directory' && nodes(shown).every((node) => base.byNode(node).length === 0)
    if (isAdopted) {
      this.#nodes.set(item, shown.node)
      const seen = contentOf(shown)
      const known = seen.kind === 'directory' ? { ...seen, directory: { ...seen.directory, mode } } : seen
      return {
        actions: [],
        apply: () =>
          this.#init.made.set(item, this.#add(item, identity(shown), known, 'is the directory of the space')),
      }
    }
    this.#nodes.set(item, node)
    return {
      actions: [{ type: 'create', node, parent: this.#parentNode(item.parent), name: item.found.name, content }],
      apply: ([result]) => {
        const found = { node, nodes: undefined, version: result?.version }
        this.#init.made.set(item, this.#add(item, found, content, 'was made here'))
      },
    }
  }

  #move(item: LocalMove): Pending {
    const { base, remote } = this.#init
    const { entry, found } = item
    this.#moves.push(entry)
    const from = { folder: entry.folder, path: entry.path }
    const shown = shownEntry(remote, entry)
    const isKnown = shown !== undefined && isShownIn(remote, shown, this.#parentNodes(item.parent), found.name)
    const parent = this.#parentNode(item.parent)
    const version = entry.isDirectory || entry.version === undefined ? {} : { version: entry.version }
    return {
      actions: isKnown
        ? []
        : [{ type: 'place', node: shown?.node ?? entry.node, ...version, parent, name: found.name }],
      apply: ([result]) => {
        const directory = this.#parentEntry(item.parent)
        this.#evict(directory, found.name, entry)
        base.move(entry, directory, found.name, found.rawName)
        // A conflict copy that is moved becomes a node of its own.
        if (result !== undefined && !entry.isDirectory && isSameBytes(entry.content, contentOf(result))) {
          base.update(entry, identity(result))
        }
        const isSameFolder = from.folder === entry.folder
        const other = isSameFolder ? '' : ', in another live folder'
        this.#note(entry, isKnown ? 'stands here in the document already' : `was moved here from ${from.path}${other}`)
        this.effects.notes.push({ ...from, text: `was moved to ${entry.path}${other}` })
      },
    }
  }

  #makeLeaf({ item, content, place, node }: Extract<OutgoingItem, { readonly type: 'leaf' }>): Pending {
    const { base, remote, vanishedBytes } = this.#init
    const written = this.#init.findWritten(item, content)
    if (written !== undefined) {
      return { actions: [], apply: () => this.#add(item, written, content, 'was written here by this device', place) }
    }
    for (const candidate of item.mayBe) {
      const shown = remote.find(candidate.node, candidate.version)
      if (shown === undefined || shown.version !== candidate.version || !isSameBytes(contentOf(shown), content))
        continue
      if (base.byNode(shown.node).some(({ version }) => version === shown.version)) continue
      return {
        actions: [],
        apply: () =>
          this.#add(item, identity(shown), withAttributes(contentOf(shown), content), 'is what the space has', place),
      }
    }
    const key = content.kind === 'file' && content.file.size > 0 ? bytesKey(content.file) : undefined
    const vanished = key === undefined ? undefined : vanishedBytes.get(key)
    if (key !== undefined && vanished !== undefined && vanished.version !== undefined) {
      vanishedBytes.delete(key)
      this.#init.foundAgain.add(vanished)
      return this.#moveByContent(item, vanished)
    }
    return {
      actions: [{ type: 'create', node, parent: this.#parentNode(item.parent), name: item.found.name, content }],
      apply: ([result]) => {
        if (result !== undefined) this.#add(item, identity(result), content, 'was made here', place)
      },
    }
  }

  #moveByContent(item: NewLeaf, entry: BaseEntry): Pending {
    const moved = this.#move({ ...item, entry })
    return {
      actions: moved.actions,
      apply: (results) => {
        moved.apply(results)
        // Not the same inode. Other attributes are a change by themselves, for the next look.
        const { mode, mtimeNs } = entry.stamp
        const { stamp } = item.found
        const isSame = mode === stamp.mode && mtimeNs === stamp.mtimeNs
        this.#init.base.update(entry, { stamp: isSame ? stamp : { ...stamp, mode, mtimeNs, ctimeNs: -1n } })
        if (!isSame) this.lookAgain.push(item)
        this.effects.placed.push(entry)
      },
    }
  }

  #change({ item, content: taken, place }: Extract<OutgoingItem, { readonly type: 'change' }>): Pending {
    const { base, remote } = this.#init
    const { entry, found, directory } = item
    const before = entry.content
    const content = carried(before, entry.stamp, taken, found.stamp)
    const isOther = !isSameBytes(before, content)
    const update = (identified: Partial<BaseIdentity>, known: NodeContent, text: string) => {
      if (isOther && entry.place !== 0) this.effects.released.push(entry.place)
      const { stamp, rawName } = found
      base.update(entry, { ...identified, content: known, stamp, rawName, place }, isOther)
      if (entry.kind === 'file') this.effects.placed.push(entry)
      this.#note(entry, text)
    }
    const written = this.#init.findWritten({ directory, found }, content)
    if (written !== undefined) {
      return { actions: [], apply: () => update(written, content, 'was written here by this device') }
    }
    if (contentText(content) === entry.contentText) {
      return { actions: [], apply: () => update({}, content, 'was looked at: nothing changed but its stamp') }
    }
    const shown = shownEntry(remote, entry)
    if (shown !== undefined && shown.version !== entry.version && isSameBytes(contentOf(shown), content)) {
      return {
        actions: [],
        apply: () => update(identity(shown), withAttributes(contentOf(shown), content), 'is what the space has'),
      }
    }
    if (!isOther && (shown === undefined || (!entry.isDirectory && shown.version !== entry.version))) {
      // Kept as the disk has them, so that the document's are written, with its content or alone.
      return { actions: [], apply: () => update({}, content, 'has other attributes, but newer content is coming') }
    }
    const { version } = entry
    if (version === undefined) return { actions: [], apply: () => update({}, before, 'has no version to change') }
    return {
      actions: [{ type: 'edit', node: entry.node, base: version, content }],
      apply: ([result]) => {
        if (entry.isDirectory) update({ version: result?.version }, content, 'got another mode')
        else if (result !== undefined) update(identity(result), content, 'was changed here')
      },
    }
  }

  *#delete(entry: BaseEntry): Generator<void, Pending> {
    const { base, remote, foundAgain } = this.#init
    if (foundAgain.has(entry)) return { actions: [], apply: () => undefined }
    const deletion = yield* planDeletion(remote, base, entry)
    return {
      actions: deletion === undefined ? [] : [deletion],
      apply: () => {
        const kept = deletion?.keep?.length ?? 0
        const text =
          kept === 0 ? 'was deleted here' : `was deleted here, but for ${kept} in it that this disk had not yet`
        this.#note(entry, deletion === undefined ? 'is gone here; the space has moved on' : text)
        if (deletion === undefined || (deletion.keep?.length ?? 0) > 0) this.forgotten.push(entry)
        for (const place of base.remove(entry)) this.effects.released.push(place)
      },
    }
  }

  /** @param place - the number of the place that a file's bytes have */
  #add(item: NewDirectory | NewLeaf, found: BaseIdentity, content: NodeContent, text: string, place?: number) {
    const parent = this.#parentEntry(item.parent)
    const { name, rawName, stamp } = item.found
    this.#evict(parent, name)
    const { node, nodes: all, version } = found
    const entry = this.#init.base.add({ parent, name, rawName, node, nodes: all, version, content, stamp, place })
    if (entry.kind === 'file') this.effects.placed.push(entry)
    this.#note(entry, text)
    return entry
  }

  /** What the base has under a name that something else took is gone, or moved and not there yet. */
  #evict(parent: BaseEntry, name: string, by?: BaseEntry): void {
    const there = parent.children?.get(name)
    if (there !== undefined && there !== by) this.#init.base.setAside(there)
  }

  #parentNode(parent: LocalParent): NodeId {
    return this.#parentNodes(parent)[0] as NodeId
  }

  #parentNodes(parent: LocalParent): readonly NodeId[] {
    if ('base' in parent) return [parent.base.node, ...parent.base.nodes]
    const made = this.#init.made.get(parent.made)
    if (made !== undefined) return [made.node, ...made.nodes]
    return [this.#nodes.get(parent.made) as NodeId]
  }

  #parentEntry(parent: LocalParent): BaseEntry {
    return 'base' in parent ? parent.base : (this.#init.made.get(parent.made) as BaseEntry)
  }

  #note(entry: BaseEntry, text: string): void {
    this.effects.notes.push({ folder: entry.folder, path: entry.path, text })
  }
}

export function directoryContent({ mode, mtimeNs }: DiskStamp): NodeContent {
  return { kind: 'directory', directory: { mode, mtimeNs } }
}

export function bytesKey({ size, content }: FileContent): string {
  return contentText({ kind: 'file', file: { size, mtimeNs: 0n, mode: 0, content } })
}

export function identity(shown: TreeEntry): BaseIdentity {
  return { node: shown.node, nodes: shown.nodes, version: shown.version }
}

function nodes(shown: TreeEntry): readonly NodeId[] {
  return shown.nodes ?? [shown.node]
}

/**
 * What the document says of bytes that are on disk, with the attributes the disk has: where they differ, the document's
 * are written in the next step.
 */
function withAttributes(shown: NodeContent, local: NodeContent): NodeContent {
  if (shown.kind !== 'file' || local.kind !== 'file') return shown
  const isSameTime = shown.file.mtimeNs / 1000n === local.file.mtimeNs / 1000n
  const mtimeNs = isSameTime ? shown.file.mtimeNs : local.file.mtimeNs
  return { kind: 'file', file: { ...shown.file, mode: local.file.mode, mtimeNs } }
}

/** Attributes that did not change on disk stay as the document has them: a disk may hold them less exactly. */
function carried(before: NodeContent, was: DiskStamp, taken: NodeContent, is: DiskStamp): NodeContent {
  const isSameTime = was.mtimeNs === is.mtimeNs
  if (before.kind === 'file' && taken.kind === 'file') {
    const { file } = taken
    const mode = was.mode === is.mode ? before.file.mode : file.mode
    return { kind: 'file', file: { ...file, mode, mtimeNs: isSameTime ? before.file.mtimeNs : file.mtimeNs } }
  }
  if (before.kind === 'symlink' && taken.kind === 'symlink') {
    const { target, mtimeNs } = taken.symlink
    return { kind: 'symlink', symlink: { target, mtimeNs: isSameTime ? before.symlink.mtimeNs : mtimeNs } }
  }
  if (before.kind === 'directory' && taken.kind === 'directory') {
    return { kind: 'directory', directory: { ...before.directory, mode: taken.directory.mode } }
  }
  return taken
}
