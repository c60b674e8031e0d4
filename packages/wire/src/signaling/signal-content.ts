import { DittoError, type SignalKind } from '@dittofs/interface'
import { decodeCbor, encodeCbor } from '../cbor.ts'
import { bytes, type FieldValue, integer, record, text } from '../field.ts'
import {
  MAX_PADDED_SIGNAL_BYTES,
  MAX_SIGNAL_BODY_BYTES,
  SIGNAL_PADDING_BYTES,
  SIGNAL_SESSION_BYTES,
} from './signal-limits.ts'

/** 16 random bytes that a sender uses once. */
export const SIGNAL_ID_BYTES = 16

const KIND_NUMBERS: Readonly<Record<SignalKind, number>> = { offer: 1, answer: 2, candidate: 3, end: 4 }
const LENGTH_BYTES = 2

const FIELDS = record({
  device: bytes(32),
  proof: bytes(64),
  id: bytes(SIGNAL_ID_BYTES),
  sentAt: integer(0, Number.MAX_SAFE_INTEGER),
  session: bytes(SIGNAL_SESSION_BYTES),
  kind: integer(1, Object.keys(KIND_NUMBERS).length),
  body: text(MAX_SIGNAL_BODY_BYTES),
})

/** The format in words, part of the schema hash. */
export const SIGNAL_CONTENT_SCHEMA = `u16 length, ${FIELDS.schema}, zeros to a multiple of ${SIGNAL_PADDING_BYTES}`

/** What is sealed: a signal, and who sent it. */
export interface SignalContent extends Omit<FieldValue<typeof FIELDS>, 'kind'> {
  /** 32 bytes: the sender's device key. */
  readonly device: Uint8Array
  /** 64 bytes: signature by `device` over {@link signalingKeyText} of the sender's signaling key. */
  readonly proof: Uint8Array
  /** 16 random bytes, new for each signal: nothing is taken twice. */
  readonly id: Uint8Array
  /** Milliseconds since the Unix epoch by the sender's clock, which may be wrong: for logs, decides nothing. */
  readonly sentAt: number
  /** 16 bytes. */
  readonly session: Uint8Array
  readonly kind: SignalKind
  readonly body: string
}

/**
 * @returns the signal, padded to a multiple of 256 bytes
 * @throws RangeError when a field is not of the format
 */
export function encodeSignalContent(content: SignalContent): Uint8Array {
  const encoded = encodeCbor(FIELDS.encode({ ...content, kind: KIND_NUMBERS[content.kind] }))
  const padded = Buffer.alloc(Math.ceil((LENGTH_BYTES + encoded.length) / SIGNAL_PADDING_BYTES) * SIGNAL_PADDING_BYTES)
  padded.writeUInt16BE(encoded.length)
  padded.set(encoded, LENGTH_BYTES)
  return padded
}

/**
 * @param padded - what {@link encodeSignalContent} gave; byte strings of the result may share its memory
 * @throws DittoError DITTO_PROTOCOL
 */
export function decodeSignalContent(padded: Uint8Array): SignalContent {
  if (padded.length === 0 || padded.length > MAX_PADDED_SIGNAL_BYTES || padded.length % SIGNAL_PADDING_BYTES !== 0) {
    throw malformed()
  }
  const end = LENGTH_BYTES + ((padded[0] as number) << 8) + (padded[1] as number)
  // Only the padding that is needed, and only zeros: nothing else can hide there.
  const padding = padded.subarray(end)
  if (end > padded.length || padding.length >= SIGNAL_PADDING_BYTES || padding.some((byte) => byte !== 0)) {
    throw malformed()
  }
  const { kind, ...fields } = FIELDS.decode(decodeCbor(padded.subarray(LENGTH_BYTES, end)))
  const name = (Object.keys(KIND_NUMBERS) as SignalKind[]).find((known) => KIND_NUMBERS[known] === kind)
  if (name === undefined) throw malformed()
  return { ...fields, kind: name }
}

function malformed(): DittoError {
  return new DittoError('DITTO_PROTOCOL', 'The peer sent a signal that is not well-formed.')
}
