import path from 'node:path'
import { type ChunkId, isDittoError, type Logger } from '@dittofs/interface'
import { type Blake3, chunkIdOf } from './blake3.ts'
import { ChunkIndex } from './chunk-index.ts'
import { decodeSpace, decodeState, type IndexEntry, type IndexState, SPACE_KEYS, STATE_KEY } from './index-codec.ts'
import type { IndexDatabase, OpenIndexDatabase } from './index-database.ts'
import type { PackFileSystem } from './pack-file-system.ts'
import { PACK_HEADER_BYTES, packName, parsePackName } from './pack-format.ts'
import { type ScannedRecord, scanPack } from './pack-scanner.ts'
import type { PackPosition } from './pack-writer.ts'
import { SpaceTable } from './space-table.ts'

/** Records that a scan takes into the index at once. */
const RECORDS_PER_COMMIT = 4096

export interface RecoveryInit {
  fileSystem: PackFileSystem
  /** Has `packs` and `index`. */
  directory: string
  openIndex: OpenIndexDatabase
  blake3: Blake3
  logger: Logger
}

export interface Recovered {
  readonly index: ChunkIndex
  readonly spaces: SpaceTable
  /** The highest pack number ever used. */
  readonly lastPack: number
  /** The pack to go on with, if the last one may grow. */
  readonly resume: PackPosition | undefined
}

/**
 * Opens the index and brings it up to the packs. What was written after the index's last commit is taken in where it
 * is whole, and cut off from where it is not; an index that is missing, damaged or of another format is made anew from
 * all packs.
 *
 * @throws DittoError DITTO_HOME_LOCKED, DITTO_STORE_VERSION, DITTO_IO and others
 */
export async function recover(init: RecoveryInit): Promise<Recovered> {
  await init.fileSystem.syncDirectory(path.join(init.directory, 'packs'))
  const packs = await listPacks(init)
  const opened = await openIndex(init)
  if (opened.state !== undefined) return new Recovery(init, opened.database, opened.state).resume(packs)
  if (packs.length > 0) {
    init.logger.warn({ packs: packs.length }, 'The index of the chunk store is missing or damaged and is made anew.')
  }
  await opened.database.close()
  const empty = await init.openIndex(indexDirectory(init), true)
  return new Recovery(init, empty, { pack: 0, offset: 0, chunks: 0, bytes: 0 }).rebuild(packs)
}

async function listPacks({ fileSystem, directory }: RecoveryInit): Promise<number[]> {
  const names = await fileSystem.list(path.join(directory, 'packs'))
  const packs = names.map(parsePackName).filter((pack) => pack !== undefined)
  return packs.sort((a, b) => a - b)
}

function indexDirectory({ directory }: RecoveryInit): string {
  return path.join(directory, 'index')
}

async function openIndex(init: RecoveryInit): Promise<{ database: IndexDatabase; state: IndexState | undefined }> {
  try {
    const database = await init.openIndex(indexDirectory(init), false)
    const [value] = await database.getMany([STATE_KEY]).catch(() => [undefined])
    return { database, state: decodeState(value) }
  } catch (error) {
    if (!isDittoError(error, 'DITTO_STORE_CORRUPT')) throw error
    return { database: await init.openIndex(indexDirectory(init), true), state: undefined }
  }
}

class Recovery {
  readonly #init: RecoveryInit
  readonly #database: IndexDatabase
  readonly #state: IndexState
  readonly #index: ChunkIndex
  readonly #spaces = new SpaceTable()

  constructor(init: RecoveryInit, database: IndexDatabase, state: IndexState) {
    this.#init = init
    this.#database = database
    this.#state = state
    this.#index = new ChunkIndex(database, state)
  }

