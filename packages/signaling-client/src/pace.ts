interface PaceInit {
  /** Units that come back each second. */
  readonly perSecond: number
  /** Units it holds at most, and at first. */
  readonly burst: number
}

/** Tells how long to wait so that a limit of units a second is kept. Time is passed in, in monotonic milliseconds. */
export class Pace {
  readonly #perSecond: number
  readonly #burst: number
  #units: number
  #atMs = Number.NEGATIVE_INFINITY

  constructor(init: PaceInit) {
    this.#perSecond = init.perSecond
    this.#burst = init.burst
    this.#units = init.burst
  }

  /** Milliseconds until `units` are there; 0 when they are there now. Takes nothing. */
  delayMs(units: number, nowMs: number): number {
    this.#refill(nowMs)
    return Math.max(0, Math.ceil(((Math.min(units, this.#burst) - this.#units) / this.#perSecond) * 1000))
  }

  /** @returns whether the units were there; they are taken then */
  take(units: number, nowMs: number): boolean {
    if (this.delayMs(units, nowMs) > 0) return false
    this.#units -= units
    return true
  }

  #refill(nowMs: number): void {
    const elapsed = Math.max(0, nowMs - this.#atMs)
    this.#units = Math.min(this.#burst, this.#units + (elapsed / 1000) * this.#perSecond)
    this.#atMs = nowMs
  }
}
