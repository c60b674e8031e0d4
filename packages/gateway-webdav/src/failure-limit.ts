import type { Clock } from '@dittofs/interface'
import { FAILURE_FORGIVEN_MS, FAILURES_BEFORE_WAIT, MAX_FAILING_ADDRESSES } from './limits.ts'

interface Failures {
  count: number
  atMs: number
}

/** Slows down whoever guesses credentials, by address. Failures are forgiven one after the other with time. */
export class FailureLimit {
  readonly #clock: Pick<Clock, 'monotonic'>
  readonly #failures = new Map<string, Failures>()

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock
  }

  /** Milliseconds until credentials from `address` are looked at again; 0: now. */
  waitMs(address: string): number {
    const failures = this.#current(address)
    return failures < FAILURES_BEFORE_WAIT ? 0 : Math.ceil((failures - FAILURES_BEFORE_WAIT + 1) * FAILURE_FORGIVEN_MS)
  }

  noteFailure(address: string): void {
    const count = this.#current(address) + 1
    // The address seen longest ago makes room: who has many addresses gets few tries from each.
    this.#failures.delete(address)
    const [oldest] = this.#failures.keys()
    if (this.#failures.size >= MAX_FAILING_ADDRESSES && oldest !== undefined) this.#failures.delete(oldest)
    this.#failures.set(address, { count, atMs: this.#clock.monotonic() })
  }

  #current(address: string): number {
    const failures = this.#failures.get(address)
    if (failures === undefined) return 0
    return Math.max(0, failures.count - (this.#clock.monotonic() - failures.atMs) / FAILURE_FORGIVEN_MS)
  }
}
