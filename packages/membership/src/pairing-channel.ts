import { type AbortOptions, type Clock, DittoError, type Link } from '@dittofs/interface'
import { decodePairingMessage, encodePairingMessage, MESSAGE_TYPE, type PairingMessage } from '@dittofs/wire'
import { PairingDeadline } from './pairing-deadline.ts'

/** From the first message to the last, but for what a person takes to confirm. */
export const PAIRING_TIMEOUT_MS = 30_000
/** For a person to compare digits and say yes, by the inviter's clock. */
export const CONFIRM_TIMEOUT_MS = 5 * 60_000
/** All that a joiner may send. */
export const MAX_JOINER_BYTES = 64 * 1024

export interface PairingChannelInit extends AbortOptions {
  link: Link
  clock: Pick<Clock, 'sleep'>
  /** All that the other may send. */
  maxBytes: number
}

/** A link on which nothing but pairing is spoken, for a limited time. It is of no other use afterwards. */
export class PairingChannel {
  readonly #link: Link
  readonly #maxBytes: number
  readonly #frames: AsyncIterator<Uint8Array, unknown>
  readonly #deadline: Pick<PairingDeadline, 'restart'>
  /** Read while a person was asked, and not given to anybody yet. */
  #ahead: Promise<IteratorResult<Uint8Array, unknown>> | undefined
  #bytes = 0

  constructor(init: Pick<PairingChannelInit, 'link' | 'maxBytes'>, deadline: Pick<PairingDeadline, 'restart'>) {
    this.#deadline = deadline
    this.#link = init.link
    this.#maxBytes = init.maxBytes
    this.#frames = init.link.frames()[Symbol.asyncIterator]()
  }

  send(message: PairingMessage): void {
    // At most three small messages and one of half a MiB: what does not fit the send buffer waits in it.
    this.#link.send(encodePairingMessage(message))
  }

  /** @throws DittoError DITTO_PROTOCOL, DITTO_LIMIT, DITTO_LINK_CUT */
  async next(): Promise<PairingMessage> {
    const reading = this.#ahead ?? this.#frames.next()
    this.#ahead = undefined
    const payload = payloadOf(await reading)
    this.#bytes += payload.length
    if (this.#bytes > this.#maxBytes)
      throw new DittoError('DITTO_LIMIT', 'The other device sent more than pairing takes.')
    return decodePairingMessage(payload)
  }

  /** Gives the exchange this much time from now on. */
  allow(timeoutMs: number): void {
    this.#deadline.restart(timeoutMs)
  }

  /**
   * Listens while this side has something else to wait for. What the other says meanwhile is for the next {@link next}.
   *
   * @throws DittoError DITTO_LINK_CUT when the other goes away
   */
  async untilCut(): Promise<never> {
    this.#ahead ??= this.#frames.next()
    payloadOf(await this.#ahead)
    return new Promise(() => {})
  }
}

function payloadOf(result: IteratorResult<Uint8Array, unknown>): Uint8Array {
  if (result.done !== true && result.value[0] !== MESSAGE_TYPE.bye) return result.value
  throw new DittoError('DITTO_LINK_CUT', 'The other device ended the link before pairing was done: try again.')
}

/**
 * Runs an exchange on a link within PAIRING_TIMEOUT_MS, or the time it allows itself, then closes the link; aborts the link when it fails.
 *
 * @throws DittoError DITTO_LINK_TIMEOUT, and whatever the exchange throws
 */
export async function runPairing<T>(
  init: PairingChannelInit,
  exchange: (channel: PairingChannel) => Promise<T>,
): Promise<T> {
  const { link, clock, signal } = init
  const deadline = new PairingDeadline(clock, signal)
  deadline.restart(PAIRING_TIMEOUT_MS)
  try {
    const result = await Promise.race([exchange(new PairingChannel(init, deadline)), deadline.passed])
    await Promise.race([link.close(), deadline.passed])
    return result
  } catch (error) {
    link.abort(error instanceof Error ? error : new Error('pairing was given up', { cause: error }))
    throw error
  } finally {
    deadline.end()
  }
}
