/** Limits of signaling. @see docs/protocol.md#signaling */

/** One message between a device and a server, which is one binary WebSocket message. */
export const MAX_SIGNALING_FRAME_BYTES = 16 * 1024
/** What is sealed is padded to a multiple of this, so that its length says little. */
export const SIGNAL_PADDING_BYTES = 256
/** A padded signal before it is sealed: what a frame leaves once it carries keys, tags and names of fields. */
export const MAX_PADDED_SIGNAL_BYTES = MAX_SIGNALING_FRAME_BYTES - SIGNAL_PADDING_BYTES
/** What HPKE adds: the encapsulated X25519 key, and the tag of ChaCha20-Poly1305. */
const SEALING_BYTES = 32 + 16
/** A sealed signal. */
export const MIN_SEALED_BYTES = SEALING_BYTES + SIGNAL_PADDING_BYTES
export const MAX_SEALED_BYTES = SEALING_BYTES + MAX_PADDED_SIGNAL_BYTES
/** UTF-8 bytes of a session description or a candidate. */
export const MAX_SIGNAL_BODY_BYTES = 15 * 1024
/** A session ID, drawn by the device that dials. */
export const SIGNAL_SESSION_BYTES = 16
