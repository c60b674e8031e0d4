import type { FileContent, NodeId, PinMark, TreeEntry, VersionId } from '@dittofs/interface'
import type { FetchChoices, FileVersionRef } from '@dittofs/sync'
import { contentKey } from '../content/content-key.ts'
import type { HeldChunks } from '../content/held-chunks.ts'
import { SharedGate } from '../shared-gate.ts'
import type { OpenSpace } from '../spaces/open-space.ts'
import { MarkReader } from './mark-reader.ts'
import type { MarkTable } from './mark-table.ts'
import type { ReleasedVersions } from './released-versions.ts'

/** Paths listed of what is marked. */
const MAX_PATHS = 100

export interface KeptContentInit {
  marks: MarkTable
  released: ReleasedVersions
  held: HeldChunks
  /** The directories of a space that are live folders on this device. */
  foldersOf: (space: OpenSpace) => ReadonlySet<NodeId>
  /** What frees bytes has it alone. */
  gate: SharedGate
}

/** A version of a file, shown or of the history, and what it holds. */
export interface ContentVersion extends Pick<FileContent, 'content' | 'size'> {
  readonly node: NodeId
  readonly version: VersionId
}

export type KeepsContent = (versions: readonly ContentVersion[]) => Promise<readonly ContentVersion[]>

/**
 * Which content this device keeps, which it fetches, and which it may drop.
 *
 * A version is dropped only when it is *released*: this device asked another, which promised to keep it, and has promised
 * nobody since to keep it itself. A promise takes a release back before it is given, and a release is not noted where a
 * promise was given after the question. So of devices that ask each other for the same version, the one that asked last
 * relies on one that has not asked since, and drops nothing: somewhere it is kept.
 */
export class KeptContent {
  readonly #init: KeptContentInit
  /** One change of what is released or promised at a time. */
  readonly #ledger = new SharedGate()
  /** What was promised since each question that is open began. */
  readonly #questions = new Set<Set<NodeId>>()

  constructor(init: KeptContentInit) {
    this.#init = init
  }

  /** What is decided about the entries of one walk. */
  reader(space: OpenSpace): MarkReader {
    const { marks, foldersOf } = this.#init
    return new MarkReader({ metadata: space.metadata, marks: marks.all(space.number), folders: foldersOf(space) })
  }

  hasMark(space: OpenSpace, mark: PinMark): boolean {
    for (const row of this.#init.marks.all(space.number).values()) if (row.mark === mark) return true
    return false
  }

  /** Some of the paths that are marked so, in order. */
  pathsOf(space: OpenSpace, mark: PinMark): readonly string[] {
    const paths = [...this.#init.marks.all(space.number)].flatMap(([node, row]) =>
      row.mark === mark ? (space.metadata.find(node)?.path ?? []) : [],
    )
    return [...new Set(paths)].sort().slice(0, MAX_PATHS)
  }

  choices(space: OpenSpace): FetchChoices {
    return {
      hasPinned: () => this.hasMark(space, 'pinned'),
      begin: () => {
        const reader = this.reader(space)
        return (entry) => {
          const mark = reader.of(entry)
          return mark === undefined ? undefined : mark === 'pinned' ? 'fetch' : 'leave'
        }
      },
    }
  }

  /** Answers a device that wants to drop versions. Those that are said to be kept are kept from then on. */
  promise(space: OpenSpace, versions: readonly FileVersionRef[]): Promise<readonly boolean[]> {
    return this.#init.gate.share(() => this.#ledger.alone(() => this.#promise(space, versions)))
  }

  /**
   * Asks whether others keep versions, and notes those they do as released.
   *
   * @param ask - for each version whether another device keeps it
   * @returns for each whether it is released
   */
  async release(
    space: OpenSpace,
    entries: readonly TreeEntry[],
    ask: () => Promise<readonly boolean[]>,
  ): Promise<readonly boolean[]> {
    const promised = new Set<NodeId>()
    this.#questions.add(promised)
    try {
      const kept = await ask()
      return await this.#ledger.alone(async () => {
        const reader = this.reader(space)
        const isReleased = entries.map(
          (entry, nth) =>
            kept[nth] === true && !promised.has(entry.node) && isShown(space, entry) && reader.of(entry) === 'evicted',
        )
        await this.#note(
          space,
          entries.filter((_, nth) => isReleased[nth]),
        )
        return isReleased
      })
    } finally {
      this.#questions.delete(promised)
    }
  }

  /** For one round of freeing bytes: of versions, those whose content must stay. */
  keeping(space: OpenSpace): KeepsContent {
    if (!this.hasMark(space, 'evicted')) return async (versions) => versions
    const reader = this.reader(space)
    return async (versions) => {
      // What is shown of the same content: a file made on two devices is shown as one, under one of its nodes.
      const shown = versions.map(({ node, version, content }) => {
        const entry = space.metadata.find(node, version)
        if (entry?.file === undefined || contentKey(entry.file.content) !== contentKey(content)) return undefined
        return reader.of(entry) === 'evicted' ? entry : undefined
      })
      const nodes = shown.flatMap((entry) => entry?.node ?? [])
      if (nodes.length === 0) return versions
      const released = await this.#init.released.getMany(space.number, nodes)
      let at = 0
      return versions.filter((_, nth) => {
        const entry = shown[nth]
        return entry?.version === undefined || released[at++]?.includes(entry.version) !== true
      })
    }
  }

  async #promise(space: OpenSpace, versions: readonly FileVersionRef[]): Promise<readonly boolean[]> {
    const { held, released } = this.#init
    const reader = this.reader(space)
    const entries = versions.map((wanted) => {
      const entry = space.metadata.find(wanted.node, wanted.version)
      return entry?.version === wanted.version && reader.of(entry) !== 'evicted' ? entry : undefined
    })
    const files = entries.flatMap((entry) => entry?.file ?? [])
    const missing = await held.missingOf(space.id, files)
    let at = 0
    const kept = entries.map((entry) => (entry?.file === undefined ? false : missing[at++]?.chunks === 0))
    const nodes = entries.flatMap((entry, nth) => (entry !== undefined && kept[nth] === true ? [entry.node] : []))
    for (const promised of this.#questions) for (const node of nodes) promised.add(node)
    if (nodes.length > 0) await released.delete(space.number, nodes)
    return kept
  }

  async #note(space: OpenSpace, entries: readonly TreeEntry[]): Promise<void> {
    if (entries.length === 0) return
    const { released } = this.#init
    const nodes = [...new Set(entries.map(({ node }) => node))]
    const before = await released.getMany(space.number, nodes)
    const rows = nodes.map((node, nth) => {
      const shown = (before[nth] ?? []).filter((version) => space.metadata.find(node, version)?.version === version)
      const added = entries.flatMap((entry) => (entry.node === node ? (entry.version ?? []) : []))
      return [node, [...new Set([...shown, ...added])]] as const
    })
    await released.put(space.number, rows)
  }
}

function isShown(space: OpenSpace, { node, version }: TreeEntry): boolean {
  return version !== undefined && space.metadata.find(node, version)?.version === version
}
