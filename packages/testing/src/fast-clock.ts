import { type Clock, systemClock } from '@dittofs/interface'

/** The machine's clock, `factor` times as fast: for what takes seconds by design while real work goes on. */
export function fastClock(factor: number): Clock {
  const startMs = Date.now()
  const start = performance.now()
  const monotonic = () => (performance.now() - start) * factor
  return {
    now: () => startMs + Math.floor(monotonic()),
    monotonic,
    sleep: (delayMs, options) => systemClock.sleep(delayMs / factor, options),
  }
}
