import { DittoError, isDittoError, type NodeId, type NodeKind, type VersionId } from '@dittofs/interface'
import { BASE_ENCODING, type BaseDatabase, type BaseOperation } from './base-database.ts'
import type { BaseEntry, BaseEntryInit } from './base-entry.ts'
import { BaseTree } from './base-tree.ts'
import { decodeIntents, encodeIntents, type Intent } from './intent.ts'

const STORE_FORMAT = '1'
/** Intents of one value, so that none takes long to encode. */
const INTENTS_PER_VALUE = 250
/** Operations of one write: a larger change is several writes, each whole in itself. */
const MAX_BATCH = 5000

/** What is kept of a folder beside its entries. */
export interface FolderRecord {
  readonly directoryNode: NodeId
  readonly isPaused: boolean
}

type EntryRow = [
  parent: number,
  name: string,
  rawName: string,
  kind: NodeKind,
  nodes: NodeId[],
  version: VersionId | null,
  content: string,
  stamp: string,
  place: number,
]

/**
 * The base on disk: an entry a key, so that a directory that moves is one small write, whatever is in it.
 *
 * Keys: `format`, `next`, `folder/ID`, `entry/N`, `intent/N`. The tree in memory is ahead of the disk until `commit`; what
 * it says beyond the disk is found again by looking at the folder, with the help of the intents.
 */
export class BaseStore {
  readonly tree = new BaseTree()
  readonly folders = new Map<string, FolderRecord>()
  /** Left by a life that ended in the middle, by key. */
  readonly leftIntents = new Map<string, readonly Intent[]>()
  readonly #database: BaseDatabase
  #nextIntent = 1
  #failure: unknown

  constructor(database: BaseDatabase) {
    this.#database = database
  }

