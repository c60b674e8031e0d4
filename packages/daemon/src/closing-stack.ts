/** What was opened, to be closed in the reverse order: by its owner, or by a failure half-way through opening. */
export class ClosingStack {
  readonly #steps: (() => Promise<unknown>)[] = []

  /** @returns what was opened, for use in an expression */
  add<T>(opened: T, close: (opened: T) => Promise<unknown>): T {
    this.#steps.push(() => close(opened))
    return opened
  }

  /** Takes every step whatever the others do. @throws what the first failing step threw */
  async close(): Promise<void> {
    const failures: unknown[] = []
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      try {
        await step()
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length > 0) throw failures[0]
  }
}
