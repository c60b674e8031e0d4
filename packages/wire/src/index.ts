/**
 * Frames and messages as bytes: encode, decode, versions, limits. No I/O.
 *
 * ```ts
 * import { decodeMessage, encodeMessage } from '@dittofs/wire'
 *
 * const payload = encodeMessage({ type: 'ping', nonce: 7 })
 * decodeMessage(payload) // { type: 'ping', nonce: 7 }
 * ```
 *
 * @packageDocumentation
 */
export {
  decodeAddressesMessage,
  encodeAddressesMessage,
  MAX_ADDRESS_RECORD_BYTES,
  MAX_ADDRESS_RECORDS,
} from './addresses-message.ts'
export { BASE32_ALPHABET, decodeBase32, encodeBase32 } from './base32.ts'
export { decodeCbor, encodeCbor, MAX_CBOR_DEPTH } from './cbor.ts'
export {
  CHUNK_RECORD_HEADER_BYTES,
  CHUNKS_HEADER_BYTES,
  type ChunkRecord,
  type ChunksMessage,
  chunksPayloadBytes,
  decodeChunks,
  encodeChunks,
} from './chunks-message.ts'
export { DERIVED_KEY_BYTES, deriveKey, type KeyPurpose } from './derive-key.ts'
export { encodeFrameHeader, FRAME_HEADER_BYTES, FrameDecoder } from './frame.ts'
export {
  ABILITY,
  type AskEchoMessage,
  type AskKeptMessage,
  type AskOutlineMessage,
  type AskRecipeMessage,
  CONTENT_DIGEST_BYTES,
  type DigestsMessage,
  decodeMessage,
  ECHO_SEED_BYTES,
  type EchoMessage,
  encodeMessage,
  type HelloMessage,
  HOOK_BYTES,
  INSTANCE_ID_BYTES,
  type KeptMessage,
  LOG_DIGEST_BYTES,
  type LogPartMessage,
  MAX_DIGESTS_PER_MESSAGE,
  MAX_ECHO_BYTES,
  MAX_HOOKS,
  MAX_RANGES_PER_REFERENCE,
  MAX_RANGES_PER_REQUEST,
  MAX_RECIPE_CHUNKS,
  MAX_REFERENCE_CHUNKS,
  MAX_REFERENCES,
  MAX_SPACES_PER_SESSION,
  MAX_VERSIONS_PER_QUESTION,
  type Message,
  type OtherMessage,
  type OutlineMessage,
  type ProgressMessage,
  type RecipeMessage,
  type SpacesMessage,
  type WantLogMessage,
  type WantMessage,
  wantedCount,
} from './message.ts'
export { MESSAGE_TYPE, type MessageType } from './message-type.ts'
export { decodeMetadata, encodeMetadata, MetadataJoiner, type MetadataMessage } from './metadata-message.ts'
export {
  encodePackedChunks,
  PACKED_RECORD_HEADER_BYTES,
  type PackedChunksMessage,
  type PackedRecord,
} from './packed-chunks-message.ts'
export {
  decodePairingMessage,
  encodePairingMessage,
  JOIN_NO_REASONS,
  type JoinNoReason,
  type PairingMessage,
} from './pairing-messages.ts'
export { agreeVersion, PROTOCOL_HISTORY, PROTOCOL_VERSIONS } from './protocol-version.ts'
export {
  type ChunkPiece,
  decodeRecipe,
  encodeRecipe,
  MAX_MADE_CHUNKS,
  MAX_PIECES,
  type RecipeStep,
} from './recipe-steps.ts'
export { type IceUrl, parseIceUrl } from './signaling/ice-url.ts'
export {
  formatSignalAddress,
  parseSignalAddress,
  parseSignalOrigin,
  type SignalAddress,
} from './signaling/signal-address.ts'
export {
  decodeSignalContent,
  encodeSignalContent,
  SIGNAL_ID_BYTES,
  type SignalContent,
} from './signaling/signal-content.ts'
export {
  MAX_SEALED_BYTES,
  MAX_SIGNAL_BODY_BYTES,
  MAX_SIGNALING_FRAME_BYTES,
  MIN_SEALED_BYTES,
  SIGNAL_SESSION_BYTES,
} from './signaling/signal-limits.ts'
export {
  decodeSignalingMessage,
  encodeSignalingMessage,
  REFUSAL_REASONS,
  type RefusalReason,
  refusalReason,
  SIGNALING_NONCE_BYTES,
  SIGNALING_PATH,
  SIGNALING_SUBPROTOCOL,
  type SignalingMessage,
} from './signaling/signaling-message.ts'
export { registrationText, sealingContext, signalingKeyText } from './signaling/signed-texts.ts'
export { decodeStatementsMessage, encodeStatementsMessage, type StatementsMessage } from './statements.ts'
export { fromWireCode, toWireCode, WIRE_CODE_DONE } from './wire-code.ts'
