import { setImmediate } from 'node:timers/promises'
import {
  type AbortOptions,
  type Action,
  type Awaitable,
  type Clock,
  type DeviceKey,
  DittoError,
  type Logger,
  type MetadataChange,
  type MetadataStore,
  type NameClash,
  type NodeId,
  type NodeKind,
  parsePath,
  type RandomBytes,
  type SpaceId,
  type TreeCounts,
  type TreeEntry,
  type Unsubscribe,
  type VersionId,
} from '@dittofs/interface'
import { type ChangeListener, ChangeListeners } from './change-listeners.ts'
import { nodePath, touchedPaths } from './changed-paths.ts'
import { decodeWriterMark, encodeWriterMark } from './clean-stop.ts'
import { encodeChange } from './encode-change.ts'
import { authorsOf } from './entry-authors.ts'
import type { Writer } from './event.ts'
import { answerVector, decodeMessage, encodeUpdateMessage, encodeVector, sliceLogs } from './exchange.ts'
import { Exclusive } from './exclusive.ts'
import { findNode } from './find-node.ts'
import { type Database, MetadataDatabase } from './metadata-database.ts'
import { NodeEvents } from './node-events.ts'
import { newNodeId, ROOT_ID } from './node-id.ts'
import { planAction, shownBy } from './plan-action.ts'
import type { LogRecord } from './record.ts'
import { encodeRecord } from './record-codec.ts'
import { inSlices } from './slices.ts'
import type { StateVector } from './space-document.ts'
import type { LogEntry, NodeSnapshot } from './space-index.ts'
import { entryClocks, SpaceReplica } from './space-replica.ts'
import { foundTreeEntry, treeEntry } from './tree-entry.ts'
import type { DeviceLabel } from './tree-view.ts'
import { compareText } from './tree-view.ts'
import { guardUpdate, type Verify, writerStatement } from './update-guard.ts'
import { readUpdate } from './update-reader.ts'
import { encodeUpdate } from './update-writer.ts'
import { parseVersionId } from './version-id.ts'
import { clashesIn, walkTree } from './walk-tree.ts'

export interface YjsMetadataStoreInit {
  readonly space: SpaceId
  readonly database: Database
  /** This device. */
  readonly device: DeviceKey
  /** Signs with the device's key: 64 bytes of Ed25519. */
  readonly sign: (bytes: Uint8Array) => Uint8Array
  readonly verify: Verify
  readonly randomBytes: RandomBytes
  readonly clock: Pick<Clock, 'now'>
  readonly deviceLabel: DeviceLabel
  readonly logger: Logger
}

/** What was taken into the document and is yet to become durable and be told. */
interface Taken extends Pick<MetadataChange, 'isLocal' | 'paths' | 'authors'> {
  readonly before: StateVector
  readonly events: NodeEvents | undefined
}

/** Actions planned before others get a turn. */
const ACTIONS_PER_SLICE = 100
/** Records of one action taken before others get a turn. */
const RECORDS_PER_SLICE = 250
/** Bytes, about, of one record of a snapshot. */
const SNAPSHOT_RECORD_CHARACTERS = 256 * 1024
/** Paths told with a change; more than that is told as "much changed". */
const MAX_CHANGED_PATHS = 1000
const NOTHING: StateVector = new Map()

/**
 * A space's metadata in a Yjs document, kept in LevelDB.
 *
 * One thing at a time changes it: a `transact`, or a message of a peer. Each is checked, applied in memory, made
 * durable, and only then told to anyone; so what leaves is durable, with all that it builds on.
 */
export class YjsMetadataStore implements MetadataStore {
  readonly space: SpaceId
  readonly root = ROOT_ID
  readonly #init: YjsMetadataStoreInit
  readonly #database: MetadataDatabase
  readonly #replica: SpaceReplica
  readonly #exclusive = new Exclusive()
  readonly #listeners: ChangeListeners
  #state: 'new' | 'open' | 'failed' | 'closed' = 'new'
  #failure: unknown
  /** The log this device appends to; drawn with the first change when the last life's is not provably continued. */
  #writer: Writer | undefined
  /** What is on disk, and may leave the device. */
  #durable: StateVector = NOTHING
  #compaction: Promise<void> | undefined

