import {
  type AbortOptions,
  type Clock,
  DittoError,
  type EvictResult,
  isDittoError,
  type NodeId,
  type PathOptions,
  type PinResult,
  type Pins,
  type TrailEntry,
  type TreeEntry,
  type UnpinResult,
} from '@dittofs/interface'
import type { HeldChunks } from '../content/held-chunks.ts'
import { notFound } from '../list/list-entries.ts'
import { SharedGate } from '../shared-gate.ts'
import type { OpenSpace } from '../spaces/open-space.ts'
import { type FindTargetInit, findTarget } from '../versions/find-target.ts'
import { type AskKept, evictFiles } from './evict-files.ts'
import type { KeptContent } from './kept-content.ts'
import type { MarkTable } from './mark-table.ts'

export interface DevicePinsInit extends FindTargetInit {
  marks: MarkTable
  kept: KeptContent
  held: HeldChunks
  clock: Pick<Clock, 'now'>
  foldersOf: (space: OpenSpace) => ReadonlySet<NodeId>
  ask: AskKept
  /** Frees what may be dropped of a space. */
  collect: (space: OpenSpace, options: AbortOptions) => Promise<{ readonly bytes: number }>
  /** What is fetched, or counts as missing, in a space is different. */
  onChange: (space: OpenSpace) => void
}

interface MarkedPlace {
  readonly space: OpenSpace
  readonly entry: TreeEntry
}

/** What a person decides about which bytes are on this device. One command at a time. */
export class DevicePins implements Pins {
  readonly #init: DevicePinsInit
  readonly #gate = new SharedGate()

  constructor(init: DevicePinsInit) {
    this.#init = init
  }

  pin(path: string, options: PathOptions = {}): Promise<PinResult> {
    return this.#alone(path, options, async ({ space, entry }) => {
      const { marks, clock, onChange } = this.#init
      const lifted = [...marks.all(space.number)].flatMap(([node, { mark }]) =>
        mark === 'evicted' && isAtOrBelow(space.metadata.find(node)?.path, entry.path) ? [node] : [],
      )
      await marks.put(space.number, nodesOf(entry), 'pinned', clock.now())
      const pinned = new Set(nodesOf(entry))
      await marks.delete(
        space.number,
        lifted.filter((node) => !pinned.has(node)),
      )
      onChange(space)
      return { path: entry.path, ...(await this.#count(space, entry.path, options)) }
    })
  }

