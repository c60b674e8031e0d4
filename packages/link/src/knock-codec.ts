import { createHmac, timingSafeEqual } from 'node:crypto'
import type { KnockMatch, RandomBytes } from '@dittofs/interface'
import { checkDerivedKey, type KnockKey } from './knock-key.ts'

/** What each side sends, in order: responder, initiator, responder. */
export const CHALLENGE_BYTES = 32
const NONCE_BYTES = 32
const TAG_BYTES = 16
const TAG_COUNT = 8
export const CALL_BYTES = NONCE_BYTES + TAG_COUNT * TAG_BYTES
export const ANSWER_BYTES = 32

/** Keys of which an initiator can offer one tag each. */
export const MAX_OFFERED_KEYS = TAG_COUNT

/**
 * The initiator's call: 32 random bytes, then eight tags, HMAC-SHA256(key, "dittofs knock c" || challenge || nonce)
 * cut to 16 bytes. Unused tags are random, and all are sorted, so that neither number nor order of the keys shows.
 *
 * @param keys - the first MAX_OFFERED_KEYS are offered
 * @returns CALL_BYTES bytes
 */
export function encodeCall(keys: readonly KnockKey[], challenge: Uint8Array, randomBytes: RandomBytes): Uint8Array {
  const nonce = randomBytes(NONCE_BYTES)
  const tags = keys.slice(0, MAX_OFFERED_KEYS).map((key) => callTag(key, challenge, nonce))
  while (tags.length < TAG_COUNT) tags.push(Buffer.from(randomBytes(TAG_BYTES)))
  return Buffer.concat([nonce, ...tags.sort((a, b) => Buffer.compare(a, b))])
}

/** A key that the call was made with, and what proves to the caller that we have it too. */
export interface AnsweredCall {
  readonly match: KnockMatch
  /** ANSWER_BYTES bytes: HMAC-SHA256(key, "dittofs knock s" || challenge || nonce). */
  readonly answer: Uint8Array
}

/** Answers a call made with one of `keys`, the first of them; `undefined` where it was made with none. */
export function answerCall(
  keys: readonly KnockKey[],
  challenge: Uint8Array,
  call: Uint8Array,
): AnsweredCall | undefined {
  const nonce = call.subarray(0, NONCE_BYTES)
  let matched: KnockKey | undefined
  // All tags of all keys are compared, whatever matched before: the time tells nothing.
  for (const key of keys) {
    const expected = callTag(key, challenge, nonce)
    for (let at = NONCE_BYTES; at < CALL_BYTES; at += TAG_BYTES) {
      if (timingSafeEqual(expected, call.subarray(at, at + TAG_BYTES))) matched ??= key
    }
  }
  return matched && { match: matched.match, answer: answerOf(matched, challenge, nonce) }
}

/** Which of the offered keys the responder answered with; `undefined` where it knows none of them. */
export function matchAnswer(
  keys: readonly KnockKey[],
  challenge: Uint8Array,
  call: Uint8Array,
  answer: Uint8Array,
): KnockMatch | undefined {
  const nonce = call.subarray(0, NONCE_BYTES)
  let matched: KnockMatch | undefined
  for (const key of keys.slice(0, MAX_OFFERED_KEYS)) {
    if (timingSafeEqual(answerOf(key, challenge, nonce), answer)) matched ??= key.match
  }
  return matched
}

function callTag(key: KnockKey, challenge: Uint8Array, nonce: Uint8Array): Buffer {
  return keyed(key, 'dittofs knock c', challenge, nonce).subarray(0, TAG_BYTES)
}

function answerOf(key: KnockKey, challenge: Uint8Array, nonce: Uint8Array): Buffer {
  return keyed(key, 'dittofs knock s', challenge, nonce)
}

function keyed(key: KnockKey, label: string, challenge: Uint8Array, nonce: Uint8Array): Buffer {
  checkDerivedKey(key.secret)
  return createHmac('sha256', key.secret).update(label).update(challenge).update(nonce).digest()
}
