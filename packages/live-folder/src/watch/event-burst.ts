/**
 * Notices that the kernel's queue of changes may have overflowed. Node does not tell (libuv passes IN_Q_OVERFLOW over),
 * but whoever reads a queue that was full gets all that was in it in one go, before anything else runs. So a burst of a
 * good part of the queue's length counts as an overflow: a part, because events of directories that are watched no
 * longer are dropped on the way. Looking at everything once in vain costs little beside what such a burst means.
 *
 * One for all watchers of a thread, which share one queue.
 */
export class EventBurst {
  readonly #limit: number
  readonly #afterBurst: (action: () => void) => void
  #count = 0

  /**
   * @param queueEvents - how many the kernel's queue holds
   * @param afterBurst - runs an action when what was read in one go has been told; `setImmediate`
   */
  constructor(queueEvents: number, afterBurst: (action: () => void) => void) {
    this.#limit = Math.max(1, Math.floor(queueEvents / 4))
    this.#afterBurst = afterBurst
  }

  /** Counts an event. @returns whether the burst it belongs to is so long that others may be lost */
  count(): boolean {
    if (this.#count === 0) {
      this.#afterBurst(() => {
        this.#count = 0
      })
    }
    this.#count++
    return this.#count >= this.#limit
  }
}
