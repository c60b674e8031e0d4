import { createHash } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import {
  type Action,
  type Awaitable,
  type Clock,
  type DeviceKey,
  DittoError,
  Exclusive,
  type LogDigests,
  type Logger,
  type MetadataChange,
  type MetadataStore,
  type NameClash,
  type NodeId,
  type NodeKind,
  parsePath,
  type RandomBytes,
  type ReplacedLogs,
  type SpaceId,
  type TreeCounts,
  type TreeEntry,
  type Unsubscribe,
  type VersionId,
  type WalkOptions,
} from '@dittofs/interface'
import { type ChangeListener, ChangeListeners } from './change-listeners.ts'
import { MAX_CHANGED_PATHS, touchedPaths } from './changed-paths.ts'
import { decodeWriterMark, encodeWriterMark } from './clean-stop.ts'
import { copyNames, entriesAt, shownNames } from './directory-names.ts'
import { documentSnapshot } from './document-snapshot.ts'
import { authorsOf } from './entry-authors.ts'
import type { Writer } from './event.ts'
import { answerVector, decodeMessage, encodeUpdateMessage, encodeVector, sliceLogs } from './exchange.ts'
import { findNode } from './find-node.ts'
import { KeptImage } from './kept-image.ts'
import { logPart } from './log-part.ts'
import { findDropped, rebuildReplica } from './log-replacement.ts'
import { lostPaths } from './lost-paths.ts'
import { type Database, MetadataDatabase } from './metadata-database.ts'
import { NodeEvents } from './node-events.ts'
import { newNodeId, ROOT_ID } from './node-id.ts'
import { notTheOwners, readOwnersLogs } from './owners-logs.ts'
import { planTransaction } from './plan-transaction.ts'
import type { LogRecord } from './record.ts'
import { inSlices } from './slices.ts'
import type { StateVector } from './space-document.ts'
import { SpaceReplica } from './space-replica.ts'
import { foundTreeEntry, treeEntry } from './tree-entry.ts'
import type { DeviceLabel } from './tree-view.ts'
import { compareText } from './tree-view.ts'
import { guardUpdate, type Verify, writerStatement } from './update-guard.ts'
import { encodeUpdate } from './update-writer.ts'
import { parseVersionId } from './version-id.ts'
import { versionsBeyond } from './versions-beyond.ts'
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
  /** Entries beyond the image of the index from which on a new one is written at a close; 2000 unless given. */
  readonly minImageEntries?: number
}

