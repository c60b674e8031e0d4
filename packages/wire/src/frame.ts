import { DittoError, MAX_FRAME_BYTES } from '@dittofs/interface'

/** A frame is its payload's length as u32 big-endian, then the payload: 1 to MAX_FRAME_BYTES. */
export const FRAME_HEADER_BYTES = 4

/** @throws RangeError unless the payload is 1 to MAX_FRAME_BYTES long */
export function encodeFrameHeader(payloadBytes: number): Uint8Array {
  if (!Number.isInteger(payloadBytes) || payloadBytes < 1 || payloadBytes > MAX_FRAME_BYTES) {
    throw new RangeError(`a frame's payload is 1 to ${MAX_FRAME_BYTES} bytes, not ${payloadBytes}`)
  }
  const header = new Uint8Array(FRAME_HEADER_BYTES)
  new DataView(header.buffer).setUint32(0, payloadBytes)
  return header
}

/**
 * Cuts a stream of bytes into frames. Memory is bounded by one frame; a length over the limit is refused before
 * anything is allocated for it.
 */
export class FrameDecoder {
  readonly #maxFrameBytes: number
  readonly #header = new Uint8Array(FRAME_HEADER_BYTES)
  #headerFilled = 0
  #payload: Uint8Array | undefined
  #payloadFilled = 0

  constructor(maxFrameBytes: number = MAX_FRAME_BYTES) {
    this.#maxFrameBytes = maxFrameBytes
  }

  /** Whether the bytes so far end between two frames. */
  get isAtBoundary(): boolean {
    return this.#headerFilled === 0
  }

  /**
   * @param bytes - what arrived, of any length; not kept
   * @returns the payloads completed by it, each in memory of its own
   * @throws DittoError DITTO_LIMIT (payload too long), DITTO_PROTOCOL (empty payload); the decoder is of no use then
   */
  push(bytes: Uint8Array): Uint8Array[] {
    const payloads: Uint8Array[] = []
    let at = 0
    while (at < bytes.length) {
      if (this.#payload === undefined) {
        const taken = Math.min(FRAME_HEADER_BYTES - this.#headerFilled, bytes.length - at)
        this.#header.set(bytes.subarray(at, at + taken), this.#headerFilled)
        this.#headerFilled += taken
        at += taken
        if (this.#headerFilled < FRAME_HEADER_BYTES) break
        // Every byte is written before anyone sees it, so the zeros would be for nothing.
        const memory = Buffer.allocUnsafeSlow(this.#checkedLength())
        this.#payload = new Uint8Array(memory.buffer, memory.byteOffset, memory.length)
        this.#payloadFilled = 0
      }
      const payload = this.#payload
      const taken = Math.min(payload.length - this.#payloadFilled, bytes.length - at)
      payload.set(bytes.subarray(at, at + taken), this.#payloadFilled)
      this.#payloadFilled += taken
      at += taken
      if (this.#payloadFilled === payload.length) {
        payloads.push(payload)
        this.#payload = undefined
        this.#headerFilled = 0
      }
    }
    return payloads
  }

  #checkedLength(): number {
    const length = new DataView(this.#header.buffer).getUint32(0)
    if (length === 0) throw new DittoError('DITTO_PROTOCOL', 'The peer sent an empty frame.')
    if (length > this.#maxFrameBytes) {
      throw new DittoError(
        'DITTO_LIMIT',
        `The peer announced a frame of ${length} bytes; at most ${this.#maxFrameBytes} are allowed.`,
      )
    }
    return length
  }
}
