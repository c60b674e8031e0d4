/** At 10 kB/s, as over BLE, 6 s of work: what waits behind it, a ping too, is not delayed for long. */
const MIN_WINDOW_BYTES = 64 * 1024
const START_WINDOW_BYTES = 512 * 1024
const MAX_WINDOW_BYTES = 32 * 1024 * 1024
/** How much of a link's work is asked for ahead, beside what is under way on the network. */
const AHEAD_MS = 500
/** Rates are taken over at least this long, so that one burst does not count. */
const SAMPLE_MS = 100
/** Weight of the newest sample. */
const SMOOTHING = 0.3

/**
 * How many bytes to have asked of one peer and not yet received: its measured bandwidth-delay product and half a
 * second of work on top. Starts small and grows by what arrives, as TCP does, so that a slow link is never flooded
 * with requests and a fast one is full after a few round trips.
 */
export class TransferWindow {
  #bytes = START_WINDOW_BYTES
  #rate: number | undefined
  #roundTripMs = Number.POSITIVE_INFINITY
  #sampleStart: number | undefined
  #sampleBytes = 0

  get bytes(): number {
    return this.#bytes
  }

  /** Bytes per second; `undefined` before anything was measured. */
  get bytesPerSecond(): number | undefined {
    return this.#rate
  }

  get roundTripMs(): number | undefined {
    return Number.isFinite(this.#roundTripMs) ? this.#roundTripMs : undefined
  }

  /** A request was sent while nothing was under way: the clock of a sample starts. */
  begin(nowMs: number): void {
    this.#sampleStart = nowMs
    this.#sampleBytes = 0
  }

  /** The first bytes of a request's answer came `elapsedMs` after it was sent. */
  answered(elapsedMs: number): void {
    this.#roundTripMs = Math.min(this.#roundTripMs, elapsedMs)
  }

  received(bytes: number, nowMs: number): void {
    this.#sampleBytes += bytes
    this.#sampleStart ??= nowMs
    const elapsed = nowMs - this.#sampleStart
    if (elapsed >= SAMPLE_MS) {
      const rate = (this.#sampleBytes * 1000) / elapsed
      this.#rate = this.#rate === undefined ? rate : this.#rate + SMOOTHING * (rate - this.#rate)
      this.#sampleStart = nowMs
      this.#sampleBytes = 0
    }
    const grown = this.#bytes + bytes
    const useful = this.#rate === undefined ? grown : (this.#rate * ((this.roundTripMs ?? 0) + AHEAD_MS)) / 1000
    this.#bytes = Math.round(Math.min(Math.max(Math.min(grown, useful), MIN_WINDOW_BYTES), MAX_WINDOW_BYTES))
  }
}
