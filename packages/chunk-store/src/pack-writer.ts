import path from 'node:path'
import { DittoError, type Logger } from '@dittofs/interface'
import type { PackFile, PackFileSystem } from './pack-file-system.ts'
import {
  encodePackHeader,
  encodeRecordHeader,
  PACK_HEADER_BYTES,
  type PackRecord,
  packName,
  RECORD_HEADER_BYTES,
  recordBytes,
} from './pack-format.ts'
import { storageError } from './storage-error.ts'

/** Payloads shorter than this are copied behind their headers: thousands of tiny buffers in one write cost more. */
const COPY_BYTES = 8 * 1024

/** A place in the packs: everything before it has a property, such as being durable. */
export interface PackPosition {
  readonly pack: number
  readonly offset: number
}

export interface PackWriterInit {
  fileSystem: PackFileSystem
  directory: string
  /** A pack that has reached this size is followed by a new one. */
  maxPackBytes: number
  logger: Logger
  /** What a new pack has to hold first: all spaces known, so that no pack needs another to be understood. */
  firstRecords: () => readonly PackRecord[]
  /** Called when what was appended since the last sync is lost. */
  onTailLost: (reason: unknown) => void
}

interface CurrentPack {
  readonly number: number
  readonly file: PackFile
  /** End of what was written whole. */
  size: number
  /** End of what is known to be on stable storage. */
  durable: number
}

/**
 * Appends records to the newest pack, one write after the other, and starts the next pack when it is full.
 *
 * A failed write is cut off again, so the disk may be full now and fine later. After a failed `sync` nothing that was
 * not durable before can be relied on, whatever a later sync says: the pack is cut back and left.
 */
export class PackWriter {
  readonly #init: PackWriterInit
  #current: CurrentPack | undefined
  #lastNumber = 0
  #queue: Promise<unknown> = Promise.resolve()
  #syncs = new Set<Promise<void>>()

  constructor(init: PackWriterInit) {
    this.#init = init
  }

  /** The pack that grows. 0 before the first append. */
  get currentPack(): number {
    return this.#current?.number ?? 0
  }

  /** Bytes written and not known to be durable. */
  get unsyncedBytes(): number {
    return this.#current === undefined ? 0 : this.#current.size - this.#current.durable
  }

  /**
   * @param lastNumber - the highest number ever used: numbers are not used twice
   * @param resume - the pack to go on with, whole up to its end
   */
  async open(lastNumber: number, resume?: PackPosition): Promise<void> {
    this.#lastNumber = lastNumber
    if (resume === undefined) return
    const file = await this.#init.fileSystem.open(this.#path(resume.pack), 'write')
    this.#current = { number: resume.pack, file, size: resume.offset, durable: resume.offset }
  }

  async close(): Promise<void> {
    await this.#queue.catch(() => {})
    await this.#closeCurrent()
  }

