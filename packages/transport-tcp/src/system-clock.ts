import { setTimeout as delay } from 'node:timers/promises'
import type { Clock } from '@dittofs/interface'

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  async sleep(delayMs, options = {}) {
    try {
      await delay(delayMs, undefined, options)
    } catch (error) {
      throw options.signal?.aborted ? options.signal.reason : error
    }
  },
}
