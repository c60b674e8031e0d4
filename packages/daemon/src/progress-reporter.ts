import type { Clock, Progress } from '@dittofs/interface'

/** Often enough for an eye, seldom enough to cost nothing. */
const REPORT_INTERVAL_MS = 100

/** Counts what long work has done and tells a listener, at most ten times a second and at each change of phase. */
export class ProgressReporter {
  readonly #clock: Clock
  readonly #listener: ((progress: Progress) => void) | undefined
  #state: Progress = { phase: 'scan', filesDone: 0, bytesDone: 0 }
  #reportedAtMs = Number.NEGATIVE_INFINITY

  constructor(clock: Clock, listener: ((progress: Progress) => void) | undefined) {
    this.#clock = clock
    this.#listener = listener
  }

  /** Begins a phase with its counts at zero. */
  begin(phase: Progress['phase'], totals: { files?: number; bytes?: number; current?: string } = {}): void {
    this.#state = {
      phase,
      filesDone: 0,
      bytesDone: 0,
      ...(totals.files === undefined ? {} : { filesTotal: totals.files }),
      ...(totals.bytes === undefined ? {} : { bytesTotal: totals.bytes }),
      ...(totals.current === undefined ? {} : { current: totals.current }),
    }
    this.#report(true)
  }

  advance(done: { files?: number; bytes?: number; current?: string }): void {
    this.#state = {
      ...this.#state,
      filesDone: this.#state.filesDone + (done.files ?? 0),
      bytesDone: this.#state.bytesDone + (done.bytes ?? 0),
      ...(done.current === undefined ? {} : { current: done.current }),
    }
    this.#report(false)
  }

  /** Sets counts that somebody else keeps; bytes done never fall. */
  set(state: { bytesDone: number; bytesTotal: number }): void {
    const bytesDone = Math.max(state.bytesDone, this.#state.bytesDone)
    this.#state = { ...this.#state, bytesDone, bytesTotal: Math.max(state.bytesTotal, bytesDone) }
    this.#report(false)
  }

  /** Tells where the phase ended. */
  finish(): void {
    this.#report(true)
  }

  #report(isDue: boolean): void {
    if (this.#listener === undefined) return
    const nowMs = this.#clock.monotonic()
    if (!isDue && nowMs - this.#reportedAtMs < REPORT_INTERVAL_MS) return
    this.#reportedAtMs = nowMs
    this.#listener(this.#state)
  }
}
