import { rm } from 'node:fs/promises'
import { type AbortOptions, DittoError } from '@dittofs/interface'
import { Level } from 'level'
import type { IndexDatabase, IndexWrite, OpenIndexDatabase } from './index-database.ts'
import { JoinedReads } from './joined-reads.ts'
import { storageError, systemCode } from './storage-error.ts'

/** In Node a Level is a ClassicLevel; the type names only what browsers have as well. */
type Database = Level<Uint8Array, Uint8Array> & {
  compactRange(start: Uint8Array, end: Uint8Array): Promise<void>
}

/** Entries taken from an iterator at once. */
const ENTRIES_PER_BATCH = 512
/** Before and after all keys of this package, whose first byte is a letter. */
const FIRST_KEY = new Uint8Array()
const LAST_KEY = Uint8Array.of(0xff)

/** See {@link OpenIndexDatabase}: LevelDB, by the package `level`. */
export const openLevelIndexDatabase: OpenIndexDatabase = async (directory, isNew) => {
  if (isNew) await rm(directory, { recursive: true, force: true })
  const database = new Level(directory, { keyEncoding: 'view', valueEncoding: 'view' }) as Database
  try {
    await database.open()
  } catch (error) {
    throw openError(error)
  }
  return new LevelIndexDatabase(database)
}

class LevelIndexDatabase implements IndexDatabase {
  readonly #database: Database
  readonly #reads: JoinedReads
  #isBroken = false

  constructor(database: Database) {
    this.#database = database
    this.#reads = new JoinedReads((keys) => database.getMany([...keys]))
  }

  async getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    if (keys.length === 0) return []
    return this.#reads.getMany(keys).catch(refuse)
  }

  async write(writes: readonly IndexWrite[]): Promise<void> {
    const operations = writes.map(({ key, value }) =>
      value === undefined ? ({ type: 'del', key } as const) : ({ type: 'put', key, value } as const),
    )
    // Synced each time: LevelDB may lose the end of an older log and keep a newer one, so writes that were not
    // synced are no prefix of what was written, and the position up to which packs are indexed would lie.
    try {
      await this.#ready()
      await this.#database.batch(operations, { sync: true } as object)
    } catch (error) {
      this.#isBroken = true
      refuse(error)
    }
  }

  async *entries(
    from: Uint8Array,
    to: Uint8Array,
    options: AbortOptions = {},
  ): AsyncGenerator<[Uint8Array, Uint8Array][]> {
    const iterator = this.#database.iterator({ gte: from, lt: to })
    try {
      for (;;) {
        options.signal?.throwIfAborted()
        const entries = await iterator.nextv(ENTRIES_PER_BATCH).catch(refuse)
        if (entries.length === 0) return
        yield entries
      }
    } finally {
      await iterator.close()
    }
  }

  async compact(): Promise<void> {
    await this.#ready()
    await this.#database.compactRange(FIRST_KEY, LAST_KEY).catch(refuse)
  }

  close(): Promise<void> {
    return this.#database.close()
  }

  /** LevelDB takes no more writes after one failed, though the disk may have room again: it is opened anew. */
  async #ready(): Promise<void> {
    if (!this.#isBroken) return
    await this.#database.close()
    await this.#database.open()
    this.#isBroken = false
  }
}

/** LevelDB's own code is on the error or, where opening failed, on its cause. */
function levelCode(error: unknown): string | undefined {
  const code = systemCode(error)
  return code === 'LEVEL_DATABASE_NOT_OPEN' && error instanceof Error ? (systemCode(error.cause) ?? code) : code
}

function openError(error: unknown): DittoError {
  if (levelCode(error) === 'LEVEL_LOCKED') {
    return new DittoError('DITTO_HOME_LOCKED', 'Another process has the chunk store open; use that one or stop it.', {
      cause: error,
    })
  }
  return corruptIndex(error)
}

function corruptIndex(cause: unknown): DittoError {
  return new DittoError('DITTO_STORE_CORRUPT', 'The index of the chunk store is damaged; start again to rebuild it.', {
    cause,
  })
}

function refuse(error: unknown): never {
  const text = error instanceof Error ? error.message : ''
  if (levelCode(error) === 'LEVEL_CORRUPTION' || text.includes('Corruption')) throw corruptIndex(error)
  // LevelDB passes the system's words on, not its code.
  if (text.includes('No space left')) throw storageError(Object.assign(new Error(text), { code: 'ENOSPC' }))
  throw storageError(error)
}
