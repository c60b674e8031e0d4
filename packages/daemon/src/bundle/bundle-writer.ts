import type { FileHandle } from 'node:fs/promises'
import type { ChunkId, RandomBytes } from '@dittofs/interface'
import { type Identity, MAX_PART_CONTENT_BYTES, partSealer } from '@dittofs/link'
import { type BundleRecord, encodeRecord } from './bundle-record.ts'
import type { BundleTable, UnfinishedExport } from './bundle-table.ts'

/** Content of a part, unless one record is larger: what is sealed in one go, in a few milliseconds. */
const PART_BYTES = 1024 * 1024
/** As much may have to be written again after a stop. */
const BYTES_PER_BARRIER = 64 * 1024 * 1024

export interface BundleWriterInit {
  handle: FileHandle
  /** Absolute path, by which the state is kept. */
  file: string
  table: BundleTable
  sender: Identity
  randomBytes: RandomBytes
  now: () => number
}

/**
 * Writes records to a bundle, in parts. What counts as written is first on stable storage, then noted: after a stop the
 * file is cut there and gone on with.
 */
export class BundleWriter {
  readonly #init: BundleWriterInit
  readonly #seal: ReturnType<typeof partSealer>
  readonly #bundle: Uint8Array
  #state: UnfinishedExport
  #records: Uint8Array[] = []
  #recordBytes = 0
  /** Chunks since the last note. */
  readonly #fresh = new Set<ChunkId>()
  #offset: number
  #parts: number

  constructor(init: BundleWriterInit, state: UnfinishedExport) {
    this.#init = init
    this.#state = state
    this.#offset = state.offset
    this.#parts = state.parts
    this.#bundle = Buffer.from(state.bundle, 'hex')
    this.#seal = partSealer(init.sender, state.device, init.randomBytes)
  }

  get parts(): number {
    return this.#parts
  }

  get bytes(): number {
    return this.#offset
  }

  get chunks(): number {
    return this.#state.chunks + this.#fresh.size
  }

  async add(record: BundleRecord): Promise<void> {
    const bytes = encodeRecord(record)
    const isFull = this.#recordBytes + bytes.length > PART_BYTES && this.#recordBytes > 0
    if (isFull || this.#recordBytes + bytes.length > MAX_PART_CONTENT_BYTES) await this.#write(false)
    this.#records.push(bytes)
    this.#recordBytes += bytes.length
    if (record.type === 'chunk') this.#fresh.add(record.chunk.id)
  }

  /** Which of the chunks are not in the bundle yet. */
  async lacking(ids: readonly ChunkId[]): Promise<ChunkId[]> {
    const stored = await this.#init.table.hasChunks(this.#state.bundle, ids)
    return [...new Set(ids.filter((id, index) => stored[index] !== true && !this.#fresh.has(id)))]
  }

  /** Writes the last part; the bundle is whole and durable on return. */
  async finish(): Promise<void> {
    await this.#write(true)
    await this.#init.handle.sync()
    await this.#init.table.deleteExport(this.#init.file, this.#state)
  }

  async #write(isLast: boolean): Promise<void> {
    const { handle } = this.#init
    const place = { bundle: this.#bundle, index: this.#parts, isLast }
    const part = this.#seal(place, Buffer.concat(this.#records))
    this.#records = []
    this.#recordBytes = 0
    for (let at = 0; at < part.length; ) {
      at += (await handle.write(part, at, part.length - at, this.#offset + at)).bytesWritten
    }
    this.#offset += part.length
    this.#parts++
    if (!isLast && this.#offset - this.#state.offset >= BYTES_PER_BARRIER) await this.#barrier()
  }

  async #barrier(): Promise<void> {
    const { handle, table, file, now } = this.#init
    await handle.sync()
    const { chunks } = this
    this.#state = { ...this.#state, parts: this.#parts, offset: this.#offset, chunks, at: now() }
    await table.putExport(file, this.#state, this.#fresh)
    this.#fresh.clear()
  }
}