/** What was taken into the document and is yet to become durable and be told. */
interface Taken extends Pick<MetadataChange, 'isLocal' | 'paths' | 'authors'> {
  readonly before: StateVector
  readonly events: NodeEvents | undefined
}

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
  #replica: SpaceReplica
  readonly #exclusive = new Exclusive()
  readonly #listeners: ChangeListeners
  #state: 'new' | 'open' | 'failed' | 'closed' = 'new'
  #failure: unknown
  /** The log this device appends to; drawn with the first change when the last life's is not provably continued. */
  #writer: Writer | undefined
  /** What is on disk, and may leave the device. */
  #durable: StateVector = NOTHING
  #compaction: Promise<void> | undefined
  readonly #image: KeptImage
  #isImageAskedFor = false

  constructor(init: YjsMetadataStoreInit) {
    this.space = init.space
    this.#init = init
    this.#listeners = new ChangeListeners(init)
    this.#database = new MetadataDatabase(init.database)
    this.#image = new KeptImage({ ...init, database: this.#database })
    this.#replica = new SpaceReplica(init.deviceLabel)
  }

  open(): Promise<void> {
    return this.#exclusive.run(async () => {
      if (this.#state === 'open') return
      if (this.#state !== 'new') throw closed()
      await this.#database.open()
      this.#replica = await this.#image.load()
      const mark = await this.#database.takeCleanStop()
      this.#writer = decodeWriterMark(mark, (writer) => this.#replica.document.clockOf(writer))
      this.#durable = this.#replica.document.stateVector()
      await this.#settle()
      this.#state = 'open'
      this.#compactWhenDue()
      this.#writeImageWhenDue('opened')
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
      if (this.#failure === undefined && this.#image.isDue(this.#durable, 'closing')) await this.#writeImage(() => true)
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

  names(path: string): AsyncIterable<readonly string[]> {
    this.#assertOpen()
    return shownNames(this.#replica.view, parsePath(path), () => this.#assertOpen())
  }

  copyNames(path: string): readonly string[] {
    this.#assertOpen()
    return copyNames(this.#replica.view, parsePath(path))
  }

  entriesAt(path: string, names: readonly string[]): readonly (TreeEntry | undefined)[] {
    this.#assertOpen()
    return entriesAt(this.#replica, parsePath(path), names)
  }

  isEmpty(path: string): boolean {
    this.#assertOpen()
    const { view } = this.#replica
    const directory = view.find(parsePath(path))
    return directory?.kind !== 'directory' || view.summaries.of(directory).isEmpty
  }

  walk(path: string, options: WalkOptions = {}): AsyncIterable<readonly TreeEntry[]> {
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

  logDigests(): Promise<LogDigests> {
    // Between two changes: what is told of the logs fits the state vector told with it.
    return this.#exclusive.run(async () => {
      this.#assertOpen()
      const { devices } = this.#replica.index
      return {
        stateHash: new Uint8Array(createHash('sha256').update(encodeVector(this.#durable)).digest()),
        logs: this.#replica.logDigests().map(({ log, digest }) => ({ log, owner: devices.get(log), digest })),
      }
    })
  }

  ownLogPart(log: number, from: number): ReturnType<MetadataStore['ownLogPart']> {
    this.#assertOpen()
    const { document, index } = this.#replica
    const isOwn = index.devices.get(log) === this.#init.device
    return logPart(document, log, from, isOwn ? (this.#durable.get(log) ?? 0) : 0)
  }

  replaceLogs(updates: readonly Uint8Array[], owner: DeviceKey): Promise<ReplacedLogs> {
    return this.#exclusive.run(async () => {
      this.#assertOpen()
      const { space, verify } = this.#init
      if (owner === this.#init.device) throw notTheOwners()
      const copies = await inSlices(readOwnersLogs(updates, { space, verify, owner }))
      const dropped = await findDropped(this.#replica, copies, owner)
      if (dropped === undefined) return { hasChanged: false, droppedEntries: 0, lostPaths: [] }
      const after = await rebuildReplica(this.#replica, this.#durable, copies, this.#init.deviceLabel)
      const lost = await inSlices(lostPaths(dropped, this.#replica.index, after.index, MAX_CHANGED_PATHS))
      await this.#replaceReplica(after)
      return { hasChanged: true, droppedEntries: dropped.length, lostPaths: lost }
    })
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
      const plan = await planTransaction(actions, {
        ...this.#init,
        replica: this.#replica,
        writer,
        writerRecord: () => this.#writerRecord(writer),
        events,
      })
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

  newTo(hello: Uint8Array): (version: VersionId) => boolean {
    this.#assertOpen()
    const message = decodeMessage(hello)
    const known: StateVector = message.type === 'vector' ? message.vector : new Map()
    return versionsBeyond(this.#replica.document, known, this.#durable)
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

  /** Makes another document that of this space: on disk by the switch of a generation, then in memory. */
  async #replaceReplica(after: SpaceReplica): Promise<void> {
    await this.#compaction
    const before = this.#durable
    const vector = after.document.stateVector()
    try {
      await this.#database.compact(documentSnapshot(after.document, vector), true)
    } catch (error) {
      this.#fail(error)
    }
    this.#image.forget()
    this.#replica = after
    this.#durable = vector
    const updates: Uint8Array[] = []
    for await (const update of documentSnapshot(after.document, vector, before)) updates.push(update)
    const messages = updates.map((update) => encodeUpdateMessage(update))
    this.#listeners.tell({ messages, isLocal: false, paths: undefined, authors: new Map(), events: undefined })
  }

  #fail(error: unknown): never {
    this.#state = 'failed'
    this.#failure = error
    throw error
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
      touched === undefined
        ? undefined
        : touchedPaths(this.#replica.view, touched.keys(), touched.values(), MAX_CHANGED_PATHS)
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
      this.#fail(error)
    }
    this.#durable = after
    await this.#settle()
    this.#compactWhenDue()
    if (!this.#listeners.isEmpty) {
      const messages = updates.map((update) => encodeUpdateMessage(update))
      const told = events === undefined ? undefined : await inSlices(events.finish())
      this.#listeners.tell({ messages, isLocal, paths, authors, events: told })
    }
    this.#writeImageWhenDue('changed')
  }

  /** Writes the image of the index as soon as there is nothing else to do, and gives it up when there is. */
  #writeImageWhenDue(moment: 'opened' | 'changed'): void {
    if (this.#isImageAskedFor || !this.#image.isDue(this.#durable, moment)) return
    this.#isImageAskedFor = true
    void this.#exclusive.run(async () => {
      this.#isImageAskedFor = false
      if (this.#state === 'open') await this.#writeImage(() => !this.#exclusive.isAwaited)
    })
  }

  /** Without it the next start takes longer, and nothing else is wrong. */
  async #writeImage(isWanted: () => boolean): Promise<void> {
    try {
      await this.#image.write(this.#replica, isWanted)
    } catch (error) {
      this.#init.logger.error({ error, space: this.space }, 'the image of the index of a space could not be written')
    }
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

  /** Brings the totals of the tree up to date now, in slices, so that reading them later takes no time. */
  async #settle(): Promise<void> {
    const { view } = this.#replica
    await inSlices(view.summaries.steps(view.root))
  }

  #compactWhenDue(): void {
    if (this.#compaction !== undefined || !this.#database.isCompactionDue) return
    this.#compaction = this.#database
      .compact(documentSnapshot(this.#replica.document, this.#durable))
      .catch((error: unknown) => {
        this.#init.logger.error({ error, space: this.space }, 'the metadata of a space could not be compacted')
      })
      .finally(() => {
        this.#compaction = undefined
      })
  }

  #assertOpen(): void {
    if (this.#state === 'failed') throw this.#failure
    if (this.#state !== 'open') throw closed()
  }
}

function closed(): DittoError {
  return new DittoError('DITTO_CLOSED', 'The metadata of this space is not open.')
}
