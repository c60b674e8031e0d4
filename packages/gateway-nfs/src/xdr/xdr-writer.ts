import { padding } from './xdr-reader.ts'

/** Most answers fit: a status, a handle and the attributes of two nodes. */
const FIRST_BYTES = 384

/**
 * Puts XDR values (RFC 4506) one behind another. Large content is not copied but stands between the buffers of what
 * surrounds it, to be sent as it is by one gathering write.
 */
export class XdrWriter {
  #buffer: Buffer
  #offset = 0
  /** What lies before `#buffer`. */
  readonly #done: Buffer[] = []
  #doneBytes = 0

  constructor(firstBytes: number = FIRST_BYTES) {
    this.#buffer = Buffer.allocUnsafe(firstBytes)
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#doneBytes + this.#offset
  }

  uint32(value: number): void {
    const start = this.#grow(4)
    this.#buffer.writeUInt32BE(value, start)
  }

  /** 0 to 2^64-1. */
  uint64(value: bigint): void {
    const start = this.#grow(8)
    this.#buffer.writeBigUInt64BE(value, start)
  }

  /** A uint64 from a whole number of 0 to 2^53-1, without the cost of a bigint. */
  hyper(value: number): void {
    const start = this.#grow(8)
    this.#buffer.writeUInt32BE(Math.floor(value / 0x1_0000_0000), start)
    this.#buffer.writeUInt32BE(value % 0x1_0000_0000, start + 4)
  }

  /**
   * Makes place for `length` bytes, a multiple of 4, and has `write` fill all of them: for structures that are written often
   * enough to care for.
   */
  fixed(length: number, write: (buffer: Buffer, start: number) => void): void {
    const start = this.#grow(length)
    write(this.#buffer, start)
  }

  boolean(value: boolean): void {
    this.uint32(value ? 1 : 0)
  }

  fixedOpaque(bytes: Uint8Array): void {
    const start = this.#grow(bytes.length + padding(bytes.length))
    this.#buffer.set(bytes, start)
    this.#buffer.fill(0, start + bytes.length, this.#offset)
  }

  opaque(bytes: Uint8Array): void {
    this.uint32(bytes.length)
    this.fixedOpaque(bytes)
  }

  string(text: string): void {
    const length = Buffer.byteLength(text)
    this.uint32(length)
    const start = this.#grow(length + padding(length))
    this.#buffer.write(text, start, 'utf8')
    this.#buffer.fill(0, start + length, this.#offset)
  }

  /** An opaque whose bytes are not copied: they must stay as they are until the message is sent. */
  gathered(bytes: Uint8Array): void {
    this.uint32(bytes.length)
    if (bytes.length === 0) return
    this.#close()
    this.#done.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length))
    this.#doneBytes += bytes.length
    const start = this.#grow(padding(bytes.length))
    this.#buffer.fill(0, start, this.#offset)
  }

  /** Takes back all that was written behind `length`, which must not lie before gathered bytes. */
  truncate(length: number): void {
    if (length < this.#doneBytes || length > this.length) throw new RangeError(`nothing can be cut off at ${length}`)
    this.#offset = length - this.#doneBytes
  }

  /** What was written, in order. The writer takes nothing after that. */
  finish(): Buffer[] {
    this.#close()
    return this.#done
  }

  #close(): void {
    if (this.#offset === 0) return
    this.#done.push(this.#buffer.subarray(0, this.#offset))
    this.#doneBytes += this.#offset
    this.#buffer = this.#buffer.subarray(this.#offset)
    this.#offset = 0
  }

  /** Makes place for `length` bytes and returns where it begins. */
  #grow(length: number): number {
    const start = this.#offset
    const needed = start + length
    if (needed > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2))
      this.#buffer.copy(larger, 0, 0, start)
      this.#buffer = larger
    }
    this.#offset = needed
    return start
  }
}
