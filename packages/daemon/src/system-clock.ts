import { setTimeout as delay } from 'node:timers/promises'
import type { Clock } from '@dittofs/interface'

/** The machine's own clock. Its timers keep no process alive. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: async (delayMs, options = {}) => {
    await delay(delayMs, undefined, { ref: false, ...options }).catch((error: unknown) => {
      options.signal?.throwIfAborted()
      throw error
    })
  },
}
