import { type Clock, systemClock } from '@dittofs/interface'

/** Time that passes only when the test says so. */
export class SteppedClock implements Clock {
  elapsedMs = 0
  readonly #sleepers = new Set<{ readonly atMs: number; readonly wake: () => void }>()

  now = () => 1_800_000_000_000 + this.elapsedMs
  monotonic = () => this.elapsedMs

  sleep(delayMs: number, options: { signal?: AbortSignal } = {}): Promise<void> {
    return new Promise((resolve, reject) => {
      const { signal } = options
      if (signal?.aborted) return reject(signal.reason)
      const onAbort = () => {
        this.#sleepers.delete(sleeper)
        reject(signal?.reason)
      }
      const wake = () => {
        signal?.removeEventListener('abort', onAbort)
        resolve()
      }
      const sleeper = { atMs: this.elapsedMs + delayMs, wake }
      this.#sleepers.add(sleeper)
      signal?.addEventListener('abort', onAbort, { once: true })
    })
  }

  get isAwaited(): boolean {
    return this.#sleepers.size > 0
  }

  /** Passes in steps of at most 100 ms, with a turn of the event loop for the network in between. */
  async until(isTrue: () => boolean): Promise<void> {
    while (!isTrue()) {
      this.elapsedMs += 100
      for (const sleeper of this.#sleepers) {
        if (sleeper.atMs > this.elapsedMs) continue
        this.#sleepers.delete(sleeper)
        sleeper.wake()
      }
      await systemClock.sleep(1)
    }
  }
}
