import { setImmediate } from 'node:timers/promises'
import {
  type AbortOptions,
  type Action,
  type ChangeGroup,
  type ChangesOptions,
  type Clock,
  DEFAULT_RETENTION,
  type DeletedNode,
  type DeviceKey,
  DittoError,
  type HistoryVersion,
  type Inversion,
  type KeptFile,
  type Logger,
  type MetadataStore,
  type NodeContent,
  type NodeId,
  type RetentionRule,
  type SpaceHistory,
  type VersionId,
  type VersionsOptions,
} from '@dittofs/interface'
import { databaseError } from '../database-error.ts'
import { kindOfNode } from '../node-id.ts'
import { parseVersionId } from '../version-id.ts'
import { covers } from '../version-vector.ts'
import { type HistoryDatabase, HistoryTable, historyKeys } from './history-database.ts'
import { HistoryFeed } from './history-feed.ts'
import { invertGroup } from './invert-group.ts'
import { mergedFrom } from './merged-from.ts'
import { pruneHistory } from './prune-history.ts'
import {
  contentOf,
  historyVersion,
  type StoredDeletion,
  type StoredEvent,
  type StoredGroup,
  type StoredVersion,
} from './stored-history.ts'

export interface SpaceHistoryInit {
  /** Open for as long as the history is followed. */
  readonly store: MetadataStore
  /** Of this history alone; opened and closed by its owner. */
  readonly database: HistoryDatabase
  /** This device. */
  readonly device: DeviceKey
  readonly clock: Pick<Clock, 'now'>
  readonly logger: Logger
  readonly retention?: RetentionRule
}

const DEFAULT_LIMIT = 100
const ENTRIES_PER_BATCH = 256
/** Versions behind one that are looked at for what it was merged from. */
const MERGE_DISTANCE = 16

/** The history of a space in LevelDB. */
export class LevelSpaceHistory implements SpaceHistory {
  readonly #init: SpaceHistoryInit
  readonly #table: HistoryTable
  readonly #feed: HistoryFeed

  constructor(init: SpaceHistoryInit) {
    this.#init = init
    this.#table = new HistoryTable(init.database)
    this.#feed = new HistoryFeed({ ...init, table: this.#table })
  }

  open(): Promise<void> {
    return this.#feed.open()
  }

  close(): Promise<void> {
    return this.#feed.close()
  }

  settled(): Promise<void> {
    return this.#feed.settled()
  }

