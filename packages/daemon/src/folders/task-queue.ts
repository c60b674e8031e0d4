/** Runs tasks one after the other, in the order they were added. */
export class TaskQueue {
  readonly #onError: (error: unknown) => void
  #last: Promise<void> = Promise.resolve()

  /** @param onError - told of a task that failed; the next goes on */
  constructor(onError: (error: unknown) => void) {
    this.#onError = onError
  }

  add(task: () => Promise<unknown>): void {
    this.#last = this.#last.then(task).then(() => undefined, this.#onError)
  }

  /** Calls `listener` once when no task is left. */
  whenIdle(listener: () => void): void {
    const last = this.#last
    void last.then(() => {
      if (last === this.#last) listener()
      else this.whenIdle(listener)
    })
  }

  /** Resolves when every task added so far has ended. */
  settled(): Promise<void> {
    return this.#last
  }
}
