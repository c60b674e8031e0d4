import { type AbortOptions, type Clock, DittoError, type Link } from '@dittofs/interface'
import { decodePairingMessage, encodePairingMessage, MESSAGE_TYPE, type PairingMessage } from '@dittofs/wire'

/** From the first message to the last. */
export const PAIRING_TIMEOUT_MS = 30_000
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
  #bytes = 0

  constructor(init: Pick<PairingChannelInit, 'link' | 'maxBytes'>) {
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
    const result = await this.#frames.next()
    const payload = result.done === true ? undefined : result.value
    if (payload === undefined || payload[0] === MESSAGE_TYPE.bye) {
      throw new DittoError('DITTO_LINK_CUT', 'The other device ended the link before pairing was done: try again.')
    }
    this.#bytes += payload.length
    if (this.#bytes > this.#maxBytes)
      throw new DittoError('DITTO_LIMIT', 'The other device sent more than pairing takes.')
    return decodePairingMessage(payload)
  }
}

/**
 * Runs an exchange on a link within PAIRING_TIMEOUT_MS, then closes the link; aborts the link when it fails.
 *
 * @throws DittoError DITTO_LINK_TIMEOUT, and whatever the exchange throws
 */
export async function runPairing<T>(
  init: PairingChannelInit,
  exchange: (channel: PairingChannel) => Promise<T>,
): Promise<T> {
  const { link, clock, signal } = init
  const over = new AbortController()
  const timeout = clock
    .sleep(PAIRING_TIMEOUT_MS, {
      signal: AbortSignal.any(signal === undefined ? [over.signal] : [over.signal, signal]),
    })
    .then(() => {
      throw new DittoError('DITTO_LINK_TIMEOUT', 'The other device took too long to pair: try again.')
    })
  try {
    const result = await Promise.race([exchange(new PairingChannel(init)), timeout])
    await Promise.race([link.close(), timeout])
    return result
  } catch (error) {
    link.abort(error instanceof Error ? error : new Error('pairing was given up', { cause: error }))
    throw error
  } finally {
    over.abort()
  }
}
