import { isUtf8 } from 'node:buffer'
import { XdrError } from './xdr-error.ts'

/**
 * Takes XDR values (RFC 4506) off the front of a buffer. Nothing is copied: what it returns lies in that buffer. A length
 * is checked against what is there before anything is done with it.
 *
 * @throws XdrError of every method: too few bytes, or a value that the type does not have
 */
export class XdrReader {
  readonly #bytes: Buffer
  #offset = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  /** Bytes not read yet. */
  get remaining(): number {
    return this.#bytes.length - this.#offset
  }

  uint32(): number {
    return this.#bytes.readUInt32BE(this.#take(4))
  }

  uint64(): bigint {
    return this.#bytes.readBigUInt64BE(this.#take(8))
  }

  /** Section 4.4: 0 or 1. */
  boolean(): boolean {
    const value = this.uint32()
    if (value > 1) throw new XdrError(`${value} is no XDR boolean.`)
    return value === 1
  }

  /** Section 4.9: as many bytes as both sides know, padded to a multiple of 4. */
  fixedOpaque(length: number): Buffer {
    const start = this.#take(length + padding(length))
    return this.#bytes.subarray(start, start + length)
  }

  /** Section 4.10: at most `maxBytes` bytes behind their number, padded to a multiple of 4. */
  opaque(maxBytes: number): Buffer {
    const length = this.uint32()
    if (length > maxBytes) throw new XdrError(`An XDR value has ${length} bytes; at most ${maxBytes} are taken.`)
    return this.fixedOpaque(length)
  }

  /** Section 4.11, as UTF-8. */
  string(maxBytes: number): string {
    const bytes = this.opaque(maxBytes)
    if (!isUtf8(bytes)) throw new XdrError('An XDR string is not UTF-8.')
    return bytes.toString('utf8')
  }

  #take(length: number): number {
    const start = this.#offset
    if (length > this.#bytes.length - start) {
      throw new XdrError(`An XDR value needs ${length} bytes; ${this.#bytes.length - start} are there.`)
    }
    this.#offset = start + length
    return start
  }
}

/** Bytes of zeros behind `length` bytes of content: XDR values are multiples of 4 long (section 3). */
export function padding(length: number): number {
  return -length & 3
}