  /** Ends the pack that grows: the next append begins another. What was appended is durable then. */
  retire(): Promise<void> {
    const retiring = this.#queue.then(async () => {
      await this.sync()
      await this.#closeCurrent()
    })
    this.#queue = retiring.catch(() => {})
    return retiring
  }

  /**
   * Appends records, all into one pack.
   *
   * @param onWritten - called when they are written, not yet durable, with where each begins; in the same tick as
   *   `sync` begins to cover them
   * @throws DittoError DITTO_NO_SPACE, DITTO_IO, DITTO_PERMISSION; nothing was appended
   */
  append(records: readonly PackRecord[], onWritten: (places: readonly PackPosition[]) => void): Promise<void> {
    const appending = this.#queue.then(() => this.#append(records, onWritten))
    this.#queue = appending.catch(() => {})
    return appending
  }

  /**
   * Makes durable what was appended before the call.
   *
   * @returns how far the packs are durable now
   * @throws DittoError DITTO_IO and others; what was not durable before is lost
   */
  async sync(): Promise<PackPosition> {
    const current = this.#current
    if (current === undefined) return { pack: this.#lastNumber + 1, offset: 0 }
    const { size } = current
    if (size > current.durable) {
      const syncing = current.file.sync()
      const settled = syncing.then(
        () => {},
        () => {},
      )
      this.#syncs.add(settled)
      try {
        await syncing
      } catch (error) {
        await this.#abandon(current, error)
        throw storageError(error)
      } finally {
        this.#syncs.delete(settled)
      }
      if (this.#current !== current && size > current.durable) throw lostTail()
      current.durable = Math.max(current.durable, size)
    }
    return { pack: current.number, offset: size }
  }

  async #append(records: readonly PackRecord[], onWritten: (places: readonly PackPosition[]) => void): Promise<void> {
    const bytes = records.reduce((sum, record) => sum + recordBytes(record), 0)
    let current: CurrentPack
    try {
      current = await this.#packFor(bytes)
    } catch (error) {
      throw storageError(error)
    }
    const { parts, places } = layOut(records, current.number, current.size)
    try {
      await current.file.write(parts, current.size)
    } catch (error) {
      await this.#cutBack(current)
      throw storageError(error)
    }
    // A sync failed meanwhile and cut the pack back: what was just written lies behind a hole.
    if (this.#current !== current) throw lostTail()
    current.size += bytes
    onWritten(places)
  }

  async #packFor(bytes: number): Promise<CurrentPack> {
    const current = this.#current
    if (current !== undefined) {
      const isFull = current.size > PACK_HEADER_BYTES && current.size + bytes > this.#init.maxPackBytes
      if (!isFull) return current
      await this.sync()
      await this.#closeCurrent()
    }
    return this.#create()
  }

  async #create(): Promise<CurrentPack> {
    const { fileSystem, directory, firstRecords } = this.#init
    const number = this.#lastNumber + 1
    const file = await fileSystem.create(this.#path(number))
    this.#lastNumber = number
    try {
      const { parts, end } = layOut(firstRecords(), number, PACK_HEADER_BYTES)
      await file.write([encodePackHeader(number), ...parts], 0)
      await fileSystem.syncDirectory(directory)
      this.#current = { number, file, size: end, durable: 0 }
      return this.#current
    } catch (error) {
      await file.close().catch(() => {})
      await fileSystem.remove(this.#path(number)).catch(() => {})
      throw error
    }
  }

  async #cutBack(current: CurrentPack): Promise<void> {
    try {
      await current.file.truncate(current.size)
    } catch (error) {
      this.#init.logger.warn(
        { err: error, pack: current.number },
        'A torn write could not be cut off; a new pack begins.',
      )
      await this.#abandon(current, error)
    }
  }

  async #abandon(current: CurrentPack, reason: unknown): Promise<void> {
    if (this.#current !== current) return
    this.#current = undefined
    if (current.size > current.durable) this.#init.onTailLost(storageError(reason))
    await current.file.truncate(current.durable).catch(() => {})
    await current.file.close().catch(() => {})
  }

  async #closeCurrent(): Promise<void> {
    const current = this.#current
    if (current === undefined) return
    await Promise.all(this.#syncs)
    if (this.#current !== current) return
    this.#current = undefined
    await current.file.close()
  }

  #path(pack: number): string {
    return path.join(this.#init.directory, packName(pack))
  }
}

function lostTail(): DittoError {
  return new DittoError('DITTO_IO', 'The disk of the chunk store failed while it wrote; what it was given is lost.')
}

/** The bytes of records that follow each other from `offset` on, and where each begins. */
function layOut(
  records: readonly PackRecord[],
  pack: number,
  offset: number,
): { parts: Uint8Array[]; places: PackPosition[]; end: number } {
  let scratchBytes = 0
  for (const record of records) {
    scratchBytes += RECORD_HEADER_BYTES
    if (record.kind === 'chunk' && record.bytes.length < COPY_BYTES) scratchBytes += record.bytes.length
  }
  const scratch = Buffer.allocUnsafe(scratchBytes)
  const parts: Uint8Array[] = []
  const places: PackPosition[] = []
  let end = offset
  let from = 0
  let to = 0
  for (const record of records) {
    places.push({ pack, offset: end })
    encodeRecordHeader(record, pack, end, scratch, to)
    to += RECORD_HEADER_BYTES
    end += recordBytes(record)
    if (record.kind !== 'chunk') continue
    if (record.bytes.length < COPY_BYTES) {
      scratch.set(record.bytes, to)
      to += record.bytes.length
    } else {
      parts.push(scratch.subarray(from, to), record.bytes)
      from = to
    }
  }
  if (to > from) parts.push(scratch.subarray(from, to))
  return { parts, places, end }
}
