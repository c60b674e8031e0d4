import { setImmediate } from 'node:timers/promises'
import type { AbortOptions, Clock } from '@dittofs/interface'

/**
 * Time that passes when it is told to. `jump` sets the wall clock alone.
 *
 * It is not the ManualClock of the testing package, because it stands for the clocks of a whole machine: its disk asks
 * it for nanoseconds that never repeat, its wall clock is set wrong on purpose, and the schedule of a simulation
 * decides how many turns everybody gets, where a ManualClock gives as many as they need.
 */
export class VirtualClock implements Clock {
  #monotonicMs = 0
  #asked = 0
  #offsetMs = 1_800_000_000_000
  readonly #sleepers = new Set<{ readonly atMs: number; readonly wake: () => void }>()

  now(): number {
    return this.#offsetMs + this.#monotonicMs
  }

  /** No two are equal, as those of a file system are that counts nanoseconds. */
  nowNs(): bigint {
    this.#asked += 1
    return BigInt(this.now()) * 1_000_000n + BigInt(this.#asked % 1000) * 1000n
  }

  monotonic(): number {
    return this.#monotonicMs
  }

  jump(byMs: number): void {
    this.#offsetMs += byMs
  }

  sleep(delayMs: number, { signal }: AbortOptions = {}): Promise<void> {
    return new Promise((resolve, reject) => {
      const sleeper = { atMs: this.#monotonicMs + delayMs, wake: resolve }
      this.#sleepers.add(sleeper)
      signal?.addEventListener(
        'abort',
        () => {
          this.#sleepers.delete(sleeper)
          reject(signal.reason as Error)
        },
        { once: true },
      )
    })
  }

  /** Lets time pass, and gives everybody turns. */
  async pass(ms: number, turns = 1): Promise<void> {
    this.#monotonicMs += ms
    for (const sleeper of this.#sleepers) {
      if (sleeper.atMs > this.#monotonicMs) continue
      this.#sleepers.delete(sleeper)
      sleeper.wake()
    }
    for (let turn = 0; turn < turns; turn += 1) await setImmediate()
  }
}
