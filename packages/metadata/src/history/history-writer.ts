import type { DeviceKey, NodeEvent } from '@dittofs/interface'
import { type HistoryOperation, type HistoryTable, historyKeys, put } from './history-database.ts'
import {
  type StoredDeletion,
  type StoredGroup,
  type StoredVersion,
  storedEvent,
  storedVersion,
} from './stored-history.ts'

/** A peer's changes that come within this time of each other are one group, up to a length in time and events. */
const GROUP_IDLE_MS = 2000
const MAX_GROUP_MS = 60_000
const MAX_GROUP_EVENTS = 10_000
const MAX_GROUP_PATHS = 5
/** Events written at once. */
const EVENTS_PER_BATCH = 200

type Counted = 'created' | 'edited' | 'moved' | 'deleted'

interface OpenGroup {
  readonly id: string
  group: StoredGroup
}

/** Events that came together. */
export interface EventBatch {
  readonly events: readonly NodeEvent[]
  /** Whether they are one `transact` of this device. */
  readonly isLocal: boolean
  /** When they were seen, in milliseconds. */
  readonly at: number
  /** Whether they make change groups; what is found when a history begins does not. */
  readonly isGrouped: boolean
}

/** As many events of a batch as are written at once. */
interface BatchPart {
  readonly batch: EventBatch
  readonly events: readonly NodeEvent[]
  readonly isFirst: boolean
  readonly isLast: boolean
  /** Of the whole batch: the paths written, and what was counted. */
  readonly written: ReadonlySet<string>
  readonly counted: Set<string>
}

interface KnownVersions {
  /** What was written down before. */
  readonly known: ReadonlyMap<string, StoredVersion>
  /** What will be written down with this. */
  readonly pending: Map<string, StoredVersion>
}

/** Writes what happened to nodes: versions, change groups, what is deleted and what stood where. */
export class HistoryWriter {
  readonly #table: HistoryTable
  readonly #device: DeviceKey
  readonly #open = new Map<DeviceKey | undefined, OpenGroup>()
  #nextGroup = 0

  constructor(table: HistoryTable, device: DeviceKey) {
    this.#table = table
    this.#device = device
  }

  /** Groups go on behind those that are there. @returns whether there are none */
  async open(): Promise<boolean> {
    for await (const [key] of this.#table.entries(historyKeys.groups, { reverse: true, limit: 1 })) {
      this.#nextGroup = Number(key.slice(2)) + 1
    }
    for await (const _ of this.#table.entries(historyKeys.versions, { limit: 1 })) return false
    return true
  }

  /** Writes batches in the order in which they came; those of few events together, for each write waits for the disk. */
  async write(batches: readonly EventBatch[]): Promise<void> {
    let together: BatchPart[] = []
    let events = 0
    for (const part of partsOf(batches)) {
      if (together.length > 0 && events + part.events.length > EVENTS_PER_BATCH) {
        await this.#writeParts(together)
        together = []
        events = 0
      }
      together.push(part)
      events += part.events.length
    }
    if (together.length > 0) await this.#writeParts(together)
  }

  async #writeParts(parts: readonly BatchPart[]): Promise<void> {
    const pending = new Map<string, StoredVersion>()
    const operations: HistoryOperation[] = []
    const groups = new Set<OpenGroup>()
    const known = await this.#table.getMany<StoredVersion>(versionKeys(parts.flatMap(({ events }) => events)))
    for (const part of parts) this.#takePart(part, { known, pending }, groups, operations)
    for (const [key, version] of pending) operations.push(put(key, version))
    for (const { id, group } of groups) operations.push(put(historyKeys.group(id), group))
    await this.#table.write(operations)
  }

  #takePart(part: BatchPart, versions: KnownVersions, groups: Set<OpenGroup>, operations: HistoryOperation[]): void {
    const { batch, events, written, counted } = part
    if (batch.isLocal && part.isFirst) this.#open.delete(this.#device)
    for (const event of events) {
      const isOwn = batch.isLocal || event.author === this.#device
      const isDeleted = event.kind === 'deletion' && event.pathBefore !== undefined && event.pathAfter === undefined
      const isReplaced = isDeleted && written.has(kindAndPath(event.node, event.pathBefore ?? ''))
      if (isDeleted && !isReplaced) {
        operations.push(put(historyKeys.deleted(event.node), deletion(event, batch.at, isOwn)))
      }
      const isBack = event.pathBefore === undefined && event.pathAfter !== undefined
      if (isBack) operations.push({ type: 'del', key: historyKeys.deleted(event.node) })
      const path = event.pathAfter ?? event.pathBefore
      if (path !== undefined) operations.push(put(historyKeys.path(path, event.node), batch.at))
      const isKnown = event.kind !== 'placement' && !addVersion(event, batch.at, isOwn, versions)
      if (isKnown || !batch.isGrouped) continue
      groups.add(this.#count(event, batch, isOwn, isReplaced ? undefined : countedAs(event), counted, operations))
    }
    if (batch.isLocal && part.isLast) this.#open.delete(this.#device)
  }

