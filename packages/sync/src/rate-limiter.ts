import type { AbortOptions, Clock } from '@dittofs/interface'

/** Bytes that may pass at once after a pause, in milliseconds of the rate. */
const BURST_MS = 250
/** A rate may change by the time of day: whoever waits looks again this often. */
const MAX_WAIT_MS = 5000

export interface RateLimiterInit {
  clock: Clock
  /** The rate now, in bytes per second, more than 0; `undefined` where there is no limit. */
  bytesPerSecond: () => number | undefined
  /** Called when there may be room again after `hasRoom` was false. */
  onRoom?: () => void
  /** Ends what waits. */
  signal?: AbortSignal
}

/**
 * Lets bytes pass at a rate that may change at any time. What passes may go past what there is room for; then nothing
 * does until the time for it is over, so that the rate is kept whatever the size of a piece (a leaky bucket).
 */
export class RateLimiter {
  readonly #init: RateLimiterInit
  /** Milliseconds on the monotonic clock by which what passed so far has had its time. */
  #paidUntil = Number.NEGATIVE_INFINITY
  #isWaiting = false

  constructor(init: RateLimiterInit) {
    this.#init = init
  }

  /** Whether something may pass now. Where not, `onRoom` tells when it may be asked again. */
  get hasRoom(): boolean {
    const waitMs = this.#waitMs()
    if (waitMs > 0) void this.#tellWhenRoom(waitMs)
    return waitMs === 0
  }

  /** The bytes of about a quarter of a second: pieces that large keep what else uses the link responsive. */
  get pieceBytes(): number {
    return ((this.#init.bytesPerSecond() ?? Number.POSITIVE_INFINITY) * BURST_MS) / 1000
  }

  /** Counts bytes that pass. */
  spend(bytes: number): void {
    const rate = this.#init.bytesPerSecond()
    if (rate === undefined) return
    this.#paidUntil = Math.max(this.#paidUntil, this.#init.clock.monotonic() - BURST_MS) + (bytes * 1000) / rate
  }

  /** Waits for room, then counts the bytes. */
  async pass(bytes: number, options: AbortOptions = {}): Promise<void> {
    for (let waitMs = this.#waitMs(); waitMs > 0; waitMs = this.#waitMs()) {
      await this.#init.clock.sleep(waitMs, options)
    }
    this.spend(bytes)
  }

  #waitMs(): number {
    if (this.#init.bytesPerSecond() === undefined) return 0
    return Math.min(Math.max(this.#paidUntil - this.#init.clock.monotonic(), 0), MAX_WAIT_MS)
  }

  async #tellWhenRoom(waitMs: number): Promise<void> {
    if (this.#isWaiting || this.#init.onRoom === undefined) return
    this.#isWaiting = true
    const { clock, signal, onRoom } = this.#init
    const isOver = await clock.sleep(waitMs, signal === undefined ? {} : { signal }).then(
      () => true,
      () => false,
    )
    this.#isWaiting = false
    if (isOver) onRoom()
  }
}
