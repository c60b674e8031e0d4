import { LINK_PROFILES, type LinkProfile } from './link-profile.ts'

/** At 10 kB/s, as over BLE, 6 s of work: what waits behind it, a ping too, is not delayed for long. */
export const MIN_WINDOW_BYTES = 64 * 1024
/** Rates are taken over at least this long, so that one burst does not count. */
const SAMPLE_MS = 100
/** Weight of the newest sample. */
const SMOOTHING = 0.3

/** What a profile says of the window. */
export type WindowLimits = Pick<LinkProfile, 'startWindowBytes' | 'maxWindowBytes' | 'aheadMs'>

/**
 * How many bytes to have asked of one peer and not yet received: its measured bandwidth-delay product and what
 * the profile of the link wants ahead. Starts small and grows by what arrives, as TCP does, so that a slow link is never flooded
 * with requests and a fast one is full after a few round trips.
 */
export class TransferWindow {
  readonly #limits: () => WindowLimits
  /** Before anything came what the profile begins with, which may become another one until then. */
  #bytes: number | undefined
  #rate: number | undefined
  #roundTripMs = Number.POSITIVE_INFINITY
  #sampleStart: number | undefined
  #sampleBytes = 0

  /** @param limits - as they are now; asked again and again */
  constructor(limits: () => WindowLimits = () => LINK_PROFILES.lan) {
    this.#limits = limits
  }

  get bytes(): number {
    const { startWindowBytes, maxWindowBytes } = this.#limits()
    return Math.min(this.#bytes ?? startWindowBytes, maxWindowBytes)
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
    const { aheadMs, maxWindowBytes } = this.#limits()
    const grown = this.bytes + bytes
    const useful = this.#rate === undefined ? grown : (this.#rate * ((this.roundTripMs ?? 0) + aheadMs)) / 1000
    this.#bytes = Math.round(Math.min(Math.max(Math.min(grown, useful), MIN_WINDOW_BYTES), maxWindowBytes))
  }
}
