import type { AbortOptions, Clock } from '@dittofs/interface'

/** Lets any number of loops wait until something has changed. A wake with nobody waiting is lost: check first. */
export class Wakeup {
  #waiters = new Set<() => void>()

  wake(): void {
    const waiters = this.#waiters
    if (waiters.size === 0) return
    this.#waiters = new Set()
    for (const resolve of waiters) resolve()
  }

  /** Resolves at the next wake; rejects with the signal's reason when aborted. */
  wait({ signal }: AbortOptions = {}): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(signal.reason as Error)
        return
      }
      const onWake = () => {
        signal?.removeEventListener('abort', onAbort)
        resolve()
      }
      const onAbort = () => {
        this.#waiters.delete(onWake)
        reject(signal?.reason as Error)
      }
      this.#waiters.add(onWake)
      signal?.addEventListener('abort', onAbort, { once: true })
    })
  }

  /** As {@link Wakeup.wait}, but for at most `timeoutMs`. @returns whether it was woken */
  async waitAtMost(timeoutMs: number, clock: Clock, { signal }: AbortOptions = {}): Promise<boolean> {
    // By hand: each AbortSignal.any leaves something behind at a signal that lives long.
    const over = new AbortController()
    const onAbort = () => over.abort(signal?.reason)
    signal?.addEventListener('abort', onAbort, { once: true })
    if (signal?.aborted === true) onAbort()
    try {
      return await Promise.race([
        this.wait({ signal: over.signal }).then(() => true),
        clock.sleep(timeoutMs, { signal: over.signal }).then(() => false),
      ])
    } finally {
      signal?.removeEventListener('abort', onAbort)
      over.abort()
    }
  }
}
