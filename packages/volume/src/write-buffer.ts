import type { AbortOptions, ByteRange, ContentEdit, FileContent } from '@dittofs/interface'
import { ByteRanges } from './byte-ranges.ts'
import type { ContentReader } from './content-reader.ts'
import type { Spool } from './spool.ts'

export interface WriteBufferInit {
  /** The version that the first write was made on. */
  base: FileContent
  reader: ContentReader
  spool: Spool
}

/**
 * A file with writes that are not committed: what was written lies over the version it was written on.
 *
 * Who changes it has it alone. A reader holds it, so that its bytes stay until the last one has read.
 */
export class WriteBuffer {
  readonly base: FileContent
  readonly #reader: ContentReader
  readonly #spool: Spool
  readonly #written = new ByteRanges()
  /** Bytes of the base that still show: a file that was cut off shows zeros when it grows again. */
  #baseBytes: number
  #size: number
  #holders = 0
  #isOver = false

  constructor({ base, reader, spool }: WriteBufferInit) {
    this.base = base
    this.#reader = reader
    this.#spool = spool
    this.#baseBytes = base.size
    this.#size = base.size
  }

  get size(): number {
    return this.#size
  }

  /** Bytes in the spool. */
  get writtenBytes(): number {
    return this.#written.bytes
  }

  /** Whether the content may be other than the base's. */
  get isChanged(): boolean {
    return !this.#written.isEmpty || this.#baseBytes < this.base.size || this.#size !== this.base.size
  }

  async write(offset: number, bytes: Uint8Array): Promise<void> {
    await this.#spool.write(offset, bytes)
    this.#written.add(offset, offset + bytes.length)
    this.#size = Math.max(this.#size, offset + bytes.length)
  }

  resize(size: number): void {
    this.#written.cut(size)
    this.#baseBytes = Math.min(this.#baseBytes, size)
    this.#size = size
  }

  /** @returns the bytes of a part that lies within the file, owned by the caller */
  async read({ start, end }: ByteRange, options: AbortOptions = {}): Promise<Uint8Array> {
    const bytes = new Uint8Array(end - start)
    const baseEnd = Math.min(end, this.#baseBytes)
    for (const gap of start < baseEnd ? this.#written.gaps(start, baseEnd) : []) {
      bytes.set(await this.#reader.read(this.base, gap, options), gap.start - start)
    }
    for (const part of this.#written.within(start, end)) {
      await this.#spool.read(part.start, bytes.subarray(part.start - start, part.end - start))
    }
    return bytes
  }

  /** What it makes of the base. It must not change while this is used. */
  edit(): ContentEdit {
    const [size, baseBytes] = [this.#size, this.#baseBytes]
    const changed = new ByteRanges()
    for (const { start, end } of this.#written.within(0, size)) changed.add(start, end)
    changed.add(baseBytes, size)
    const zeros = baseBytes < size ? this.#written.gaps(baseBytes, size) : []
    return { size, changed: changed.within(0, size), zeros, read: (range, options) => this.read(range, options) }
  }

  /** Keeps the bytes until `release`. */
  hold(): void {
    this.#holders++
  }

  async release(): Promise<void> {
    this.#holders--
    await this.#removeUnused()
  }

  /** The bytes are not needed any more: they were committed, or the file is gone. */
  async end(): Promise<void> {
    this.#isOver = true
    await this.#removeUnused()
  }

  async #removeUnused(): Promise<void> {
    if (this.#isOver && this.#holders === 0) await this.#spool.remove()
  }
}