  unpin(path: string, options: PathOptions = {}): Promise<UnpinResult> {
    return this.#alone(path, options, async ({ space, entry }) => {
      const { marks, kept, onChange } = this.#init
      const all = marks.all(space.number)
      const nodes = nodesOf(entry).filter((node) => all.has(node))
      const was = nodes.flatMap((node) => all.get(node)?.mark ?? [])[0]
      if (was === undefined) {
        const inherited = kept.reader(space).of(entry)
        const why =
          inherited === undefined
            ? 'is neither pinned nor evicted here'
            : `is ${inherited} with a directory it is in; "dittofs status" names that, and "dittofs pin" keeps this alone`
        throw new DittoError('DITTO_NOT_FOUND', `${JSON.stringify(entry.path)} ${why}.`)
      }
      await marks.delete(space.number, nodes)
      onChange(space)
      return { path: entry.path, was }
    })
  }

  evict(path: string, options: PathOptions = {}): Promise<EvictResult> {
    return this.#alone(path, options, async ({ space, entry }) => {
      const { marks, kept, held, clock, ask, collect, onChange } = this.#init
      this.#refuseToEvict(space, entry)
      const added = kept.reader(space).of(entry) === 'evicted' ? [] : nodesOf(entry)
      // Written down before anybody is asked: from now on this device promises nobody to keep it.
      await marks.put(space.number, added, 'evicted', clock.now())
      onChange(space)
      let isKept = true
      try {
        const { files, bytes, skipped, refusal } = await evictFiles({ space, kept, held, ask }, entry.path, options)
        if (refusal !== undefined) throw refusal
        isKept = false
        const freed = await collect(space, options)
        return { path: entry.path, files, bytes, freedBytes: freed.bytes, skipped }
      } finally {
        if (isKept) await marks.delete(space.number, added)
        onChange(space)
      }
    })
  }

  /** What was decided about the bytes of a path, to be told beside what happened to it; nothing where nothing was. */
  async decidedAbout(path: string, options: PathOptions = {}): Promise<readonly TrailEntry[]> {
    const { kept, marks } = this.#init
    const target = await findTarget(this.#init, path, options).catch(() => undefined)
    const entry = target === undefined ? undefined : shownAt(target.space, target.path)
    const mark = target === undefined || entry === undefined ? undefined : kept.reader(target.space).of(entry)
    if (target === undefined || entry === undefined || mark === undefined) return []
    const all = marks.all(target.space.number)
    const parts = entry.path.split('/')
    for (let length = parts.length; length >= 0; length--) {
      const above = shownAt(target.space, parts.slice(0, length).join('/'))
      const row = above === undefined ? undefined : nodesOf(above).flatMap((node) => all.get(node) ?? [])[0]
      if (row === undefined) continue
      const how = mark === 'pinned' ? 'its bytes are always kept' : 'its bytes are left to other devices'
      const whose = length === parts.length ? 'It' : above?.path === '' ? 'The space' : JSON.stringify(above?.path)
      return [{ at: row.at, what: 'decided', path: entry.path, text: `${whose} is ${mark} here: ${how}.` }]
    }
    return []
  }

  #refuseToEvict(space: OpenSpace, entry: TreeEntry): void {
    const { kept, foldersOf } = this.#init
    const shown = JSON.stringify(entry.path)
    const reader = kept.reader(space)
    const holdsFolder = [...foldersOf(space)].some((node) => isAtOrBelow(space.metadata.find(node)?.path, entry.path))
    if (holdsFolder || reader.isInFolder(entry)) {
      const how = holdsFolder ? 'is, or holds, a live folder' : 'lies in a live folder'
      throw new DittoError(
        'DITTO_UNSUPPORTED',
        `${shown} ${how} of this device, where the files themselves are the bytes; unlink the folder first.`,
      )
    }
    if (reader.of(entry) === 'pinned') {
      throw new DittoError('DITTO_USAGE', `${shown} is pinned here; "dittofs unpin" ends that.`)
    }
  }

  async #count(
    space: OpenSpace,
    path: string,
    options: AbortOptions,
  ): Promise<{ files: number; missingBytes: number }> {
    let files = 0
    let missingBytes = 0
    for await (const entries of space.metadata.walk(path, options)) {
      const contents = entries.flatMap(({ file }) => file ?? [])
      files += contents.length
      for (const { bytes } of await this.#init.held.missingOf(space.id, contents, options)) missingBytes += bytes
    }
    return { files, missingBytes }
  }

  #alone<T>(path: string, options: PathOptions, work: (place: MarkedPlace) => Promise<T>): Promise<T> {
    return this.#gate.alone(async () => {
      const target = await findTarget(this.#init, path, options)
      const entry = target.space.metadata.lookup(target.path)
      if (entry === undefined) throw notFound(path)
      return work({ space: target.space, entry })
    }, options)
  }
}

function shownAt({ metadata }: OpenSpace, path: string): TreeEntry | undefined {
  try {
    return metadata.lookup(path)
  } catch (error) {
    if (isDittoError(error, 'DITTO_PATH_INVALID')) return undefined
    throw error
  }
}

function nodesOf({ node, nodes = [node] }: TreeEntry): readonly NodeId[] {
  return nodes
}

function isAtOrBelow(path: string | undefined, directory: string): boolean {
  return path !== undefined && (directory === '' || path === directory || path.startsWith(`${directory}/`))
}
