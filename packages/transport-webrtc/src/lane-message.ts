import { DittoError } from '@dittofs/interface'

/**
 * The messages of one lane: what two devices say to each other in one data channel. Integers are big-endian.
 *
 * @see docs/protocol.md#webrtc
 */
export type LaneMessage =
  | { readonly type: 'hello'; readonly version: number; readonly index: number; readonly token: string }
  | { readonly type: 'data'; readonly number: number; readonly payload: Buffer }
  | { readonly type: 'credit'; readonly bytes: number; readonly messages: number }
  | { readonly type: 'end'; readonly count: number }

/** Spoken in data channels. Another number in a hello ends the connection. */
export const LANE_VERSION = 1
/** Bytes before the payload of a data message. */
export const DATA_HEADER_BYTES = 7
/** A data message with its header: every WebRTC implementation takes as much (RFC 8831 section 6.6). */
export const MAX_LANE_MESSAGE_BYTES = 16 * 1024
/** The largest number that fits in 48 bits; a stream that gets there ends. */
export const MAX_COUNT = 2 ** 48 - 1

const TOKEN_BYTES = 16
const HELLO = 1
const DATA = 2
const CREDIT = 3
const END = 4

/** @param token - 16 bytes in hex: which connection the lane belongs to */
export function encodeHello(index: number, token: string): Buffer {
  const bytes = Buffer.alloc(3 + TOKEN_BYTES)
  bytes[0] = HELLO
  bytes[1] = LANE_VERSION
  bytes[2] = index
  bytes.write(token, 3, 'hex')
  return bytes
}

/** A data message with room for `size` bytes behind its header, for the caller to fill. */
export function allocateData(number: number, size: number): Buffer {
  const bytes = Buffer.allocUnsafe(DATA_HEADER_BYTES + size)
  bytes[0] = DATA
  bytes.writeUIntBE(number, 1, 6)
  return bytes
}

export function encodeCredit(bytes: number, messages: number): Buffer {
  const message = Buffer.alloc(13)
  message[0] = CREDIT
  message.writeUIntBE(bytes, 1, 6)
  message.writeUIntBE(messages, 7, 6)
  return message
}

export function encodeEnd(count: number): Buffer {
  const message = Buffer.alloc(7)
  message[0] = END
  message.writeUIntBE(count, 1, 6)
  return message
}

/**
 * @returns the message; a payload is a view of `bytes`
 * @throws DittoError DITTO_PROTOCOL
 */
export function decodeLaneMessage(bytes: Buffer): LaneMessage {
  if (bytes.length <= MAX_LANE_MESSAGE_BYTES) {
    switch (bytes[0]) {
      case HELLO:
        if (bytes.length !== 3 + TOKEN_BYTES) break
        return { type: 'hello', version: bytes[1]!, index: bytes[2]!, token: bytes.toString('hex', 3) }
      case DATA:
        if (bytes.length <= DATA_HEADER_BYTES) break
        return { type: 'data', number: bytes.readUIntBE(1, 6), payload: bytes.subarray(DATA_HEADER_BYTES) }
      case CREDIT:
        if (bytes.length !== 13) break
        return { type: 'credit', bytes: bytes.readUIntBE(1, 6), messages: bytes.readUIntBE(7, 6) }
      case END:
        if (bytes.length !== 7) break
        return { type: 'end', count: bytes.readUIntBE(1, 6) }
    }
  }
  throw laneError('A message in a data channel has a form that is not in the protocol.')
}

export function laneError(message: string): DittoError {
  return new DittoError('DITTO_PROTOCOL', message)
}
