export interface TokenBucketInit {
  /** Tokens that come back each second. */
  perSecond: number
  /** Tokens it holds at most, and at first. */
  burst: number
  /** Milliseconds, never backwards. */
  now: () => number
}

/** Says yes at most `burst` times at once and `perSecond` times a second in the long run. */
export class TokenBucket {
  readonly #perSecond: number
  readonly #burst: number
  readonly #now: () => number
  #tokens: number
  #at: number

  constructor(init: TokenBucketInit) {
    this.#perSecond = init.perSecond
    this.#burst = init.burst
    this.#now = init.now
    this.#tokens = init.burst
    this.#at = init.now()
  }

  take(): boolean {
    const now = this.#now()
    this.#tokens = Math.min(this.#burst, this.#tokens + ((now - this.#at) / 1000) * this.#perSecond)
    this.#at = now
    if (this.#tokens < 1) return false
    this.#tokens--
    return true
  }
}
