import { createHash } from 'node:crypto'
import type { Announcement } from '@dittofs/interface'

/*
 * The value of the announcement characteristic:
 *
 *   8  nonce
 *   8  each tag, 0 to 16 of them
 *
 * Nothing, 0 bytes, when nothing is announced.
 */
const NONCE_BYTES = 8
const TAG_BYTES = 8
const MAX_TAGS = 16
const DIGEST_DIGITS = 8
const DIGEST = /^[0-9a-f]{8}$/

/** @throws RangeError for a nonce or tags that no value can carry */
export function encodeAnnouncement({ nonce, tags }: Announcement): Buffer {
  if (nonce.length !== NONCE_BYTES) throw new RangeError(`a nonce is ${NONCE_BYTES} bytes long, not ${nonce.length}`)
  if (tags.length > MAX_TAGS) throw new RangeError(`at most ${MAX_TAGS} tags are announced, not ${tags.length}`)
  for (const tag of tags) {
    if (tag.length !== TAG_BYTES) throw new RangeError(`a tag is ${TAG_BYTES} bytes long, not ${tag.length}`)
  }
  return Buffer.concat([nonce, ...tags])
}

/** @returns what the value says, sharing its memory; `undefined` for anything else, nothing announced included */
export function decodeAnnouncement(value: Buffer): Announcement | undefined {
  const tagBytes = value.length - NONCE_BYTES
  if (tagBytes < 0 || tagBytes % TAG_BYTES !== 0 || tagBytes / TAG_BYTES > MAX_TAGS) return undefined
  const tags = Array.from({ length: tagBytes / TAG_BYTES }, (_, i) => {
    const start = NONCE_BYTES + i * TAG_BYTES
    return value.subarray(start, start + TAG_BYTES)
  })
  return { nonce: value.subarray(0, NONCE_BYTES), tags }
}

/**
 * What is advertised in place of a name, so that whoever has read the value need not connect to read it again: the
 * first 8 hex digits of its SHA-256. It changes with the nonce and says no more than that.
 */
export function announcementDigest(value: Uint8Array): string {
  return createHash('sha256').update(value).digest('hex').slice(0, DIGEST_DIGITS)
}

/** @returns the digest that a peripheral advertises as its name; `undefined` for other names */
export function digestOfName(name: string | undefined): string | undefined {
  return name !== undefined && DIGEST.test(name) ? name : undefined
}
