/** Slower than this a link may gain by compression: a core compresses three times as fast. Bytes per second. */
const SLOW_BYTES_PER_SECOND = 24_000_000
/** One measurement; what comes in less time may come out of buffers. */
const SAMPLE_MS = 200
/** Weight of the newest measurement. */
const SMOOTHING = 0.3

/** How fast bytes come over a link while something is asked for, as they are on the wire. */
export class WireRate {
  #bytesPerSecond: number | undefined
  #since: number | undefined
  #bytes = 0

  /** Something was asked for while nothing was under way. */
  begin(nowMs: number): void {
    this.#since = nowMs
    this.#bytes = 0
  }

  received(bytes: number, nowMs: number): void {
    this.#since ??= nowMs
    this.#bytes += bytes
    const elapsedMs = nowMs - this.#since
    if (elapsedMs < SAMPLE_MS) return
    const rate = (this.#bytes * 1000) / elapsedMs
    const before = this.#bytesPerSecond ?? rate
    this.#bytesPerSecond = before + SMOOTHING * (rate - before)
    this.begin(nowMs)
  }

  /** What a request says of it: chunks may come compressed where the link is slow, if that is faster than the link. */
  get packing(): { readonly packBelow?: number } {
    const rate = this.#bytesPerSecond
    return rate === undefined || rate >= SLOW_BYTES_PER_SECOND ? {} : { packBelow: Math.max(1, Math.round(rate)) }
  }
}
