import { DittoError, MAX_CHUNK_BYTES, MAX_FRAME_BYTES, MAX_IDS_PER_REQUEST } from '@dittofs/interface'
import { MESSAGE_TYPE } from './message-type.ts'

/** Type u8, request u32. */
export const CHUNKS_HEADER_BYTES = 5
/** Index u16, length u32. */
export const CHUNK_RECORD_HEADER_BYTES = 6

/** The format in words, part of the schema hash. Integers are big-endian. */
export const CHUNKS_SCHEMA = 'u8 type, u32 request, then records to the end: u16 index, u32 length 1..262144, bytes'

/** One chunk of an answer. `index` is its place in the request. */
export interface ChunkRecord {
  readonly index: number
  readonly bytes: Uint8Array
}

/** Chunks that answer one request. The records' bytes share the frame's memory. */
export interface ChunksMessage {
  readonly type: 'chunks'
  readonly request: number
  readonly records: readonly ChunkRecord[]
}

/** Payload bytes that `records` take in one frame. */
export function chunksPayloadBytes(records: readonly ChunkRecord[]): number {
  let size = CHUNKS_HEADER_BYTES
  for (const { bytes } of records) size += CHUNK_RECORD_HEADER_BYTES + bytes.length
  return size
}

/**
 * @returns the payload in parts, to be sent as one frame; the chunks' bytes are not copied
 * @throws RangeError when it would not fit in one frame, or an index or length is out of range
 */
export function encodeChunks(request: number, records: readonly ChunkRecord[]): Uint8Array[] {
  if (records.length === 0) throw new RangeError('an answer holds at least one chunk')
  if (chunksPayloadBytes(records) > MAX_FRAME_BYTES) throw new RangeError('the chunks do not fit in one frame')
  const heads = Buffer.alloc(CHUNKS_HEADER_BYTES + CHUNK_RECORD_HEADER_BYTES * records.length)
  heads.writeUInt8(MESSAGE_TYPE.chunks, 0)
  heads.writeUInt32BE(request, 1)
  const parts: Uint8Array[] = []
  let from = 0
  let at = CHUNKS_HEADER_BYTES
  for (const { index, bytes } of records) {
    if (index >= MAX_IDS_PER_REQUEST) throw new RangeError(`no request has an index ${index}`)
    if (bytes.length === 0 || bytes.length > MAX_CHUNK_BYTES) throw new RangeError('a chunk is 1 to 262144 bytes')
    heads.writeUInt16BE(index, at)
    heads.writeUInt32BE(bytes.length, at + 2)
    at += CHUNK_RECORD_HEADER_BYTES
    parts.push(heads.subarray(from, at), bytes)
    from = at
  }
  return parts
}

/** @throws DittoError DITTO_PROTOCOL */
export function decodeChunks(payload: Uint8Array): ChunksMessage {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength)
  if (payload.length <= CHUNKS_HEADER_BYTES) throw malformed('it holds no chunk')
  const records: ChunkRecord[] = []
  let at = CHUNKS_HEADER_BYTES
  while (at < payload.length) {
    if (at + CHUNK_RECORD_HEADER_BYTES > payload.length) throw malformed('a record is cut short')
    const index = view.getUint16(at)
    const length = view.getUint32(at + 2)
    at += CHUNK_RECORD_HEADER_BYTES
    if (index >= MAX_IDS_PER_REQUEST) throw malformed('an index is out of range')
    if (length === 0 || length > MAX_CHUNK_BYTES) throw malformed('a length is out of range')
    if (at + length > payload.length) throw malformed('a chunk is cut short')
    if (records.length === MAX_IDS_PER_REQUEST) throw malformed('it answers more than was asked')
    records.push({ index, bytes: payload.subarray(at, at + length) })
    at += length
  }
  return { type: 'chunks', request: view.getUint32(1), records }
}

function malformed(what: string): DittoError {
  return new DittoError('DITTO_PROTOCOL', `The peer sent chunks that cannot be read: ${what}.`)
}