  /** @throws DittoError DITTO_STORE_VERSION, DITTO_HOME_LOCKED, DITTO_IO */
  async open(): Promise<void> {
    await this.#guarded(async () => {
      await this.#database.open()
      const format = await this.#database.get('format', BASE_ENCODING)
      if (format === undefined) await this.#write([put('format', Buffer.from(STORE_FORMAT))])
      else if (Buffer.from(format).toString() !== STORE_FORMAT) {
        throw new DittoError('DITTO_STORE_VERSION', 'The state of the live folders was written by a newer DittoFS.')
      }
      const next = await this.#database.get('next', BASE_ENCODING)
      if (next !== undefined) this.tree.nextNumber = Number(Buffer.from(next).toString())
      for await (const [key, value] of this.#entries('folder')) this.folders.set(key, json(value) as FolderRecord)
      await this.#loadEntries()
      this.tree.clearAside()
      for await (const [key, value] of this.#entries('intent')) {
        this.#nextIntent = Math.max(this.#nextIntent, Number(key) + 1)
        const intents = decodeIntents(value)
        this.leftIntents.set(key, intents)
        for (const intent of intents) {
          // What was announced may have come further than what the base knows to be given.
          if (intent.type === 'send') this.tree.nextNumber = (intent.place ?? 0) + 1
        }
      }
    })
  }

  async close(): Promise<void> {
    await this.#guarded(() => this.#database.close())
  }

  /** Writes intents durably, before what they announce is done. @returns their keys, for `commit` */
  async announce(intents: readonly Intent[]): Promise<string[]> {
    const operations: BaseOperation[] = []
    const keys: string[] = []
    for (let at = 0; at < intents.length; at += INTENTS_PER_VALUE) {
      const key = part(this.#nextIntent)
      this.#nextIntent += 1
      keys.push(key)
      operations.push(put(`intent/${key}`, encodeIntents(intents.slice(at, at + INTENTS_PER_VALUE))))
    }
    await this.#write(operations)
    return keys
  }

  /** Writes all that changed in the tree since the last time, and forgets intents that were carried out. */
  async commit(doneIntents: readonly string[] = []): Promise<void> {
    const { changed, removed } = this.tree
    if (changed.size === 0 && removed.size === 0 && doneIntents.length === 0) return
    const operations: BaseOperation[] = [put('next', Buffer.from(String(this.tree.nextNumber)))]
    for (const entry of changed) operations.push(put(`entry/${part(entry.id)}`, encodeEntry(entry)))
    for (const id of removed) operations.push({ type: 'del', key: `entry/${part(id)}` })
    changed.clear()
    removed.clear()
    // Intents go last: while they stand, what they announced is looked at again.
    for (const key of doneIntents) operations.push({ type: 'del', key: `intent/${key}` })
    for (let at = 0; at < operations.length; at += MAX_BATCH) await this.#write(operations.slice(at, at + MAX_BATCH))
  }

  /** Gives back the disk space of what was overwritten or removed. @throws DittoError DITTO_IO */
  async compact(): Promise<void> {
    await this.#guarded(async () => this.#database.compactRange?.('', '~', BASE_ENCODING))
  }

  async saveFolder(id: string, record: FolderRecord | undefined): Promise<void> {
    if (record === undefined) this.folders.delete(id)
    else this.folders.set(id, record)
    const key = `folder/${id}`
    await this.#write([record === undefined ? { type: 'del', key } : put(key, Buffer.from(JSON.stringify(record)))])
  }

  async #loadEntries(): Promise<void> {
    const rows = new Map<number, EntryRow>()
    for await (const [key, value] of this.#entries('entry')) rows.set(Number(key), json(value) as EntryRow)
    const loaded = new Map<number, BaseEntry | undefined>()
    for (const id of rows.keys()) this.#loadEntry(id, rows, loaded)
    // An entry without its parent is left of a change that was cut short: its path is looked at as if it were new.
    for (const [id, entry] of loaded) if (entry === undefined) this.tree.removed.add(id)
  }

  /** Parents before children; a chain is as long as a path is deep. */
  #loadEntry(
    id: number,
    rows: ReadonlyMap<number, EntryRow>,
    loaded: Map<number, BaseEntry | undefined>,
  ): BaseEntry | undefined {
    if (loaded.has(id)) return loaded.get(id)
    loaded.set(id, undefined)
    const row = rows.get(id)
    if (row === undefined) return undefined
    const [parentId, name, rawName, kind, nodes, version, content, stamp, place] = row
    const parent = parentId === 0 ? undefined : this.#loadEntry(parentId, rows, loaded)
    if (parentId !== 0 && (parent === undefined || parent.children?.has(name) === true)) return undefined
    const [node] = nodes
    if (node === undefined) return undefined
    const init: BaseEntryInit = {
      ...{ id, parent, name, rawName, kind, node, nodes, version: version ?? undefined, content, stamp, place },
    }
    const entry = this.tree.load(init)
    loaded.set(id, entry)
    return entry
  }

  async *#entries(kind: string): AsyncGenerator<[string, Uint8Array]> {
    const range = { ...BASE_ENCODING, gte: `${kind}/`, lt: `${kind}0` }
    for await (const [key, value] of this.#database.iterator(range)) yield [key.slice(kind.length + 1), value]
  }

  async #write(operations: BaseOperation[]): Promise<void> {
    if (operations.length === 0) return
    // After a failed write nobody knows what is on disk: nothing may follow it.
    if (this.#failure !== undefined) throw this.#failure
    await this.#guarded(() => this.#database.batch(operations, { ...BASE_ENCODING, sync: true }), true)
  }

  async #guarded<T>(work: () => Promise<T>, isWrite = false): Promise<T> {
    try {
      return await work()
    } catch (error) {
      const failure = databaseError(error)
      if (isWrite) this.#failure = failure
      throw failure
    }
  }
}

function encodeEntry(entry: BaseEntry): Uint8Array {
  const row: EntryRow = [
    entry.parent?.id ?? 0,
    entry.name,
    entry.rawName,
    entry.kind,
    [entry.node, ...entry.nodes.filter((node) => node !== entry.node)],
    entry.version ?? null,
    entry.contentText,
    entry.stampText,
    entry.place,
  ]
  return Buffer.from(JSON.stringify(row))
}

function databaseError(error: unknown): DittoError {
  if (isDittoError(error)) return error
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'LEVEL_LOCKED') {
      const sentence = 'The state of the live folders is in use by another process; stop it first.'
      return new DittoError('DITTO_HOME_LOCKED', sentence, { cause: error })
    }
    if (code === 'ENOSPC' || /no space left/i.test(cause.message)) {
      return new DittoError('DITTO_NO_SPACE', 'The disk is full; free some space and start again.', { cause: error })
    }
  }
  return new DittoError('DITTO_IO', 'The state of the live folders could not be read or written.', { cause: error })
}

function put(key: string, value: Uint8Array): BaseOperation {
  return { type: 'put', key, value }
}

/** Numbers in keys have twelve digits, so that their order is that of the text. */
function part(number: number): string {
  return String(number).padStart(12, '0')
}

function json(value: Uint8Array): unknown {
  return JSON.parse(Buffer.from(value).toString())
}
