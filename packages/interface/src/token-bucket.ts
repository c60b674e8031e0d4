/** Lets `perSecond` units through each second, and as many more at once as `burst` says. Time is passed in. */
export class TokenBucket {
  readonly #perSecond: number
  readonly #burst: number
  #tokens: number
  #atMs: number

  /** @param nowMs - monotonic milliseconds, as everywhere here */
  constructor(perSecond: number, burst: number, nowMs: number) {
    this.#perSecond = perSecond
    this.#burst = burst
    this.#tokens = burst
    this.#atMs = nowMs
  }

  /** @returns whether the units were there; only then are they taken */
  take(units: number, nowMs: number): boolean {
    this.#refill(nowMs)
    if (this.#tokens < units) return false
    this.#tokens -= units
    return true
  }

  isFull(nowMs: number): boolean {
    this.#refill(nowMs)
    return this.#tokens >= this.#burst
  }

  #refill(nowMs: number): void {
    this.#tokens = Math.min(this.#burst, this.#tokens + (Math.max(0, nowMs - this.#atMs) / 1000) * this.#perSecond)
    this.#atMs = nowMs
  }
}
