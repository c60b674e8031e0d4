import type { AbortOptions, Clock } from '@dittofs/interface'

export interface FirstChangeInit extends AbortOptions {
  clock: Pick<Clock, 'sleep'>
  /** No limit where absent. */
  timeoutMs?: number
  /** What to throw when the time is over. */
  late?: () => Error
}

/**
 * Looks now, and at every change, until there is something to be seen.
 *
 * @param follow - calls its argument at every change, until what it returned is called
 * @throws what `late` makes; the signal's reason
 */
export async function firstChange<T>(
  { clock, timeoutMs, late, signal }: FirstChangeInit,
  follow: (ask: () => void) => () => void,
  look: () => T | undefined,
): Promise<T> {
  signal?.throwIfAborted()
  const over = new AbortController()
  const either = signal === undefined ? over.signal : AbortSignal.any([signal, over.signal])
  const timer =
    timeoutMs === undefined
      ? Promise.resolve()
      : clock.sleep(timeoutMs, { signal: either }).then(
          () => over.abort(late?.()),
          () => undefined,
        )
  let stop: () => void = () => undefined
  try {
    return await new Promise<T>((resolve, reject) => {
      const ask = () => {
        const found = look()
        if (found !== undefined) resolve(found)
      }
      either.addEventListener('abort', () => reject(either.reason as Error), { once: true })
      stop = follow(ask)
      ask()
    })
  } finally {
    stop()
    over.abort()
    await timer
  }
}
