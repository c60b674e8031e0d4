import { setTimeout } from 'node:timers/promises'
import type { Clock } from '@dittofs/interface'

/** The machine's clocks. Sleeping does not keep the process alive. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  async sleep(delayMs, options = {}) {
    options.signal?.throwIfAborted()
    try {
      await setTimeout(delayMs, undefined, { ref: false, ...(options.signal ? { signal: options.signal } : {}) })
    } catch (error) {
      throw options.signal?.reason ?? error
    }
  },
}
