import { type Clock, systemClock } from '@dittofs/interface'

/** The machine's clock, `factor` times as fast. */
export function fastClock(factor: number): Clock {
  return {
    now: () => Date.now(),
    monotonic: () => performance.now() * factor,
    sleep: (delayMs, options) => systemClock.sleep(delayMs / factor, options),
  }
}
