import { DittoError } from '@dittofs/interface'

/** The life of a store: calls are let in while it is open, and `close` waits for those that were. */
export class CallTracker {
  #state: 'new' | 'opening' | 'open' | 'closing' | 'closed' = 'new'
  readonly #calls = new Set<Promise<unknown>>()
  #transition: Promise<void> = Promise.resolve()

  /** @throws DittoError DITTO_CLOSED unless open */
  check(): void {
    if (this.#state !== 'open') throw new DittoError('DITTO_CLOSED', 'The chunk store is not open.')
  }

  /** Runs a call that `close` waits for. */
  async run<T>(call: () => Promise<T>): Promise<T> {
    this.check()
    const running = call()
    this.#calls.add(running)
    try {
      return await running
    } finally {
      this.#calls.delete(running)
    }
  }

  /** @throws TypeError when it was closed */
  open(work: () => Promise<void>): Promise<void> {
    if (this.#state === 'closing' || this.#state === 'closed') throw new TypeError('a closed chunk store stays closed')
    if (this.#state !== 'new') return this.#transition
    this.#state = 'opening'
    this.#transition = work().then(
      () => {
        this.#state = 'open'
      },
      (error: unknown) => {
        this.#state = 'new'
        throw error
      },
    )
    return this.#transition
  }

  close(work: () => Promise<void>): Promise<void> {
    if (this.#state === 'closing' || this.#state === 'closed') return this.#transition
    const wasOpened = this.#state === 'open' || this.#state === 'opening'
    const before = this.#transition.catch(() => {})
    this.#state = 'closing'
    this.#transition = before
      .then(async () => {
        await Promise.allSettled(this.#calls)
        if (wasOpened) await work()
      })
      .finally(() => {
        this.#state = 'closed'
      })
    return this.#transition
  }
}
