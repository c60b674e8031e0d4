const REGISTRATION_LABEL = 'dittofs signaling v1\0'
const KEY_LABEL = 'dittofs signaling key v1\0'
const SEALING_LABEL = 'dittofs signal v1'

/**
 * What a device signs by its signaling key to be registered. Origin and key in it keep one server from using the
 * answer at another.
 *
 * @param nonce - the 32 bytes of the server's challenge
 * @param key - 32 bytes: the signaling key
 */
export function registrationText(origin: string, nonce: Uint8Array, key: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(REGISTRATION_LABEL + origin), nonce, key])
}

/**
 * What a device signs by its device key to say that a signaling key is its own.
 *
 * @param key - 32 bytes: the signaling key
 */
export function signalingKeyText(origin: string, key: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(KEY_LABEL + origin), key])
}

/**
 * The additional data under which a signal is sealed.
 *
 * @param from - 32 bytes: the sender's signaling key
 * @param to - 32 bytes: the receiver's
 */
export function sealingContext(from: Uint8Array, to: Uint8Array): Uint8Array {
  return Buffer.concat([from, to, Buffer.from(SEALING_LABEL)])
}