  constructor(init: YjsMetadataStoreInit) {
    this.space = init.space
    this.#init = init
    this.#listeners = new ChangeListeners(init)
    this.#database = new MetadataDatabase(init.database)
    this.#replica = new SpaceReplica(init.deviceLabel)
  }

  open(): Promise<void> {
    return this.#exclusive.run(async () => {
      if (this.#state === 'open') return
      if (this.#state !== 'new') throw closed()
      await this.#database.open()
      for await (const update of this.#database.updates()) {
        const runs = await inSlices(readUpdate(update))
        await this.#replica.integrate(runs.flatMap((run) => this.#replica.trim(run) ?? []))
      }
      const mark = await this.#database.takeCleanStop()
      this.#writer = decodeWriterMark(mark, (writer) => this.#replica.document.clockOf(writer))
      this.#durable = this.#replica.document.stateVector()
      await this.#settle()
      this.#state = 'open'
      this.#compactWhenDue()
    })
  }

  close(): Promise<void> {
    return this.#exclusive.run(async () => {
      if (this.#state === 'closed') return
      const wasOpened = this.#state !== 'new'
      this.#state = 'closed'
      this.#listeners.clear()
      await this.#compaction
      if (!wasOpened) return
      const writer = this.#writer
      const mark =
        writer === undefined || this.#failure !== undefined
          ? undefined
          : encodeWriterMark(writer, this.#replica.document.clockOf(writer))
      await this.#database.close(mark)
      this.#replica.document.destroy()
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  lookup(path: string): TreeEntry | undefined {
    this.#assertOpen()
    const names = parsePath(path)
    const entry = this.#replica.view.find(names)
    return entry === undefined ? undefined : treeEntry(entry, names.join('/'), this.#replica.index.devices)
  }

  find(node: NodeId, version?: VersionId): TreeEntry | undefined {
    this.#assertOpen()
    const { view, index } = this.#replica
    return foundTreeEntry(
      findNode(view, node, version === undefined ? undefined : parseVersionId(version)),
      index.devices,
    )
  }

  children(path: string): readonly TreeEntry[] | undefined {
    this.#assertOpen()
    const names = parsePath(path)
    const { view, index } = this.#replica
    const directory = view.find(names)
    if (directory?.kind !== 'directory') return undefined
    const entries = [...view.entries(directory)].sort((a, b) => compareText(a.name, b.name))
    return entries.map((entry) => treeEntry(entry, [...names, entry.name].join('/'), index.devices))
  }

  walk(path: string, options: AbortOptions = {}): AsyncIterable<readonly TreeEntry[]> {
    this.#assertOpen()
    return walkTree(this.#replica, parsePath(path), options, () => this.#assertOpen())
  }

  counts(): TreeCounts {
    this.#assertOpen()
    const { view, index } = this.#replica
    const { files, directories, symlinks, bytes, conflicts } = view.summaries.of(view.root).totals
    return { files, directories, symlinks, bytes: Number(bytes), conflicts, waiting: index.waitingNodes }
  }

  clashes(): readonly NameClash[] {
    this.#assertOpen()
    return clashesIn(this.#replica.view)
  }

  digest(): Uint8Array {
    this.#assertOpen()
    return this.#replica.digest()
  }

  makeNode(kind: NodeKind): NodeId {
    return newNodeId(kind, this.#init.randomBytes)
  }

  transact(asked: readonly Action[] | (() => Awaitable<readonly Action[]>)): Promise<(TreeEntry | undefined)[]> {
    return this.#exclusive.run(async () => {
      this.#assertOpen()
      const actions = typeof asked === 'function' ? await asked() : asked
      const { index, document } = this.#replica
      const before = document.stateVector()
      const writer = this.#writer ?? this.#drawWriter()
      const events = this.#startEvents()
      const plan = await this.#plan(actions, writer, events)
      if (plan.records.length === 0) return plan.results
      this.#writer = writer
      const run = document.append(writer, plan.entries)
      await inSlices(this.#replica.countRun(run))
      if (run.clock === 0) index.devices.set(writer, this.#init.device)
      this.#replica.dropSuperseded(plan.superseded)
      const authors = new Map([[this.#init.device, plan.records.length]])
      await this.#finish({ before, isLocal: true, paths: plan.paths, authors, events })
      return plan.results
    })
  }

  hello(): Uint8Array {
    this.#assertOpen()
    return encodeVector(this.#durable)
  }

  holds(hello: Uint8Array): boolean {
    this.#assertOpen()
    const message = decodeMessage(hello)
    if (message.type !== 'vector') return false
    return [...message.vector].every(([writer, clock]) => clock <= (this.#durable.get(writer) ?? 0))
  }

  receive(message: Uint8Array, from: DeviceKey, isWriter: boolean): Promise<Iterable<Uint8Array>> {
    return this.#exclusive.run(async () => {
      this.#assertOpen()
      const decoded = decodeMessage(message)
      if (decoded.type === 'vector') return this.#answer(decoded.vector)
      if (!isWriter) throw new DittoError('DITTO_ROLE', 'A device that may only read this space sent changes to it.')
      await this.#take(decoded.update, from)
      return []
    })
  }

  onChange(listener: ChangeListener): Unsubscribe {
    return this.#listeners.add(listener)
  }

  /** Plans actions one after the other, each on what the ones before show; on a failure nothing of it stays. */
  async #plan(actions: readonly Action[], writer: Writer, events: NodeEvents | undefined) {
    const { index, view, document } = this.#replica
    const clocks = entryClocks(document.clockOf(writer))
    const records: LogRecord[] = []
    const entries: string[] = []
    const results: (TreeEntry | undefined)[] = []
    const superseded: { writer: Writer; clock: number }[] = []
    const touched = new Map<
      NodeSnapshot['node'],
      { readonly snapshot: NodeSnapshot; readonly path: string | undefined }
    >()
    const remember = (snapshot: NodeSnapshot) => {
      if (touched.has(snapshot.node)) return
      const path = touched.size < MAX_CHANGED_PATHS ? nodePath(index, snapshot.node) : undefined
      touched.set(snapshot.node, { snapshot, path })
    }
    if (document.clockOf(writer) === 0) {
      clocks.next()
      entries.push(encodeRecord(this.#writerRecord(writer)))
    }
    try {
      for (const [position, action] of actions.entries()) {
        if ((position + 1) % ACTIONS_PER_SLICE === 0) await setImmediate()
        const nowNs = BigInt(this.#init.clock.now()) * 1_000_000n
        const planned = await inSlices(planAction(action, { view, writer, randomBytes: this.#init.randomBytes, nowNs }))
        for (let at = 0; at < planned.records.length; at += RECORDS_PER_SLICE) {
          if (at > 0) await setImmediate()
          const added: LogEntry[] = []
          for (const record of planned.records.slice(at, at + RECORDS_PER_SLICE)) {
            entries.push(encodeChange(record))
            added.push({ writer, clock: clocks.next().value, record })
            records.push(record)
          }
          events?.take(added)
          superseded.push(...index.add(added, remember).superseded)
        }
        results.push(foundTreeEntry(shownBy(planned, view), this.#devicesWith(writer)))
      }
    } catch (error) {
      index.restore([...touched.values()].map(({ snapshot }) => snapshot))
      throw error
    }
    const before = [...touched.values()].map(({ path }) => path)
    const paths = touchedPaths(index, touched.keys(), before, MAX_CHANGED_PATHS)
    return { records, entries, results, superseded, paths }
  }

  /** Checks and takes a peer's update, and makes it durable. */
  async #take(update: Uint8Array, from: DeviceKey): Promise<void> {
    const { document, index } = this.#replica
    const { space, verify, logger } = this.#init
    const fresh = await inSlices(guardUpdate(update, { space, verify, clockOf: (writer) => document.clockOf(writer) }))
    if (fresh.length === 0) return
    if (fresh.some(({ writer }) => writer === this.#writer)) this.#retireWriter(from)
    const before = document.stateVector()
    const events = this.#startEvents()
    const touched = await this.#replica.integrate(fresh, MAX_CHANGED_PATHS, events)
    logger.debug({ space, from, logs: fresh.length }, 'took changes of a peer')
    const paths =
      touched === undefined ? undefined : touchedPaths(index, touched.keys(), touched.values(), MAX_CHANGED_PATHS)
    await this.#finish({ before, isLocal: false, paths, authors: authorsOf(fresh, index.devices), events })
  }

  #startEvents(): NodeEvents | undefined {
    return this.#listeners.isEmpty ? undefined : new NodeEvents(this.#replica.view)
  }

  /** Makes what came since `before` durable, then tells of it. */
  async #finish({ before, isLocal, paths, authors, events }: Taken): Promise<void> {
    const { document } = this.#replica
    const after = document.stateVector()
    const updates: Uint8Array[] = []
    for (const runs of sliceLogs(document, before, after)) {
      updates.push(encodeUpdate(runs))
      await setImmediate()
    }
    try {
      await this.#database.append(updates)
    } catch (error) {
      this.#state = 'failed'
      this.#failure = error
      throw error
    }
    this.#durable = after
    await this.#settle()
    this.#compactWhenDue()
    if (this.#listeners.isEmpty) return
    const messages = updates.map((update) => encodeUpdateMessage(update))
    const told = events === undefined ? undefined : await inSlices(events.finish())
    this.#listeners.tell({ messages, isLocal, paths, authors, events: told })
  }

  #answer(vector: StateVector): Iterable<Uint8Array> {
    const own = this.#writer
    if (own !== undefined && (vector.get(own) ?? 0) > this.#replica.document.clockOf(own)) this.#retireWriter(undefined)
    const isMissing = [...this.#durable].some(([writer, clock]) => clock > (vector.get(writer) ?? 0))
    return isMissing ? answerVector(this.#replica.document, vector, this.#durable) : []
  }

  /** A peer holds more of our log than we do: the store is older than it looks, and must not go on with that log. */
  #retireWriter(from: DeviceKey | undefined): void {
    this.#writer = undefined
    this.#init.logger.warn({ space: this.space, from }, 'a peer holds newer changes of this device; a new log is begun')
  }

  #drawWriter(): Writer {
    for (;;) {
      const bytes = this.#init.randomBytes(8)
      const writer = Number(Buffer.from(bytes).readBigUInt64BE() >> 11n)
      // Zero is taken by nobody: Yjs treats it like an ID that is not set.
      if (writer > 0 && this.#replica.document.clockOf(writer) === 0) return writer
    }
  }

  #writerRecord(writer: Writer): LogRecord {
    const { device, sign } = this.#init
    return { type: 'writer', device, signature: sign(writerStatement(this.space, writer)) }
  }

  #devicesWith(writer: Writer): ReadonlyMap<Writer, DeviceKey> {
    const { devices } = this.#replica.index
    if (!devices.has(writer)) devices.set(writer, this.#init.device)
    return devices
  }

  /** Brings the totals of the tree up to date now, in slices, so that reading them later takes no time. */
  async #settle(): Promise<void> {
    const { view } = this.#replica
    await inSlices(view.summaries.steps(view.root))
  }

  #compactWhenDue(): void {
    if (this.#compaction !== undefined || !this.#database.isCompactionDue) return
    this.#compaction = this.#database
      .compact(this.#snapshot(this.#durable))
      .catch((error: unknown) => {
        this.#init.logger.error({ error, space: this.space }, 'the metadata of a space could not be compacted')
      })
      .finally(() => {
        this.#compaction = undefined
      })
  }

  async *#snapshot(to: StateVector): AsyncGenerator<Uint8Array> {
    for (const runs of sliceLogs(this.#replica.document, NOTHING, to, SNAPSHOT_RECORD_CHARACTERS)) {
      yield encodeUpdate(runs)
      await setImmediate()
    }
  }

  #assertOpen(): void {
    if (this.#state === 'failed') throw this.#failure
    if (this.#state !== 'open') throw closed()
  }
}

function closed(): DittoError {
  return new DittoError('DITTO_CLOSED', 'The metadata of this space is not open.')
}