  #count(
    event: NodeEvent,
    { at, isLocal }: EventBatch,
    isOwn: boolean,
    as: Counted | undefined,
    counted: Set<string>,
    operations: HistoryOperation[],
  ): OpenGroup {
    const open = this.#groupFor(isLocal ? this.#device : event.author, at, isOwn)
    const { group } = open
    const path = event.pathAfter ?? event.pathBefore
    const key = `${event.node} ${as}`
    const isNew = as !== undefined && !counted.has(key)
    counted.add(key)
    open.group = {
      ...group,
      to: at,
      count: group.count + 1,
      ...(isNew ? { [as]: group[as] + 1 } : {}),
      paths: withSample(group.paths, isNew ? path : undefined),
    }
    operations.push(put(historyKeys.event(open.id, group.count), storedEvent(event)))
    return open
  }

  #groupFor(author: DeviceKey | undefined, at: number, isOwn: boolean): OpenGroup {
    const open = this.#open.get(author)
    const isOpen =
      open !== undefined &&
      at - open.group.to <= GROUP_IDLE_MS &&
      at - open.group.from <= MAX_GROUP_MS &&
      open.group.count < MAX_GROUP_EVENTS
    if (isOpen) return open
    const made = { id: String(this.#nextGroup).padStart(12, '0'), group: emptyGroup(author, at, isOwn) }
    this.#nextGroup += 1
    this.#open.set(author, made)
    return made
  }
}

function* partsOf(batches: readonly EventBatch[]): Generator<BatchPart> {
  for (const batch of batches) {
    const written = pathsWritten(batch.events)
    const counted = new Set<string>()
    for (let at = 0; at < batch.events.length; at += EVENTS_PER_BATCH) {
      const end = at + EVENTS_PER_BATCH
      const [isFirst, isLast] = [at === 0, end >= batch.events.length]
      yield { batch, events: batch.events.slice(at, end), isFirst, isLast, written, counted }
    }
  }
}

function countedAs({ kind, pathBefore, pathAfter }: NodeEvent): Counted | undefined {
  if (pathBefore === undefined) return pathAfter === undefined ? undefined : 'created'
  if (pathAfter === undefined) return 'deleted'
  if (kind === 'version') return 'edited'
  return kind === 'placement' && pathBefore !== pathAfter ? 'moved' : undefined
}

/** A file deleted where another one of its kind was written stands for that one: nobody misses it. */
function pathsWritten(events: readonly NodeEvent[]): ReadonlySet<string> {
  const paths = new Set<string>()
  for (const { kind, node, pathAfter } of events) {
    if (kind === 'version' && pathAfter !== undefined) paths.add(kindAndPath(node, pathAfter))
  }
  return paths
}

function kindAndPath(node: string, path: string): string {
  return `${node.slice(0, 1)}${path}`
}

function deletion({ author, pathBefore = '' }: NodeEvent, deletedAt: number, isOwn: boolean): StoredDeletion {
  return { path: pathBefore, deletedAt, isOwn, ...(author === undefined ? {} : { author }) }
}

function emptyGroup(author: DeviceKey | undefined, at: number, isOwn: boolean): StoredGroup {
  const counts = { created: 0, edited: 0, moved: 0, deleted: 0, count: 0 }
  return { ...(author === undefined ? {} : { author }), isOwn, from: at, to: at, ...counts, paths: [] }
}

function withSample(paths: readonly string[], path: string | undefined): readonly string[] {
  return path === undefined || paths.length === MAX_GROUP_PATHS || paths.includes(path) ? paths : [...paths, path]
}

/** The keys of all versions that events name, each once: read together, for each read costs a thread switch. */
function versionKeys(events: readonly NodeEvent[]): string[] {
  const keys = new Set<string>()
  for (const { kind, node, id, replaced } of events) {
    if (kind === 'placement') continue
    for (const version of [...replaced, id]) keys.add(historyKeys.version(node, version))
  }
  return [...keys]
}

/** @returns whether it was not known before */
function addVersion(event: NodeEvent, at: number, isOwn: boolean, { known, pending }: KnownVersions): boolean {
  const stored = (key: string) => pending.get(key) ?? known.get(key)
  for (const id of event.replaced) {
    const key = historyKeys.version(event.node, id)
    const replaced = stored(key)
    if (replaced !== undefined && replaced.endedAt === undefined) pending.set(key, { ...replaced, endedAt: at })
  }
  const key = historyKeys.version(event.node, event.id)
  const before = stored(key)
  pending.set(key, { ...storedVersion(event, at, isOwn), ...(before === undefined ? {} : { seenAt: before.seenAt }) })
  return before === undefined
}
