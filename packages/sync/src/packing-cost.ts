/** Compression has to be so much faster than the link: what it gains is the difference. */
const ADVANTAGE = 1.5
/** After so many frames that were sent as they are it is tried again: a busy processor may have become free. */
const PAUSE_FRAMES = 32
/** Weight of the newest frame. */
const SMOOTHING = 0.3

/** Whether this device compresses faster than a link carries: with a busy processor it may not. */
export class PackingCost {
  #bytesPerSecond: number | undefined
  #framesLeft = 0

  /**
   * Asked once for each frame.
   *
   * @param linkRate - bytes per second that the link carries
   */
  isWorthIt(linkRate: number): boolean {
    if (this.#framesLeft > 0 && --this.#framesLeft > 0) return false
    if (this.#bytesPerSecond === undefined || this.#bytesPerSecond > ADVANTAGE * linkRate) return true
    this.#bytesPerSecond = undefined
    this.#framesLeft = PAUSE_FRAMES
    return false
  }

  /** @param bytes - before they were compressed */
  packed(bytes: number, ms: number): void {
    const rate = (bytes * 1000) / Math.max(ms, 0.001)
    const before = this.#bytesPerSecond ?? rate
    this.#bytesPerSecond = before + SMOOTHING * (rate - before)
  }
}
