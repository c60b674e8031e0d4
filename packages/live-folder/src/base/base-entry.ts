import type { NodeContent, NodeId, NodeKind, VersionId } from '@dittofs/interface'
import type { DiskStamp } from '../disk-stamp.ts'
import { parseContent } from './content-text.ts'
import { parseStamp } from './stamp-text.ts'

/** What the base says of one path: what disk and document last had in common. Changed by `BaseTree` only. */
export interface BaseEntryInit {
  readonly id: number
  /** The directory it stands in; `undefined` for the root of a folder. */
  readonly parent: BaseEntry | undefined
  /** In NFC, as the document has it; for the root of a folder the folder's ID. */
  readonly name: string
  /** As it is on disk. */
  readonly rawName: string
  readonly kind: NodeKind
  readonly node: NodeId
  /** For a directory: all nodes that were shown as this one. */
  readonly nodes?: readonly NodeId[] | undefined
  readonly version: VersionId | undefined
  /** As the document has it; see `contentText`. */
  readonly content: string
  /** As it was on disk right after it was read or written; see `stampText`. */
  readonly stamp: string
  /** Names the place of a file's bytes; 0 for what is no file. */
  readonly place: number
}

/** One path of the base. Two of one node stand for two shown versions of it. */
export class BaseEntry {
  readonly id: number
  readonly kind: NodeKind
  parent: BaseEntry | undefined
  name: string
  /** `undefined` where it is the name. */
  otherName: string | undefined
  node: NodeId
  /** `undefined` where there is but one. */
  otherNodes: readonly NodeId[] | undefined
  version: VersionId | undefined
  contentText: string
  stampText: string
  place: number
  /** By name in NFC; only directories that have any. */
  children: Map<string, BaseEntry> | undefined

  constructor(init: BaseEntryInit) {
    this.id = init.id
    this.kind = init.kind
    this.parent = init.parent
    this.name = init.name
    this.otherName = init.rawName === init.name ? undefined : init.rawName
    this.node = init.node
    this.otherNodes = init.nodes !== undefined && init.nodes.length > 1 ? init.nodes : undefined
    this.version = init.version
    this.contentText = init.content
    this.stampText = init.stamp
    this.place = init.place
  }

  get rawName(): string {
    return this.otherName ?? this.name
  }

  /** All nodes shown as this one, at least one. */
  get nodes(): readonly NodeId[] {
    return this.otherNodes ?? [this.node]
  }

  get content(): NodeContent {
    return parseContent(this.kind, this.contentText)
  }

  get stamp(): DiskStamp {
    return parseStamp(this.stampText)
  }

  get isDirectory(): boolean {
    return this.kind === 'directory'
  }

  /** The root of the folder it is in. */
  get root(): BaseEntry {
    return this.parent === undefined ? this : this.parent.root
  }

  get folder(): string {
    return this.root.name
  }

  /** From the folder's root, as on disk. */
  get rawNames(): string[] {
    if (this.parent === undefined) return []
    const names = this.parent.rawNames
    names.push(this.rawName)
    return names
  }

  /** From the folder's root, in NFC, joined by `/`; `''` for the root itself. */
  get path(): string {
    if (this.parent === undefined) return ''
    const above = this.parent.path
    return above === '' ? this.name : `${above}/${this.name}`
  }

  isInside(directory: BaseEntry): boolean {
    return this === directory || (this.parent?.isInside(directory) ?? false)
  }

  /** It and all below, parents first. */
  *subtree(): Generator<BaseEntry> {
    const pending: BaseEntry[] = [this]
    for (let entry = pending.pop(); entry !== undefined; entry = pending.pop()) {
      yield entry
      // One by one: a directory may hold more than a call takes arguments.
      const children = [...(entry.children?.values() ?? [])]
      for (let at = children.length - 1; at >= 0; at -= 1) pending.push(children[at] as BaseEntry)
    }
  }
}
