import { MAX_PDU_BYTES } from './gatt-service.ts'

/*
 * A PDU is one write or one notification. Integers are big-endian.
 *
 *   01 open    u16 stream                 by the central only
 *   02 accept  u16 stream                 by the peripheral only
 *   03 data    u16 stream, 1 or more bytes
 *   04 end     u16 stream                 nothing more comes on it from this side
 *   05 reset   u16 stream                 it is dead, both ways
 *   06 credit  u16 stream, u8 count       so many data PDUs more may be sent, 1 to 64
 *   10 count   u32 sent, u32 received     PDUs of the other types so far, modulo 2^32
 */
const CODES = { open: 0x01, accept: 0x02, data: 0x03, end: 0x04, reset: 0x05, credit: 0x06, count: 0x10 } as const
const NAMES: ReadonlyMap<number, PduType> = new Map(
  Object.entries(CODES).map(([name, code]) => [code, name as PduType] as const),
)

type PduType = keyof typeof CODES

/** PDUs, other than counts, that one side may have under way; data PDUs of one stream that its reader has not taken. */
export const MAX_OUTSTANDING_PDUS = 64
/** What stands before the bytes of a data PDU. */
export const DATA_HEADER_BYTES = 3
export const MAX_STREAM_NUMBER = 0xffff

/** A PDU that belongs to a stream: these are counted. */
export type StreamPdu =
  | { readonly type: 'open' | 'accept' | 'end' | 'reset'; readonly stream: number }
  | { readonly type: 'data'; readonly stream: number; readonly bytes: Uint8Array }
  | { readonly type: 'credit'; readonly stream: number; readonly count: number }

export type Pdu = StreamPdu | { readonly type: 'count'; readonly sent: number; readonly received: number }

/** @throws RangeError for what no PDU can carry */
export function encodePdu(pdu: Pdu): Buffer {
  const code = CODES[pdu.type]
  if (pdu.type === 'count') {
    const bytes = Buffer.alloc(9)
    bytes.writeUInt8(code, 0)
    bytes.writeUInt32BE(pdu.sent, 1)
    bytes.writeUInt32BE(pdu.received, 5)
    return bytes
  }
  if (pdu.stream < 1) throw new RangeError('streams are numbered from 1')
  const body = bodyOf(pdu)
  const bytes = Buffer.allocUnsafe(DATA_HEADER_BYTES + body.length)
  bytes.writeUInt8(code, 0)
  bytes.writeUInt16BE(pdu.stream, 1)
  bytes.set(body, DATA_HEADER_BYTES)
  return bytes
}

function bodyOf(pdu: StreamPdu): ArrayLike<number> {
  if (pdu.type === 'credit') {
    if (pdu.count < 1 || pdu.count > MAX_OUTSTANDING_PDUS) throw new RangeError(`${pdu.count} is no number of credits`)
    return [pdu.count]
  }
  if (pdu.type !== 'data') return []
  const { length } = pdu.bytes
  if (length === 0 || length > MAX_PDU_BYTES - DATA_HEADER_BYTES)
    throw new RangeError(`no data PDU holds ${length} bytes`)
  return pdu.bytes
}

/** @returns what the bytes say, data sharing their memory; `undefined` for anything but exactly one PDU */
export function decodePdu(bytes: Buffer): Pdu | undefined {
  const type = NAMES.get(bytes[0] ?? 0)
  if (type === undefined || bytes.length > MAX_PDU_BYTES) return undefined
  if (type === 'count') {
    return bytes.length === 9 ? { type, sent: bytes.readUInt32BE(1), received: bytes.readUInt32BE(5) } : undefined
  }
  if (bytes.length < DATA_HEADER_BYTES) return undefined
  const stream = bytes.readUInt16BE(1)
  const body = bytes.subarray(DATA_HEADER_BYTES)
  if (stream === 0) return undefined
  if (type === 'data') return body.length > 0 ? { type, stream, bytes: body } : undefined
  if (type === 'credit') {
    const count = body[0] ?? 0
    return body.length === 1 && count >= 1 && count <= MAX_OUTSTANDING_PDUS ? { type, stream, count } : undefined
  }
  return body.length === 0 ? { type, stream } : undefined
}
