/** Bytes that all connections together may have in calls and answers. Who finds none left is called when there are. */
export class ByteBudget {
  readonly #maxBytes: number
  #takenBytes = 0
  readonly #waiting = new Set<() => void>()

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  get takenBytes(): number {
    return this.#takenBytes
  }

  /** Takes them if there are as many. */
  tryTake(bytes: number): boolean {
    if (this.#takenBytes + bytes > this.#maxBytes) return false
    this.#takenBytes += bytes
    return true
  }

  /** Takes them also where they are too many: for a connection's only call, so that everybody gets on. */
  take(bytes: number): void {
    this.#takenBytes += bytes
  }

  give(bytes: number): void {
    this.#takenBytes -= bytes
    if (this.#waiting.size === 0) return
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const wake of waiting) wake()
  }

  /** Calls `wake` once, when bytes were given back. The same function waits only once. */
  wait(wake: () => void): void {
    this.#waiting.add(wake)
  }

  stopWaiting(wake: () => void): void {
    this.#waiting.delete(wake)
  }
}
