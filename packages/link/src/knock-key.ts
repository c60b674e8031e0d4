import { hkdfSync } from 'node:crypto'
import type { KnockMatch } from '@dittofs/interface'

/** Bytes of every derived key. */
export const KNOCK_KEY_BYTES = 32
const LABEL_PREFIX = 'dittofs v1 '

/**
 * What a shared secret is used for; each has a key of its own, so that what is shown for one tells nothing of another.
 *
 * - `knock`: proving, before TLS, that one may talk to a device at all
 * - `find`: tags in announcements
 * - `join`: redeeming a ticket
 */
export type KnockPurpose = 'knock' | 'find' | 'join'

/** A key that opens the knock, and what it stands for. */
export interface KnockKey {
  readonly match: KnockMatch
  /** What {@link knockKey} derived for `knock`: 32 bytes, never the shared secret itself. */
  readonly secret: Uint8Array
}

/**
 * HKDF-SHA256 (RFC 5869, no salt, info "dittofs v1 " + purpose) of a space's `meet` secret or a ticket's secret.
 *
 * @param secret - at least 16 bytes
 * @returns 32 bytes, owned by the caller
 */
export function knockKey(secret: Uint8Array, purpose: KnockPurpose): Uint8Array {
  if (secret.length < 16) throw new RangeError(`a shared secret has at least 16 bytes, not ${secret.length}`)
  return new Uint8Array(hkdfSync('sha256', secret, '', LABEL_PREFIX + purpose, KNOCK_KEY_BYTES))
}

/** @throws RangeError for anything that {@link knockKey} did not make, such as the shared secret of a ticket */
export function checkDerivedKey(key: Uint8Array): void {
  if (key.length !== KNOCK_KEY_BYTES)
    throw new RangeError(`a derived key has ${KNOCK_KEY_BYTES} bytes, not ${key.length}`)
}
