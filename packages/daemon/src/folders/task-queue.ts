/** Tasks under way at once: enough that their writes join into few waits for the disk, few enough to be held in memory. */
const CONCURRENT_TASKS = 64

/** Runs tasks in the order they were added: those of one key one after the other, those of different keys side by side. */
export class TaskQueue {
  readonly #onError: (error: unknown) => void
  readonly #lastOf = new Map<string, Promise<void>>()
  #waiting: (() => void)[] = []
  /** How many of those waiting have had their turn. */
  #called = 0
  #running = 0
  /** Resolves when every task added so far has ended. */
  #last: Promise<void> = Promise.resolve()

  /** @param onError - told of a task that failed; the next goes on */
  constructor(onError: (error: unknown) => void) {
    this.#onError = onError
  }

  /** @param key - of what the task changes */
  add(key: string, task: () => Promise<unknown>): void {
    const ended = this.#run(this.#lastOf.get(key), task)
    this.#lastOf.set(key, ended)
    void ended.then(() => {
      if (this.#lastOf.get(key) === ended) this.#lastOf.delete(key)
    })
    this.#last = Promise.all([this.#last, ended]).then(() => undefined)
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

  async #run(before: Promise<void> | undefined, task: () => Promise<unknown>): Promise<void> {
    await before
    // The place of one that ends goes straight to the next that waits, so that nobody comes in between.
    if (this.#running < CONCURRENT_TASKS) this.#running += 1
    else await new Promise<void>((resolve) => this.#waiting.push(resolve))
    try {
      await task()
    } catch (error) {
      this.#onError(error)
    } finally {
      this.#callNext()
    }
  }

  #callNext(): void {
    const next = this.#waiting[this.#called]
    this.#called += 1
    // Not by `shift`: of an array of 100,000 it moves all that is left.
    if (this.#called * 2 >= this.#waiting.length) {
      this.#waiting = this.#waiting.slice(this.#called)
      this.#called = 0
    }
    if (next === undefined) this.#running -= 1
    else next()
  }
}
