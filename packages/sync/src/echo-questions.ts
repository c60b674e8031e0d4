import { type AbortOptions, type Clock, DittoError } from '@dittofs/interface'
import { type AskEchoMessage, type EchoMessage, encodeMessage } from '@dittofs/wire'
import type { LinkWriter } from './link-writer.ts'
import { Wakeup } from './wakeup.ts'

/** Storing and reading back a megabyte; over Bluetooth it takes most of this to come. */
const ANSWER_TIMEOUT_MS = 60_000

/** A known pattern that another device is to store, read back and return. */
export interface EchoQuestion {
  /** Number of the pattern, 0 to 255 (docs/protocol.md#askecho-and-echo). */
  readonly pattern: number
  /** ECHO_SEED_BYTES bytes that the random pattern is made from. */
  readonly seed: Uint8Array
  /** At most MAX_ECHO_BYTES. */
  readonly bytes: Uint8Array
}

/** What became of it there. */
export interface EchoAnswer {
  /** As it was read back. */
  readonly bytes: Uint8Array
  /** For each way of cutting content, in the order of CHUNKERS, CONTENT_DIGEST_BYTES that stand for all of its chunks. */
  readonly digests: Uint8Array
  /** Where what arrived begins to differ from the pattern as it is made there. */
  readonly differsAt?: number
}

/**
 * Stores a pattern aside, reads it back and forgets it; `undefined` where too many are waiting.
 *
 * @throws whatever the disk does
 */
export type AnswerEcho = (question: EchoQuestion, options: Required<AbortOptions>) => Promise<EchoAnswer | undefined>

/** How a question ended there, as a number on the wire; any other number is a failure. */
const OUTCOME = { done: 0, busy: 1, failed: 2 } as const

export interface EchoQuestionsInit {
  writer: LinkWriter
  clock: Clock
  /** Ends the waiting and the answering. */
  signal: AbortSignal
  /** Whether the peer is a member of any space together with this device. */
  isMember: () => boolean
  answer: AnswerEcho | undefined
}

/** Takes known patterns through the store of one peer and back, and does the same for the peer, one at a time. */
export class EchoQuestions {
  readonly #init: EchoQuestionsInit
  readonly #open = new Map<number, { readonly answered: Wakeup; echo?: EchoMessage }>()
  #isAble = false
  #isAnswering = false
  #nextRequest = 1

  constructor(init: EchoQuestionsInit) {
    this.#init = init
  }

  /** Whether the peer said that it answers. */
  setAble(isAble: boolean): void {
    this.#isAble = isAble
  }

  /**
   * @throws DittoError DITTO_UNSUPPORTED (an older version runs there), DITTO_BUSY, DITTO_IO (its disk), DITTO_TIMEOUT,
   *   DITTO_PEER_UNREACHABLE (the session ended); the signal's reason
   */
  async ask(question: EchoQuestion, { signal }: AbortOptions = {}): Promise<EchoAnswer> {
    if (!this.#isAble) {
      throw new DittoError('DITTO_UNSUPPORTED', 'The other device cannot check patterns; update DittoFS there.')
    }
    const request = this.#nextRequest++
    const open: { readonly answered: Wakeup; echo?: EchoMessage } = { answered: new Wakeup() }
    this.#open.set(request, open)
    const { writer, clock } = this.#init
    const over = signal === undefined ? this.#init.signal : AbortSignal.any([signal, this.#init.signal])
    try {
      const answered = open.answered.waitAtMost(ANSWER_TIMEOUT_MS, clock, { signal: over })
      answered.catch(() => undefined)
      await writer.write([encodeMessage({ type: 'askEcho', request, ...question })], { signal: over })
      if (!(await answered)) throw new DittoError('DITTO_TIMEOUT', 'The other device did not answer in time.')
    } catch (error) {
      signal?.throwIfAborted()
      if (!this.#init.signal.aborted) throw error
      throw new DittoError('DITTO_PEER_UNREACHABLE', 'The connection to the other device ended.', { cause: error })
    } finally {
      this.#open.delete(request)
    }
    return answerOf(open.echo as EchoMessage)
  }

  /** An answer. One that nobody waits for is late, and skipped. */
  onEcho(echo: EchoMessage): void {
    const open = this.#open.get(echo.request)
    if (open === undefined) return
    open.echo = echo
    open.answered.wake()
  }

  /** A question of the peer's. While one is being answered the next hears that this device is busy. */
  onAskEcho({ request, ...question }: AskEchoMessage): void {
    const { answer, isMember, signal, writer } = this.#init
    if (answer === undefined || this.#isAnswering || !isMember()) {
      writer.post(encodeMessage({ type: 'echo', request, outcome: OUTCOME.busy, ...NOTHING }))
      return
    }
    this.#isAnswering = true
    const answering = answer(question, { signal }).then(
      (found): EchoMessage =>
        found === undefined
          ? { type: 'echo', request, outcome: OUTCOME.busy, ...NOTHING }
          : { type: 'echo', request, outcome: OUTCOME.done, ...found },
      (): EchoMessage => ({ type: 'echo', request, outcome: OUTCOME.failed, ...NOTHING }),
    )
    void answering
      .then((echo) => writer.write([encodeMessage(echo)], { signal }))
      .catch(() => undefined)
      .finally(() => {
        this.#isAnswering = false
      })
  }
}

const NOTHING = { digests: new Uint8Array(), bytes: new Uint8Array() }

function answerOf({ outcome, bytes, digests, differsAt }: EchoMessage): EchoAnswer {
  if (outcome === OUTCOME.done) return { bytes, digests, ...(differsAt !== undefined && { differsAt }) }
  if (outcome === OUTCOME.busy) {
    throw new DittoError('DITTO_BUSY', 'The other device is busy with another check; try again in a minute.')
  }
  throw new DittoError('DITTO_IO', 'The other device could not store what it was sent; run "dittofs doctor" there.')
}
