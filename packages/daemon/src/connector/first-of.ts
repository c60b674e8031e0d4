/** Runs attempts side by side and keeps the first that succeeds; the others are aborted, and their results dropped. */
export class FirstOf<Result> {
  /** Why each attempt that failed did, by name. */
  readonly failures = new Map<string, unknown>()
  readonly #stop = new AbortController()
  readonly #discard: (late: Result) => void
  readonly #running = new Set<Promise<void>>()
  #winner: { readonly result: Result } | undefined

  /** @param discard - gets rid of a success that came too late */
  constructor(discard: (late: Result) => void) {
    this.#discard = discard
  }

  get winner(): { readonly result: Result } | undefined {
    return this.#winner
  }

  /** Aborted once there is a winner or {@link stop} was called. */
  get signal(): AbortSignal {
    return this.#stop.signal
  }

  /** Starts an attempt. @returns when it has ended, however it did; never rejects */
  start(name: string, attempt: (signal: AbortSignal) => Promise<Result>): Promise<void> {
    const running = this.#run(name, attempt).finally(() => this.#running.delete(running))
    this.#running.add(running)
    return running
  }

  stop(): void {
    this.#stop.abort()
  }

  /** Resolves once no attempt runs any more. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running)
  }

  async #run(name: string, attempt: (signal: AbortSignal) => Promise<Result>): Promise<void> {
    if (this.#stop.signal.aborted) return
    try {
      const result = await attempt(this.#stop.signal)
      if (this.#stop.signal.aborted) {
        this.#discard(result)
        return
      }
      this.#winner = { result }
      this.#stop.abort()
    } catch (error) {
      if (!this.#stop.signal.aborted) this.failures.set(name, error)
    }
  }
}
