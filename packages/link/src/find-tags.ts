import { createHmac, timingSafeEqual } from 'node:crypto'
import { checkDerivedKey } from './knock-key.ts'

/** Tags of one announcement, the bytes of each, and those of its nonce. */
export const MAX_FIND_TAGS = 16
export const FIND_TAG_BYTES = 8
export const FIND_NONCE_BYTES = 8

/**
 * The tags by which those who share a secret know this device's announcements: HMAC-SHA256(key, nonce), 8 bytes.
 *
 * @param keys - derived for `find`; those past MAX_FIND_TAGS are left out
 * @param nonce - 8 random bytes, new with each announcement
 */
export function findTags(keys: readonly Uint8Array[], nonce: Uint8Array): Uint8Array[] {
  if (nonce.length !== FIND_NONCE_BYTES) throw new RangeError(`a nonce has ${FIND_NONCE_BYTES} bytes`)
  return keys.slice(0, MAX_FIND_TAGS).map((key) => findTag(key, nonce))
}

/**
 * Which of our keys made a tag of an announcement we heard. Anyone may send anything: a match is a reason to dial, not
 * proof of anything.
 *
 * @param keys - derived for `find`
 * @returns indices into `keys`, ascending; none for a malformed announcement
 */
export function matchFindTags(keys: readonly Uint8Array[], nonce: Uint8Array, tags: readonly Uint8Array[]): number[] {
  if (nonce.length !== FIND_NONCE_BYTES || tags.length > MAX_FIND_TAGS) return []
  const candidates = tags.filter((tag) => tag.length === FIND_TAG_BYTES)
  return keys.flatMap((key, index) => {
    const own = findTag(key, nonce)
    return candidates.some((tag) => timingSafeEqual(tag, own)) ? [index] : []
  })
}

function findTag(key: Uint8Array, nonce: Uint8Array): Uint8Array {
  checkDerivedKey(key)
  return new Uint8Array(createHmac('sha256', key).update(nonce).digest().subarray(0, FIND_TAG_BYTES))
}
