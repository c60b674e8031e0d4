import { DittoError, MAX_FRAME_BYTES, MAX_UPDATE_BYTES } from '@dittofs/interface'
import { MESSAGE_TYPE } from './message-type.ts'

/** Type u8, space u32, flags u8. */
export const METADATA_HEADER_BYTES = 6
const MAX_PART_BYTES = MAX_FRAME_BYTES - METADATA_HEADER_BYTES

const MORE = 1
const HELLO = 2

/** The format in words, part of the schema hash. Integers are big-endian. */
export const METADATA_SCHEMA =
  'u8 type, u32 space, u8 flags (1: more parts follow, 2: first message of an exchange, others 0), bytes'

/** One part of a message of the metadata exchange, opaque to the wire. `bytes` share the frame's memory. */
export interface MetadataMessage {
  readonly type: 'metadata'
  readonly space: number
  /** Whether another part of the same message follows. */
  readonly hasMore: boolean
  /** Whether this is the first message of an exchange, which says what its sender holds. */
  readonly isHello: boolean
  readonly bytes: Uint8Array
}

/**
 * Cuts one message of a space's metadata into frames.
 *
 * @returns for each frame its payload in parts; the message is not copied
 * @throws RangeError when it is longer than MAX_UPDATE_BYTES
 */
export function encodeMetadata(space: number, message: Uint8Array, isHello: boolean): Uint8Array[][] {
  if (message.length > MAX_UPDATE_BYTES) throw new RangeError('a metadata message is at most 8 MiB')
  const frames: Uint8Array[][] = []
  let from = 0
  do {
    const to = Math.min(from + MAX_PART_BYTES, message.length)
    const head = Buffer.alloc(METADATA_HEADER_BYTES)
    head.writeUInt8(MESSAGE_TYPE.metadata, 0)
    head.writeUInt32BE(space, 1)
    head.writeUInt8((to < message.length ? MORE : 0) | (isHello ? HELLO : 0), 5)
    frames.push(from === to ? [head] : [head, message.subarray(from, to)])
    from = to
  } while (from < message.length)
  return frames
}

/** @throws DittoError DITTO_PROTOCOL */
export function decodeMetadata(payload: Uint8Array): MetadataMessage {
  if (payload.length < METADATA_HEADER_BYTES) throw malformed('it is cut short')
  const flags = payload[5] as number
  if ((flags & ~(MORE | HELLO)) !== 0) throw malformed('its flags are unknown')
  return {
    type: 'metadata',
    space: new DataView(payload.buffer, payload.byteOffset).getUint32(1),
    hasMore: (flags & MORE) !== 0,
    isHello: (flags & HELLO) !== 0,
    bytes: payload.subarray(METADATA_HEADER_BYTES),
  }
}

/** Joins the parts of the messages of one space; holds at most MAX_UPDATE_BYTES. */
export class MetadataJoiner {
  #parts: Uint8Array[] = []
  #size = 0
  #isHello = false

  /**
   * @returns the message that the part completes, `undefined` when more parts follow
   * @throws DittoError DITTO_LIMIT when the message is too long, DITTO_PROTOCOL when parts do not fit together
   */
  push(part: MetadataMessage): { readonly bytes: Uint8Array; readonly isHello: boolean } | undefined {
    if (this.#parts.length > 0 && part.isHello !== this.#isHello) throw malformed('its parts do not fit together')
    if (part.hasMore && part.bytes.length === 0) throw malformed('a part is empty')
    this.#isHello = part.isHello
    this.#size += part.bytes.length
    if (this.#size > MAX_UPDATE_BYTES) {
      throw new DittoError('DITTO_LIMIT', 'The peer sent a metadata message of more than 8 MiB.')
    }
    if (part.hasMore) {
      this.#parts.push(part.bytes)
      return undefined
    }
    const joined = this.#parts.length === 0 ? part.bytes : new Uint8Array(Buffer.concat([...this.#parts, part.bytes]))
    this.#parts = []
    this.#size = 0
    return { bytes: joined, isHello: part.isHello }
  }
}

function malformed(what: string): DittoError {
  return new DittoError('DITTO_PROTOCOL', `The peer sent metadata that cannot be read: ${what}.`)
}
