/**
 * Frames and messages as bytes: encode, decode, versions, limits. No I/O.
 *
 * @packageDocumentation
 */
export { decodeCbor, encodeCbor, MAX_CBOR_DEPTH } from './cbor.ts'
export { encodeFrameHeader, FRAME_HEADER_BYTES, FrameDecoder } from './frame.ts'
export { MESSAGE_TYPE, type MessageType } from './message-type.ts'
export {
  decodePairingMessage,
  encodePairingMessage,
  JOIN_NO_REASONS,
  type JoinNoReason,
  MAX_LABEL_BYTES,
  type PairingMessage,
} from './pairing-messages.ts'
export { decodeStatementsMessage, encodeStatementsMessage, type StatementsMessage } from './statements.ts'
