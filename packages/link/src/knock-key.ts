import type { KnockMatch } from '@dittofs/interface'
import { DERIVED_KEY_BYTES, deriveKey, type KeyPurpose } from '@dittofs/wire'

/** A key that opens the knock, and what it stands for. */
export interface KnockKey {
  readonly match: KnockMatch
  /** What {@link knockKey} derived for `knock`: 32 bytes, never the shared secret itself. */
  readonly secret: Uint8Array
}

/**
 * Derives a key from a space's `meet` secret or a ticket's secret.
 *
 * @param secret - at least 16 bytes
 * @returns 32 bytes, owned by the caller
 */
export function knockKey(secret: Uint8Array, purpose: KeyPurpose): Uint8Array {
  return deriveKey(secret, purpose)
}

/** @throws RangeError for anything that {@link knockKey} did not make, such as the shared secret of a ticket */
export function checkDerivedKey(key: Uint8Array): void {
  if (key.length !== DERIVED_KEY_BYTES)
    throw new RangeError(`a derived key has ${DERIVED_KEY_BYTES} bytes, not ${key.length}`)
}
