import { setTimeout } from 'node:timers/promises'
import type { Clock } from './common.ts'

/** The machine's own clocks. Sleeping keeps no process alive. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  async sleep(delayMs, options = {}) {
    try {
      await setTimeout(delayMs, undefined, { ref: false, ...options })
    } catch (error) {
      // Node rejects with an error of its own that only mentions the signal's reason.
      options.signal?.throwIfAborted()
      throw error
    }
  },
}
