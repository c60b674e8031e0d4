import { DittoError } from '@dittofs/interface'
import { decodeCbor, encodeCbor } from '../cbor.ts'
import { bytes, integer, record, text, u32 } from '../field.ts'
import { MAX_ORIGIN_BYTES } from './signal-address.ts'
import { MAX_SEALED_BYTES, MAX_SIGNALING_FRAME_BYTES, MIN_SEALED_BYTES } from './signal-limits.ts'

/** The WebSocket subprotocol (RFC 6455 section 1.9) that both sides agree on; the number is the version. */
export const SIGNALING_SUBPROTOCOL = 'dittofs-signaling.v1'

/** Where a server takes WebSocket connections, behind its origin. */
export const SIGNALING_PATH = '/signal'

/** Random bytes that a server wants signed, new for each connection. */
export const SIGNALING_NONCE_BYTES = 32

/** The first byte of every message between a device and a signaling server. Receivers skip those they do not know. */
export const SIGNALING_MESSAGE_TYPE = {
  challenge: 0x01,
  register: 0x02,
  registered: 0x03,
  send: 0x10,
  deliver: 0x11,
  sent: 0x12,
  absent: 0x13,
  refused: 0x14,
  ping: 0x20,
  pong: 0x21,
} as const

/** Why a server did not pass a signal on. On the wire the number. */
export const REFUSAL_REASONS = {
  /** The sender is too fast. */
  rate: 1,
  /** Too much is queued for the receiver. */
  queue: 2,
  /** Anything else, and every number of a later version. */
  other: 3,
} as const
export type RefusalReason = keyof typeof REFUSAL_REASONS

const key = bytes(32)
const sealed = bytes(MIN_SEALED_BYTES, MAX_SEALED_BYTES)

/** The body of each message. Their schemas are the format: a change of one is a new subprotocol. */
export const SIGNALING_FIELDS = {
  challenge: record({ nonce: bytes(SIGNALING_NONCE_BYTES) }),
  register: record({ key, origin: text(MAX_ORIGIN_BYTES), signature: bytes(64) }),
  registered: record({}),
  send: record({ id: u32, to: key, sealed }),
  deliver: record({ from: key, sealed }),
  sent: record({ id: u32 }),
  absent: record({ id: u32 }),
  refused: record({ id: u32, reason: integer(1, 255) }),
  ping: record({ nonce: u32 }),
  pong: record({ nonce: u32 }),
} as const

type Name = keyof typeof SIGNALING_FIELDS
type Body<N extends Name> = ReturnType<(typeof SIGNALING_FIELDS)[N]['decode']>

/**
 * A message between a device and a signaling server.
 *
 * The server speaks first: `challenge`. The device answers `register` and is told `registered`. From then on each
 * `send` is answered by `sent`, `absent` (nobody is there by that key) or `refused`, and reaches its receiver as
 * `deliver`; a `ping` is answered by `pong`.
 *
 * @see docs/protocol.md#signaling
 */
export type SignalingMessage = { [N in Name]: { readonly type: N } & Body<N> }[Name]

const NAMES = new Map<number, Name>(
  Object.entries(SIGNALING_MESSAGE_TYPE).map(([name, number]) => [number, name as Name]),
)

/** @throws RangeError when a field is not of the format */
export function encodeSignalingMessage(message: SignalingMessage): Uint8Array {
  const { type, ...body } = message
  const field = SIGNALING_FIELDS[type] as { encode(value: unknown): unknown }
  return Buffer.concat([Buffer.of(SIGNALING_MESSAGE_TYPE[type]), encodeCbor(field.encode(body))])
}

/**
 * @param frame - one binary WebSocket message; byte strings of the result may share its memory
 * @returns the message, `undefined` for a type that is not known here
 * @throws DittoError DITTO_PROTOCOL, DITTO_LIMIT (longer than MAX_SIGNALING_FRAME_BYTES)
 */
export function decodeSignalingMessage(frame: Uint8Array): SignalingMessage | undefined {
  if (frame.length > MAX_SIGNALING_FRAME_BYTES) {
    throw new DittoError('DITTO_LIMIT', `A signaling message is at most ${MAX_SIGNALING_FRAME_BYTES} bytes long.`)
  }
  const number = frame[0]
  if (number === undefined) throw new DittoError('DITTO_PROTOCOL', 'A signaling message was empty.')
  const type = NAMES.get(number)
  if (type === undefined) return undefined
  const body = SIGNALING_FIELDS[type].decode(decodeCbor(frame.subarray(1)))
  return { type, ...body } as SignalingMessage
}

/** @returns what a number on the wire says */
export function refusalReason(number: number): RefusalReason {
  const known = Object.entries(REFUSAL_REASONS).find(([, value]) => value === number)
  return (known?.[0] as RefusalReason | undefined) ?? 'other'
}
