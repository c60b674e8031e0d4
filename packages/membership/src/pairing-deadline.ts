import { type Clock, DittoError } from '@dittofs/interface'

/** The time a pairing may take. */
export class PairingDeadline {
  /** Rejects with DITTO_LINK_TIMEOUT when the time is over, or with the signal's reason. */
  readonly passed: Promise<never>
  readonly #clock: Pick<Clock, 'sleep'>
  readonly #signal: AbortSignal | undefined
  #reject: (reason: unknown) => void = () => {}
  #running = new AbortController()

  constructor(clock: Pick<Clock, 'sleep'>, signal: AbortSignal | undefined) {
    this.#clock = clock
    this.#signal = signal
    this.passed = new Promise((_, reject) => {
      this.#reject = reject
    })
    this.passed.catch(() => undefined)
  }

  /** From now on there is this much time. */
  restart(timeoutMs: number): void {
    this.end()
    const running = new AbortController()
    this.#running = running
    const signal = this.#signal === undefined ? running.signal : AbortSignal.any([running.signal, this.#signal])
    this.#clock.sleep(timeoutMs, { signal }).then(
      () => {
        this.#reject(new DittoError('DITTO_LINK_TIMEOUT', 'The other device took too long to pair: try again.'))
      },
      (error: unknown) => {
        if (!running.signal.aborted) this.#reject(error)
      },
    )
  }

  /** Time does not matter any more. */
  end(): void {
    this.#running.abort()
  }
}
