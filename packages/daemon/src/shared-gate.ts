import type { AbortOptions } from '@dittofs/interface'

/**
 * Lets many in at once, or one alone. Adding and reading share the store; collecting garbage has it alone, because a
 * chunk that an addition has just stored is named by no metadata yet.
 */
export class SharedGate {
  /** Resolves when the one who is alone, and all who waited before, are through. */
  #alone: Promise<void> = Promise.resolve()
  readonly #sharing = new Set<Promise<unknown>>()

  async share<T>(work: () => Promise<T>, options: AbortOptions = {}): Promise<T> {
    for (let seen: Promise<void> | undefined; seen !== this.#alone; ) {
      seen = this.#alone
      await seen
    }
    options.signal?.throwIfAborted()
    const running = work()
    const settled = running.then(
      () => undefined,
      () => undefined,
    )
    this.#sharing.add(settled)
    try {
      return await running
    } finally {
      this.#sharing.delete(settled)
    }
  }

  async alone<T>(work: () => Promise<T>, options: AbortOptions = {}): Promise<T> {
    const before = this.#alone
    let leave = () => {}
    this.#alone = new Promise((resolve) => {
      leave = resolve
    })
    try {
      await before
      await Promise.all(this.#sharing)
      options.signal?.throwIfAborted()
      return await work()
    } finally {
      leave()
    }
  }
}