  async resume(packs: readonly number[]): Promise<Recovered> {
    for await (const batch of this.#database.entries(SPACE_KEYS.from, SPACE_KEYS.to)) {
      for (const [key, value] of batch) this.#spaces.set(...decodeSpace(key, value))
    }
    let resume: PackPosition | undefined
    for (const pack of packs) {
      if (pack < this.#state.pack) continue
      const from = pack === this.#state.pack ? this.#state.offset : 0
      const end = await this.#takeTail(pack, from)
      resume = end === undefined ? undefined : { pack, offset: end }
    }
    return this.#result(packs, resume)
  }

  /** Later records win: a chunk is only stored again when the earlier copy is damaged or about to go. */
  async rebuild(packs: readonly number[]): Promise<Recovered> {
    for (const pack of packs) {
      // A write cut short can only be in the newest pack: elsewhere, and in all that is damaged, reading will tell.
      const mustHash = pack === packs.at(-1)
      await this.#takeRecords(pack, { from: 0, onFault: 'search' }, mustHash)
    }
    const lastPack = packs.at(-1) ?? 0
    await this.#index.commit(async () => ({ pack: lastPack + 1, offset: 0 }))
    if (lastPack > 0) {
      const { chunks, bytes } = this.#index.totals
      this.#init.logger.info({ chunks, bytes }, 'The index of the chunk store was made anew.')
    }
    return this.#result(packs, undefined)
  }

  #result(packs: readonly number[], resume: PackPosition | undefined): Recovered {
    const lastPack = Math.max(packs.at(-1) ?? 0, this.#state.pack - 1, resume?.pack ?? 0)
    return { index: this.#index, spaces: this.#spaces, lastPack, resume }
  }

  /** @returns the end of what is whole, after cutting off what follows; `undefined` for a pack not to be written to */
  async #takeTail(pack: number, from: number): Promise<number | undefined> {
    const { fileSystem, directory, logger } = this.#init
    const file = await fileSystem.open(path.join(directory, 'packs', packName(pack)), 'write')
    try {
      const size = await file.size()
      if (size < from) {
        logger.error({ pack, size, expected: from }, 'A pack has become shorter; what it lost is fetched again.')
        return undefined
      }
      const end = await this.#takeRecords(pack, { from, onFault: 'stop' }, true)
      if (size > end) {
        logger.info({ pack, bytes: size - end }, 'A write that was cut short was removed from the newest pack.')
        await file.truncate(end)
      }
      if (end < PACK_HEADER_BYTES) await fileSystem.remove(path.join(directory, 'packs', packName(pack)))
      await file.sync()
      await this.#index.commit(async () => ({ pack, offset: end }))
      return end < PACK_HEADER_BYTES ? undefined : end
    } finally {
      await file.close()
    }
  }

  /** @returns the end of the last record taken */
  async #takeRecords(
    pack: number,
    options: { from: number; onFault: 'stop' | 'search' },
    mustHash: boolean,
  ): Promise<number> {
    const { fileSystem, directory, blake3 } = this.#init
    const file = await fileSystem.open(path.join(directory, 'packs', packName(pack)), 'write')
    /** What the pack's own numbers stand for here. */
    const numbers = new Map([...this.#spaces.entries()].map(([number]) => [number, number]))
    try {
      // What can be read may be in memory alone, left by a process that was killed: the index must not run ahead of it.
      await file.sync()
      const records = scanPack(file, pack, options)
      let batch: ScannedRecord[] = []
      for (;;) {
        const next = await records.next()
        if (next.done === true) {
          await this.#take(pack, batch, numbers)
          return next.value
        }
        const { header, payload, offset } = next.value
        if (header.kind === 'chunk' && mustHash && chunkIdOf(blake3, payload) !== header.id) {
          if (options.onFault === 'search') continue
          await this.#take(pack, batch, numbers)
          return offset
        }
        batch.push(next.value)
        if (batch.length < RECORDS_PER_COMMIT) continue
        await this.#take(pack, batch, numbers)
        batch = []
      }
    } finally {
      await file.close()
    }
  }

  async #take(pack: number, records: readonly ScannedRecord[], numbers: Map<number, number>): Promise<void> {
    const entries = new Map<ChunkId, IndexEntry | undefined>()
    const before = new Map<ChunkId, IndexEntry | undefined>()
    const ids = [...new Set(records.flatMap(({ header }) => (header.kind === 'space' ? [] : [header.id])))]
    for (const [nth, entry] of (await this.#index.lookup(ids)).entries()) {
      entries.set(ids[nth] as ChunkId, entry)
      before.set(ids[nth] as ChunkId, entry)
    }
    for (const { header, offset } of records) {
      if (header.kind === 'space') {
        const number = this.#spaces.add(header.id, header.space)
        numbers.set(header.space, number)
        this.#index.setSpace(number, header.id)
        continue
      }
      const space = numbers.get(header.space)
      if (space === undefined) continue
      const known = entries.get(header.id)
      const spaces = [...new Set([...(known?.spaces ?? []), space])].sort((a, b) => a - b)
      if (header.kind === 'chunk') entries.set(header.id, { pack, offset, length: header.length, spaces })
      else entries.set(header.id, { ...(known ?? { pack: 0, offset: 0, length: 0 }), spaces })
    }
    for (const [id, entry] of entries) this.#index.set(id, before.get(id), entry)
    // The state still names the old position, none while the index is made anew: should this stop here, the next start
    // takes the same records again.
    await this.#index.commit(async () => this.#state)
  }
}
