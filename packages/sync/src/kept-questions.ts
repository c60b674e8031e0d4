import type { AbortOptions, Clock, NodeId, SpaceId, VersionId } from '@dittofs/interface'
import { type AskKeptMessage, encodeMessage, type KeptMessage } from '@dittofs/wire'
import type { LinkWriter } from './link-writer.ts'
import { Wakeup } from './wakeup.ts'

/** How long a peer may take to look at its own copies of what it is asked about. */
const ANSWER_TIMEOUT_MS = 60_000
/** Questions of one peer that wait to be answered: each costs a look at many chunks. More of them are skipped. */
const MAX_WAITING = 4

/** A version of a file, as metadata names it. */
export interface FileVersionRef {
  readonly node: NodeId
  readonly version: VersionId
}

/**
 * Says which versions this device has all bytes of and goes on keeping: by answering yes it promises not to drop them
 * before it has found somebody else who keeps them.
 */
export type AnswerKept = (space: SpaceId, versions: readonly FileVersionRef[]) => Promise<readonly boolean[]>

export interface KeptQuestionsInit {
  writer: LinkWriter
  clock: Clock
  /** Ends the waiting and the answering. */
  signal: AbortSignal
  /** The space that a number of the peer stands for, where the peer is a member of it now. */
  spaceOf: (number: number) => SpaceId | undefined
  /** This device's number of a space that is shared with the peer. */
  spaceNumber: (space: SpaceId) => number | undefined
  answer: AnswerKept | undefined
}

/** Asks one peer which versions of files it keeps, and answers the same question of the peer's, one at a time. */
export class KeptQuestions {
  readonly #init: KeptQuestionsInit
  readonly #open = new Map<number, { readonly answered: Wakeup; indexes?: readonly number[] }>()
  #answering: Promise<void> = Promise.resolve()
  #waiting = 0
  #nextRequest = 1

  constructor(init: KeptQuestionsInit) {
    this.#init = init
  }

  /**
   * @param versions - 1 to MAX_VERSIONS_PER_QUESTION
   * @returns for each whether the peer says that it keeps it; no for all where it does not answer in time
   */
  async ask(
    space: SpaceId,
    versions: readonly FileVersionRef[],
    { signal }: AbortOptions = {},
  ): Promise<readonly boolean[]> {
    const { spaceNumber, writer, clock } = this.#init
    const number = spaceNumber(space)
    const none = versions.map(() => false)
    if (number === undefined || this.#init.signal.aborted) return none
    const request = this.#nextRequest++
    const question: { readonly answered: Wakeup; indexes?: readonly number[] } = { answered: new Wakeup() }
    this.#open.set(request, question)
    const either = signal === undefined ? this.#init.signal : AbortSignal.any([signal, this.#init.signal])
    try {
      writer.post(encodeMessage({ type: 'askKept', request, space: number, versions }))
      await question.answered.waitAtMost(ANSWER_TIMEOUT_MS, clock, { signal: either })
    } catch {
      signal?.throwIfAborted()
    } finally {
      this.#open.delete(request)
    }
    const kept = new Set(question.indexes)
    return versions.map((_, index) => kept.has(index))
  }

  /** An answer. One that nobody waits for is late, and skipped. */
  onKept({ request, indexes }: KeptMessage): void {
    const question = this.#open.get(request)
    if (question === undefined) return
    question.indexes = indexes
    question.answered.wake()
  }

  /** A question of the peer's. Where it cannot be answered, nothing is kept. */
  onAskKept({ request, space: number, versions }: AskKeptMessage): void {
    if (this.#waiting >= MAX_WAITING) return
    this.#waiting++
    this.#answering = this.#answering.then(async () => {
      const kept = await this.#keptOf(number, versions as readonly FileVersionRef[])
      this.#waiting--
      if (this.#init.signal.aborted) return
      const indexes = kept.flatMap((isKept, index) => (isKept ? [index] : []))
      this.#init.writer.post(encodeMessage({ type: 'kept', request, indexes }))
    })
  }

  async #keptOf(number: number, versions: readonly FileVersionRef[]): Promise<readonly boolean[]> {
    const { spaceOf, answer, signal } = this.#init
    const space = spaceOf(number)
    if (space === undefined || answer === undefined || signal.aborted) return []
    try {
      return await answer(space, versions)
    } catch {
      return []
    }
  }
}
