/** What a {@link ByteReader} throws; caught by the decoder that made the reader, never seen outside it. */
export class MalformedBytes extends Error {
  constructor(reason: string) {
    super(reason)
    this.name = 'MalformedBytes'
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Reads bytes from outside, strictly: nothing past the end, no number above 2^53-1, no number written longer than
 * it needs to be, no text that is not UTF-8. So what was read has one encoding only.
 */
export class ByteReader {
  readonly bytes: Uint8Array
  offset = 0

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  get isAtEnd(): boolean {
    return this.offset === this.bytes.length
  }

  byte(): number {
    const value = this.bytes[this.offset]
    if (value === undefined) throw new MalformedBytes('cut short')
    this.offset += 1
    return value
  }

  /** An unsigned LEB128 number, 0 to 2^53-1, as Yjs writes them. */
  varUint(): number {
    let value = 0
    let scale = 1
    for (;;) {
      const byte = this.byte()
      value += (byte & 0x7f) * scale
      if (value > Number.MAX_SAFE_INTEGER) throw new MalformedBytes('a number is too large')
      if (byte < 0x80) {
        if (byte === 0 && scale > 1) throw new MalformedBytes('a number is longer than it needs to be')
        return value
      }
      scale *= 0x80
    }
  }

  /** A view of the next `length` bytes, not a copy. */
  take(length: number): Uint8Array {
    const end = this.offset + length
    if (end > this.bytes.length) throw new MalformedBytes('cut short')
    const part = this.bytes.subarray(this.offset, end)
    this.offset = end
    return part
  }

  /** Passes over bytes. @returns where they begin */
  skip(length: number): number {
    const start = this.offset
    if (start + length > this.bytes.length) throw new MalformedBytes('cut short')
    this.offset = start + length
    return start
  }

  /** UTF-8 text behind its length in bytes. */
  text(maxBytes: number): string {
    const length = this.varUint()
    if (length > maxBytes) throw new MalformedBytes('a text is too long')
    try {
      return utf8.decode(this.take(length))
    } catch {
      throw new MalformedBytes('a text is not UTF-8')
    }
  }
}
