import { hkdfSync } from 'node:crypto'

/**
 * What a shared secret is used for; each purpose has a key of its own, so that what is shown for one tells nothing of
 * another.
 *
 * - `knock`: proving, before TLS, that one may talk to a device at all
 * - `find`: tags in announcements
 * - `id`: naming a ticket
 * - `join`: redeeming a ticket
 */
export type KeyPurpose = 'knock' | 'find' | 'id' | 'join'

/** Bytes of a derived key, but for a ticket's `id`. */
export const DERIVED_KEY_BYTES = 32

/**
 * HKDF-SHA256 (RFC 5869, no salt, info "dittofs v1 " and the purpose) of a secret that devices share: a space's `meet`
 * or a ticket's. The one place of these labels; another label is another protocol.
 *
 * @param secret - at least 16 bytes
 * @param length - bytes of the key
 * @returns a key owned by the caller
 * @see docs/security.md
 */
export function deriveKey(secret: Uint8Array, purpose: KeyPurpose, length = DERIVED_KEY_BYTES): Uint8Array {
  if (secret.length < 16) throw new RangeError(`a shared secret has at least 16 bytes, not ${secret.length}`)
  return new Uint8Array(hkdfSync('sha256', secret, new Uint8Array(0), `dittofs v1 ${purpose}`, length))
}
