import type { Clock } from '@dittofs/interface'

/** The machine's clock, running several times as fast: for what takes seconds by design while real work goes on. */
export function fastClock(factor: number): Clock {
  const start = performance.now()
  const monotonic = () => (performance.now() - start) * factor
  return {
    now: monotonic,
    monotonic,
    sleep: (delayMs, { signal } = {}) =>
      new Promise((resolve, reject) => {
        signal?.throwIfAborted()
        const onAbort = () => {
          clearTimeout(timer)
          reject(signal?.reason)
        }
        const timer = setTimeout(() => {
          signal?.removeEventListener('abort', onAbort)
          resolve()
        }, delayMs / factor)
        signal?.addEventListener('abort', onAbort, { once: true })
      }),
  }
}
