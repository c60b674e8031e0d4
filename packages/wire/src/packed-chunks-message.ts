import { DittoError, MAX_CHUNK_BYTES, MAX_FRAME_BYTES, MAX_IDS_PER_REQUEST } from '@dittofs/interface'
import { MESSAGE_TYPE } from './message-type.ts'

/** Type u8, request u32. */
const HEADER_BYTES = 5
/** Index u16, length u32, packed length u32. */
export const PACKED_RECORD_HEADER_BYTES = 10

/** The format in words, part of the schema hash. Integers are big-endian. */
export const PACKED_CHUNKS_SCHEMA =
  'u8 type, u32 request, then records to the end: u16 index, u32 length 1..262144, u32 packed length 1..length, bytes: raw DEFLATE unless packed length is length'

/** One chunk of an answer. As many bytes as `length`: the chunk as it is; fewer: raw DEFLATE (RFC 1951) of it. */
export interface PackedRecord {
  /** The chunk's place in the request. */
  readonly index: number
  /** Bytes of the chunk. */
  readonly length: number
  readonly bytes: Uint8Array
}

/** Chunks that answer one request, some of them compressed. The records' bytes share the frame's memory. */
export interface PackedChunksMessage {
  readonly type: 'packedChunks'
  readonly request: number
  readonly records: readonly PackedRecord[]
}

/**
 * @returns the payload in parts, to be sent as one frame; the records' bytes are not copied
 * @throws RangeError when it would not fit in one frame, or an index or length is out of range
 */
export function encodePackedChunks(request: number, records: readonly PackedRecord[]): Uint8Array[] {
  if (records.length === 0) throw new RangeError('an answer holds at least one chunk')
  const heads = Buffer.alloc(HEADER_BYTES + PACKED_RECORD_HEADER_BYTES * records.length)
  heads.writeUInt8(MESSAGE_TYPE.packedChunks, 0)
  heads.writeUInt32BE(request, 1)
  const parts: Uint8Array[] = []
  let from = 0
  let at = HEADER_BYTES
  let size = heads.length
  for (const { index, length, bytes } of records) {
    if (index >= MAX_IDS_PER_REQUEST) throw new RangeError(`no request has an index ${index}`)
    if (length === 0 || length > MAX_CHUNK_BYTES) throw new RangeError('a chunk is 1 to 262144 bytes')
    if (bytes.length === 0 || bytes.length > length) throw new RangeError('a packed chunk is no longer than the chunk')
    heads.writeUInt16BE(index, at)
    heads.writeUInt32BE(length, at + 2)
    heads.writeUInt32BE(bytes.length, at + 6)
    at += PACKED_RECORD_HEADER_BYTES
    size += bytes.length
    parts.push(heads.subarray(from, at), bytes)
    from = at
  }
  if (size > MAX_FRAME_BYTES) throw new RangeError('the chunks do not fit in one frame')
  return parts
}

/** @throws DittoError DITTO_PROTOCOL */
export function decodePackedChunks(payload: Uint8Array): PackedChunksMessage {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength)
  if (payload.length <= HEADER_BYTES) throw malformed('it holds no chunk')
  const records: PackedRecord[] = []
  let at = HEADER_BYTES
  let plainBytes = 0
  while (at < payload.length) {
    if (at + PACKED_RECORD_HEADER_BYTES > payload.length) throw malformed('a record is cut short')
    const index = view.getUint16(at)
    const length = view.getUint32(at + 2)
    const packed = view.getUint32(at + 6)
    at += PACKED_RECORD_HEADER_BYTES
    if (index >= MAX_IDS_PER_REQUEST) throw malformed('an index is out of range')
    if (length === 0 || length > MAX_CHUNK_BYTES) throw malformed('a length is out of range')
    if (packed === 0 || packed > length) throw malformed('a packed length is out of range')
    if (at + packed > payload.length) throw malformed('a chunk is cut short')
    if (records.length === MAX_IDS_PER_REQUEST) throw malformed('it answers more than was asked')
    plainBytes += length
    if (plainBytes > MAX_FRAME_BYTES) throw malformed('its chunks are more than a frame holds')
    records.push({ index, length, bytes: payload.subarray(at, at + packed) })
    at += packed
  }
  return { type: 'packedChunks', request: view.getUint32(1), records }
}

function malformed(what: string): DittoError {
  return new DittoError('DITTO_PROTOCOL', `The peer sent packed chunks that cannot be read: ${what}.`)
}
