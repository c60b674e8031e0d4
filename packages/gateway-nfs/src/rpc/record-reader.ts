import { DittoError } from '@dittofs/interface'
import { MAX_FRAGMENTS, MAX_RECORD_BYTES } from '../limits.ts'

const HEADER_BYTES = 4
const LAST_FRAGMENT = 0x8000_0000
/** A length alone reserves no more than this; once as much has come, the rest is taken as promised, to be copied once. */
const TRUSTED_BYTES = 16 * 1024

/**
 * Puts records together from a stream of TCP data: fragments behind a word each, of which the highest bit marks the last
 * one (RFC 5531 section 11). A record that lies whole in one piece of data is not copied.
 */
export class RecordReader {
  readonly #data: Buffer[] = []
  /** Where the first of `#data` goes on. */
  #position = 0
  #header = 0
  #headerBytes = 0
  #fragmentBytesLeft = 0
  #isInFragment = false
  #fragments = 0
  #record: Buffer | undefined
  #recordBytes = 0

  /** Takes over the next piece of the stream. */
  push(data: Buffer): void {
    if (data.length > 0) this.#data.push(data)
  }

  /** Whether a record has begun that is not whole. */
  get isPartial(): boolean {
    return this.#data.length > 0 || this.#headerBytes > 0 || this.#isInFragment || this.#fragments > 0
  }

  /**
   * The next whole record, if it has come.
   *
   * @throws DittoError DITTO_LIMIT: it is larger than MAX_RECORD_BYTES or has more than MAX_FRAGMENTS. Nothing behind it
   *   can be found then.
   */
  next(): Buffer | undefined {
    for (;;) {
      if (!this.#isInFragment && !this.#readHeader()) return undefined
      const isLast = this.#header >= LAST_FRAGMENT
      const whole = isLast && this.#recordBytes === 0 ? this.#takeWhole(this.#fragmentBytesLeft) : undefined
      if (whole === undefined && !this.#collect()) return undefined
      this.#isInFragment = false
      if (!isLast) continue
      const record = whole ?? (this.#record ?? Buffer.alloc(0)).subarray(0, this.#recordBytes)
      this.#record = undefined
      this.#recordBytes = 0
      this.#fragments = 0
      return record
    }
  }

  #readHeader(): boolean {
    while (this.#headerBytes < HEADER_BYTES) {
      const data = this.#data[0]
      if (data === undefined) return false
      this.#header = (this.#headerBytes === 0 ? 0 : this.#header * 256) + data[this.#position]!
      this.#headerBytes += 1
      this.#advance(1)
    }
    const length = this.#header % LAST_FRAGMENT
    this.#fragments += 1
    if (this.#recordBytes + length > MAX_RECORD_BYTES) {
      throw new DittoError('DITTO_LIMIT', `An RPC record is larger than ${MAX_RECORD_BYTES} bytes.`)
    }
    if (this.#fragments > MAX_FRAGMENTS) {
      throw new DittoError('DITTO_LIMIT', `An RPC record has more than ${MAX_FRAGMENTS} fragments.`)
    }
    this.#fragmentBytesLeft = length
    this.#isInFragment = true
    this.#headerBytes = 0
    return true
  }

  /** The fragment, where all of it lies in one piece of data. */
  #takeWhole(length: number): Buffer | undefined {
    const data = this.#data[0]
    if (length === 0) return Buffer.alloc(0)
    if (data === undefined || data.length - this.#position < length) return undefined
    const record = data.subarray(this.#position, this.#position + length)
    this.#advance(length)
    return record
  }

  /** Copies what has come of the fragment behind the record so far; whether it is all there. */
  #collect(): boolean {
    while (this.#fragmentBytesLeft > 0) {
      const data = this.#data[0]
      if (data === undefined) return false
      const length = Math.min(this.#fragmentBytesLeft, data.length - this.#position)
      const record = this.#reserve(length)
      data.copy(record, this.#recordBytes, this.#position, this.#position + length)
      this.#recordBytes += length
      this.#fragmentBytesLeft -= length
      this.#advance(length)
    }
    return true
  }

  #reserve(length: number): Buffer {
    const needed = this.#recordBytes + length
    const current = this.#record
    if (current !== undefined && current.length >= needed) return current
    const promised = this.#recordBytes + this.#fragmentBytesLeft
    // Doubled at least: a record of many small fragments would else be copied with each of them.
    const doubled = Math.min((current?.length ?? 0) * 2, MAX_RECORD_BYTES)
    const trusted = needed < TRUSTED_BYTES ? Math.min(promised, TRUSTED_BYTES) : promised
    const larger = Buffer.allocUnsafe(Math.max(needed, trusted, doubled))
    current?.copy(larger, 0, 0, this.#recordBytes)
    this.#record = larger
    return larger
  }

  #advance(length: number): void {
    this.#position += length
    if (this.#position < this.#data[0]!.length) return
    this.#data.shift()
    this.#position = 0
  }
}
