import type { AbortOptions, Clock } from '@dittofs/interface'

/** Time that passes only when told. */
export class ManualClock implements Clock {
  #now: number
  readonly #sleepers = new Set<{ until: number; wake: () => void }>()

  constructor(now = Date.UTC(2026, 0, 1)) {
    this.#now = now
  }

  now(): number {
    return this.#now
  }

  monotonic(): number {
    return this.#now
  }

  async sleep(delayMs: number, options: AbortOptions = {}): Promise<void> {
    options.signal?.throwIfAborted()
    await new Promise<void>((resolve, reject) => {
      const sleeper = { until: this.#now + delayMs, wake: resolve }
      this.#sleepers.add(sleeper)
      options.signal?.addEventListener('abort', () => {
        this.#sleepers.delete(sleeper)
        reject(options.signal?.reason)
      })
    })
  }

  advance(ms: number): void {
    this.#now += ms
    for (const sleeper of [...this.#sleepers]) {
      if (sleeper.until > this.#now) continue
      this.#sleepers.delete(sleeper)
      sleeper.wake()
    }
  }
}
