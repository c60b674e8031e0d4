import { setTimeout } from 'node:timers/promises'
import type { AbortOptions, Clock } from '@dittofs/interface'
import { settle } from './settle.ts'

/** What `until` lets pass between two turns of the real event loop. */
const STEP_MS = 100

interface Sleeper {
  readonly atMs: number
  readonly wake: () => void
}

export interface ManualClockInit {
  /** What the wall clock says first, in milliseconds since the Unix epoch. Default: the start of 2026. */
  startMs?: number
  /** Between two sleepers time is left for timers, threads and disks, and not for promises alone. Default false. */
  hasRealWork?: boolean
}

/** A clock that stands still until the test moves it. */
export class ManualClock implements Clock {
  readonly #startMs: number
  readonly #hasRealWork: boolean
  readonly #sleepers = new Set<Sleeper>()
  #elapsedMs = 0

  constructor({ startMs = Date.UTC(2026, 0, 1), hasRealWork = false }: ManualClockInit = {}) {
    this.#startMs = startMs
    this.#hasRealWork = hasRealWork
  }

  now(): number {
    return this.#startMs + this.#elapsedMs
  }

  /** Milliseconds since the clock was made. */
  monotonic(): number {
    return this.#elapsedMs
  }

  /** Whether anybody sleeps by this clock. */
  get isAwaited(): boolean {
    return this.#sleepers.size > 0
  }

  sleep(delayMs: number, { signal }: AbortOptions = {}): Promise<void> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted()
      const end = (then: () => void) => {
        this.#sleepers.delete(sleeper)
        signal?.removeEventListener('abort', onAbort)
        then()
      }
      const sleeper = { atMs: this.#elapsedMs + delayMs, wake: () => end(resolve) }
      const onAbort = () => end(() => reject(signal?.reason as Error))
      this.#sleepers.add(sleeper)
      signal?.addEventListener('abort', onAbort, { once: true })
    })
  }

  /** Moves on at once, as after a pause of the whole process: those who are due run when the caller next waits. */
  pass(ms: number): void {
    this.#elapsedMs += ms
    for (let next = this.#nextDue(this.#elapsedMs); next; next = this.#nextDue(this.#elapsedMs)) next.wake()
  }

  /** Moves on from one sleeper to the next, and lets what each starts run until it waits for something. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#elapsedMs + ms
    for (;;) {
      await this.#quiet()
      const next = this.#nextDue(endMs)
      if (next === undefined) break
      this.#elapsedMs = Math.max(this.#elapsedMs, next.atMs)
      next.wake()
    }
    this.#elapsedMs = endMs
    await this.#quiet()
  }

  /** Moves on in steps of 100 ms, with a real millisecond for sockets in between, until it is so. */
  async until(isTrue: () => boolean): Promise<void> {
    while (!isTrue()) {
      this.pass(STEP_MS)
      await setTimeout(1)
    }
  }

  async #quiet(): Promise<void> {
    await settle()
    if (!this.#hasRealWork) return
    for (let round = 0; round < 4; round++) {
      await setTimeout(0)
      await settle(1)
    }
  }

  #nextDue(byMs: number): Sleeper | undefined {
    let next: Sleeper | undefined
    for (const sleeper of this.#sleepers) {
      if (sleeper.atMs <= byMs && (next === undefined || sleeper.atMs < next.atMs)) next = sleeper
    }
    return next
  }
}
