import { type AbortOptions, type Clock, chunkId, DittoError, type SpaceId } from '@dittofs/interface'
import {
  type AskOutlineMessage,
  type AskRecipeMessage,
  decodeRecipe,
  encodeMessage,
  type OutlineMessage,
  type RecipeMessage,
  type RecipeStep,
} from '@dittofs/wire'
import type { LinkWriter } from './link-writer.ts'
import type { Reference, SizedManifest } from './reference-samples.ts'
import { Wakeup } from './wakeup.ts'

/** How long a peer may take; then the nodes are asked for as they are. */
const ANSWER_TIMEOUT_MS = 20_000

/** Chunks of a manifest in a row. */
export interface Stretch extends SizedManifest {
  readonly first: number
  readonly count: number
}

export interface ReferenceQuestionsInit {
  writer: LinkWriter
  clock: Clock
  /** Ends the waiting. */
  signal: AbortSignal
  /** This device's number of a space that is shared with the peer. */
  spaceNumber: (space: SpaceId) => number | undefined
}

interface Question {
  readonly message: AskOutlineMessage | AskRecipeMessage
  readonly answered: Wakeup
  hooks?: Uint8Array
  steps?: readonly RecipeStep[]
}

/** Asks one peer what is in a manifest, by what is here already. */
export class ReferenceQuestions {
  readonly #init: ReferenceQuestionsInit
  readonly #open = new Map<number, Question>()
  #nextRequest = 1
  #isAble = false

  constructor(init: ReferenceQuestionsInit) {
    this.#init = init
  }

  /** Whether the peer said that it answers, and has not failed to. */
  get isAble(): boolean {
    return this.#isAble && !this.#init.signal.aborted
  }

  setAble(isAble: boolean): void {
    this.#isAble = isAble
  }

  /** @returns hooks of the chunks; none where the peer cannot tell */
  async outline(space: SpaceId, stretch: Stretch, options: AbortOptions = {}): Promise<Uint8Array> {
    const message = this.#message(space, stretch)
    if (message === undefined) return new Uint8Array()
    const { hooks } = await this.#ask({ type: 'askOutline', ...message }, options)
    return hooks ?? new Uint8Array()
  }

  /** @returns the chunks, by their positions in the list of the references; nothing where the peer cannot tell */
  async recipe(
    space: SpaceId,
    stretch: Stretch,
    references: readonly Reference[],
    options: AbortOptions = {},
  ): Promise<readonly RecipeStep[]> {
    const message = this.#message(space, stretch)
    if (message === undefined) return []
    const named = references.map((reference) => ({ ...fieldsOf(reference), ranges: reference.ranges }))
    const { steps } = await this.#ask({ type: 'askRecipe', ...message, references: named }, options)
    return steps ?? []
  }

  /** @throws DittoError DITTO_PROTOCOL for another answer than was asked for. One that nobody waits for is late, and skipped. */
  onOutline({ request, hooks }: OutlineMessage): void {
    const question = this.#open.get(request)
    if (question === undefined) return
    if (question.message.type !== 'askOutline') throw unasked()
    question.hooks = Uint8Array.from(hooks)
    question.answered.wake()
  }

  /** @throws DittoError DITTO_PROTOCOL, as above and for steps that cannot be read */
  onRecipe({ request, steps }: RecipeMessage): void {
    const question = this.#open.get(request)
    if (question === undefined) return
    if (question.message.type !== 'askRecipe') throw unasked()
    let listed = 0
    for (const { ranges } of question.message.references) for (const { count } of ranges) listed += count
    question.steps = decodeRecipe(steps, listed, question.message.count)
    question.answered.wake()
  }

  async #ask(message: AskOutlineMessage | AskRecipeMessage, { signal }: AbortOptions): Promise<Question> {
    const { writer, clock } = this.#init
    const question: Question = { message, answered: new Wakeup() }
    this.#open.set(message.request, question)
    const either = signal === undefined ? this.#init.signal : AbortSignal.any([signal, this.#init.signal])
    try {
      const answer = question.answered.waitAtMost(ANSWER_TIMEOUT_MS, clock, { signal: either })
      writer.post(encodeMessage(message))
      if (!(await answer)) this.#isAble = false
    } catch {
      signal?.throwIfAborted()
    } finally {
      this.#open.delete(message.request)
    }
    return question
  }

  #message(space: SpaceId, stretch: Stretch): Omit<AskOutlineMessage, 'type'> | undefined {
    const number = this.#init.spaceNumber(space)
    if (number === undefined || !this.isAble) return undefined
    const { first, count } = stretch
    return { request: this.#nextRequest++, space: number, manifest: fieldsOf(stretch), first, count }
  }
}

function fieldsOf({ content, size }: SizedManifest): AskOutlineMessage['manifest'] {
  return { root: chunkId.toBytes(content.root), depth: content.depth, chunks: content.chunkCount, size }
}

function unasked(): DittoError {
  return new DittoError('DITTO_PROTOCOL', 'The peer answered another question than it was asked.')
}