  versionsOf(
    target: { readonly node: NodeId } | { readonly path: string },
    { limit = DEFAULT_LIMIT }: VersionsOptions = {},
  ): Promise<HistoryVersion[]> {
    return this.#reading(async () => {
      const node = 'node' in target ? target.node : await this.#nodeAt(target.path)
      if (node === undefined) return []
      const versions: StoredVersion[] = []
      for await (const stored of this.#versions(node, limit)) versions.push(stored)
      return versions.map((stored, at) => {
        // What a version was merged from stands close behind it; all of a long history need not be looked at.
        const merged = stored.isDeletion ? [] : mergedFrom(stored, versions.slice(at, at + MERGE_DISTANCE))
        return { ...historyVersion(node, stored), ...(merged.length > 0 ? { mergedFrom: merged } : {}) }
      })
    })
  }

  changes({ since = 0, limit = DEFAULT_LIMIT }: ChangesOptions = {}): Promise<ChangeGroup[]> {
    return this.#reading(async () => {
      const groups: ChangeGroup[] = []
      const newestFirst = this.#table.entries<StoredGroup>(historyKeys.groups, { reverse: true })
      for await (const [key, { author, count: _count, ...group }] of newestFirst) {
        if (groups.length >= limit || group.to < since) break
        groups.push({ id: key.slice(2), author, ...group })
      }
      return groups
    })
  }

  async *deleted({ signal }: AbortOptions = {}): AsyncGenerator<readonly DeletedNode[]> {
    await this.#feed.settled()
    for await (const batch of this.#batches<StoredDeletion>(historyKeys.allDeleted, signal)) {
      const gone = batch.flatMap(([key, { author, ...deletion }]) => {
        const node = key.slice(2) as NodeId
        // A deleted directory may be shown for what lives in it, and still has more to bring back.
        if (kindOfNode(node) !== 'directory' && this.#init.store.find(node) !== undefined) return []
        return [{ node, kind: kindOfNode(node), author, ...deletion }]
      })
      if (gone.length > 0) yield gone
    }
  }

  invert(group: string): Promise<Inversion> {
    return this.#reading(async () => {
      if ((await this.#table.get(historyKeys.group(group))) === undefined) {
        throw new DittoError('DITTO_NOT_FOUND', 'There is no such change, or it is not kept any more.')
      }
      const { store } = this.#init
      const contentOfLatest = (node: NodeId, ids: readonly VersionId[]) => this.#latestContent(node, ids)
      return invertGroup({ store, events: this.#events(group), contentOf: contentOfLatest })
    })
  }

  restore(node: NodeId, version: VersionId): Promise<readonly Action[]> {
    return this.#reading(async () => {
      const content = await this.#latestContent(node, [version])
      if (content === undefined) throw new DittoError('DITTO_NOT_FOUND', 'This version is not kept any more.')
      const shown = this.#init.store.find(node)
      if (shown?.version === version) return []
      const base = shown?.node === node ? shown.version : undefined
      const edit: Action = { type: 'edit', node, base: base ?? (await this.#latest(node)) ?? version, content }
      return shown === undefined && content.kind === 'directory' ? [{ type: 'undelete', node }, edit] : [edit]
    })
  }

  baseOf(node: NodeId, ours: VersionId, theirs: VersionId): Promise<HistoryVersion | undefined> {
    return this.#reading(async () => {
      const sides = await Promise.all([ours, theirs].map((id) => this.#seenBy(node, id)))
      for await (const stored of this.#versions(node)) {
        if (stored.isDeletion) continue
        const event = parseVersionId(stored.id as VersionId)
        if (sides.every((seen) => covers(seen, event))) return historyVersion(node, stored)
      }
      return undefined
    })
  }

  async *contents({ signal }: AbortOptions = {}): AsyncGenerator<readonly KeptFile[]> {
    await this.#feed.settled()
    for await (const batch of this.#batches<StoredVersion>(historyKeys.versions, signal)) {
      const files = batch.flatMap(([key, stored]) => {
        const node = key.split('/')[1] as NodeId
        const content = contentOf(node, stored)
        return content?.kind === 'file' ? [{ ...content.file, node, version: stored.id as VersionId }] : []
      })
      if (files.length > 0) yield files
    }
  }

  async prune(now: number, { signal }: AbortOptions = {}): Promise<void> {
    await this.#feed.settled()
    const { store, retention = DEFAULT_RETENTION } = this.#init
    try {
      await this.#feed.exclusively(() => pruneHistory({ table: this.#table, store, retention, now, signal }))
    } catch (error) {
      throw signal?.aborted === true ? error : databaseError(error)
    }
  }

  /** Answers with all that the store has told so far. */
  async #reading<T>(work: () => Promise<T>): Promise<T> {
    await this.#feed.settled()
    try {
      return await work()
    } catch (error) {
      throw databaseError(error)
    }
  }

  async #nodeAt(path: string): Promise<NodeId | undefined> {
    const shown = this.#init.store.lookup(path)
    if (shown !== undefined) return shown.node
    let latest: { readonly node: NodeId; readonly usedAt: number } | undefined
    for await (const [key, usedAt] of this.#table.entries<number>(historyKeys.nodesAt(path))) {
      const node = key.slice(key.indexOf('\0') + 1) as NodeId
      if (latest === undefined || usedAt >= latest.usedAt) latest = { node, usedAt }
    }
    return latest?.node
  }

  /** Newest first. */
  async *#versions(node: NodeId, limit = -1): AsyncGenerator<StoredVersion> {
    const range = historyKeys.versionsOf(node)
    for await (const [, stored] of this.#table.entries<StoredVersion>(range, { reverse: true, limit })) yield stored
  }

  async *#events(group: string): AsyncGenerator<StoredEvent> {
    for await (const [, event] of this.#table.entries<StoredEvent>(historyKeys.eventsOf(group))) yield event
  }

  async #latest(node: NodeId): Promise<VersionId | undefined> {
    for await (const stored of this.#versions(node)) if (!stored.isDeletion) return stored.id as VersionId
    return undefined
  }

  async #latestContent(node: NodeId, ids: readonly VersionId[]): Promise<NodeContent | undefined> {
    const newestFirst = [...ids].sort((a, b) => parseVersionId(b).t - parseVersionId(a).t)
    for (const id of newestFirst) {
      const stored = await this.#table.get<StoredVersion>(historyKeys.version(node, id))
      const content = stored === undefined ? undefined : contentOf(node, stored)
      if (content !== undefined) return content
    }
    return undefined
  }

  /** What a version builds on, itself included. */
  async #seenBy(node: NodeId, id: VersionId): Promise<ReadonlyMap<number, number>> {
    const stored = await this.#table.get<StoredVersion>(historyKeys.version(node, id))
    return new Map([...(stored?.seen ?? []), id].map((seen) => [parseVersionId(seen).writer, parseVersionId(seen).t]))
  }

  async *#batches<T>(
    range: Parameters<HistoryTable['entries']>[0],
    signal: AbortSignal | undefined,
  ): AsyncGenerator<readonly (readonly [string, T])[]> {
    let batch: (readonly [string, T])[] = []
    for await (const entry of this.#table.entries<T>(range)) {
      batch.push(entry)
      if (batch.length < ENTRIES_PER_BATCH) continue
      signal?.throwIfAborted()
      yield batch
      batch = []
      await setImmediate()
    }
    if (batch.length > 0) yield batch
  }
}
