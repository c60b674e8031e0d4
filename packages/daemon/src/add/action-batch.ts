import type { Action, TreeEntry } from '@dittofs/interface'

/** Actions of one commit: enough that its cost does not show, few enough that the event loop is free again soon. */
const MAX_ACTIONS = 1000
/** Actions that may wait for a commit under way before who makes them waits as well. */
const MAX_WAITING_ACTIONS = 4 * MAX_ACTIONS

export interface Change {
  readonly actions: readonly Action[]
  /** Called with what the last action left shown, once the change is durable. */
  readonly onCommitted: (entry: TreeEntry | undefined) => void
}

/** Gathers changes and hands them on in batches, one batch at a time, in order. */
export class ActionBatch {
  readonly #commit: (changes: readonly Change[]) => Promise<void>
  #waiting: Change[] = []
  #waitingActions = 0
  #queuedActions = 0
  #committing: Promise<void> = Promise.resolve()

  /** @param commit - makes changes durable; after it failed nothing more is handed on */
  constructor(commit: (changes: readonly Change[]) => Promise<void>) {
    this.#commit = commit
  }

  /** Resolves at once unless too much is waiting. @throws what a commit failed with */
  async push(change: Change): Promise<void> {
    this.#waiting.push(change)
    this.#waitingActions += change.actions.length
    if (this.#waitingActions >= MAX_ACTIONS) this.#handOn()
    if (this.#queuedActions > MAX_WAITING_ACTIONS) await this.#committing
  }

  /** Resolves when everything pushed is durable. @throws what a commit failed with */
  async finish(): Promise<void> {
    if (this.#waiting.length > 0) this.#handOn()
    await this.#committing
  }

  #handOn(): void {
    const changes = this.#waiting
    const actions = this.#waitingActions
    this.#waiting = []
    this.#waitingActions = 0
    this.#queuedActions += actions
    this.#committing = this.#committing
      .then(() => this.#commit(changes))
      .finally(() => {
        this.#queuedActions -= actions
      })
    // The failure is met by the next push or by finish; until then it is nobody's.
    this.#committing.catch(() => undefined)
  }
}
