/** Runs one piece of work at a time, in the order asked. */
export class Exclusive {
  #last: Promise<unknown> = Promise.resolve()
  #unfinished = 0

  /** Whether there is work behind that which runs now. */
  get isAwaited(): boolean {
    return this.#unfinished > 1
  }

  run<T>(work: () => Promise<T>): Promise<T> {
    this.#unfinished += 1
    const result = this.#last.then(work)
    this.#last = result
      .catch(() => undefined)
      .then(() => {
        this.#unfinished -= 1
      })
    return result
  }
}
