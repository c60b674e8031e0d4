const SAMPLE_MS = 250
const SMOOTHING = 0.3
/** A rate that nothing was added to for so long is none. */
const STALE_MS = 3000

/** A smoothed rate in bytes per second, for people to read. */
export class RateMeter {
  #rate = 0
  #bytes = 0
  #since: number | undefined

  add(bytes: number, nowMs: number): void {
    if (this.#since === undefined || nowMs - this.#since > STALE_MS) {
      this.#since = nowMs
      this.#bytes = 0
      this.#rate = 0
    }
    this.#bytes += bytes
    const elapsed = nowMs - this.#since
    if (elapsed < SAMPLE_MS) return
    const rate = (this.#bytes * 1000) / elapsed
    this.#rate = this.#rate === 0 ? rate : this.#rate + SMOOTHING * (rate - this.#rate)
    this.#bytes = 0
    this.#since = nowMs
  }

  bytesPerSecond(nowMs: number): number {
    return this.#since === undefined || nowMs - this.#since > STALE_MS ? 0 : this.#rate
  }
}
