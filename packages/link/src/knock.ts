import type { Duplex } from 'node:stream'
import { type AbortOptions, DittoError, isDittoError, type KnockMatch, type RandomBytes } from '@dittofs/interface'
import { ANSWER_BYTES, answerCall, CALL_BYTES, CHALLENGE_BYTES, encodeCall, matchAnswer } from './knock-codec.ts'
import type { KnockKey } from './knock-key.ts'
import { readExactly } from './read-exactly.ts'

interface KnockOptions extends AbortOptions {
  randomBytes: RandomBytes
}

/**
 * The initiator's side of the knock. Afterwards the next byte in either direction belongs to TLS.
 *
 * @param keys - what may be shared with the peer; the first MAX_OFFERED_KEYS are offered
 * @throws DittoError DITTO_KNOCK_REFUSED (nothing in common), DITTO_LINK_CUT
 */
export async function knock(duplex: Duplex, keys: readonly KnockKey[], options: KnockOptions): Promise<KnockMatch> {
  const challenge = await readExactly(duplex, CHALLENGE_BYTES, options)
  const call = encodeCall(keys, challenge, options.randomBytes)
  duplex.write(call)
  const answer = await readExactly(duplex, ANSWER_BYTES, options).catch((error: unknown) => {
    if (isDittoError(error, 'DITTO_LINK_CUT')) throw refused(error)
    throw error
  })
  const match = matchAnswer(keys, challenge, call, answer)
  if (match === undefined) throw refused()
  return match
}

/**
 * The responder's side. A caller that has no key of ours is sent nothing but 32 random bytes.
 *
 * @param keys - asked for when the call has arrived, so that a key added or withdrawn meanwhile counts
 * @throws DittoError DITTO_KNOCK_REFUSED (nothing in common), DITTO_LINK_CUT
 */
export async function answerKnock(
  duplex: Duplex,
  keys: () => readonly KnockKey[],
  options: KnockOptions,
): Promise<KnockMatch> {
  const challenge = options.randomBytes(CHALLENGE_BYTES)
  duplex.write(Buffer.from(challenge))
  const call = await readExactly(duplex, CALL_BYTES, options)
  const answered = answerCall(keys(), challenge, call)
  if (answered === undefined) throw refused()
  duplex.write(answered.answer)
  return answered.match
}

function refused(cause?: unknown): DittoError {
  return new DittoError(
    'DITTO_KNOCK_REFUSED',
    'The two devices have no space and no ticket in common: pair them with a ticket first.',
    { cause },
  )
}
