import { type AbortOptions, type Clock, DittoError } from '@dittofs/interface'

/**
 * Runs `action` with a signal that is aborted when `timeoutMs` have passed or the caller gives up.
 *
 * @throws DittoError DITTO_LINK_TIMEOUT with `sentence` when the time is over; else what `action` or the signal says
 */
export async function withDeadline<T>(
  init: { clock: Clock; timeoutMs: number; sentence: string } & AbortOptions,
  action: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  init.signal?.throwIfAborted()
  const timer = new AbortController()
  const deadline = new AbortController()
  const onAbort = () => deadline.abort(init.signal?.reason)
  init.signal?.addEventListener('abort', onAbort, { once: true })
  const expired = init.clock.sleep(init.timeoutMs, { signal: timer.signal }).then(
    () => deadline.abort(new DittoError('DITTO_LINK_TIMEOUT', init.sentence)),
    () => undefined,
  )
  try {
    return await action(deadline.signal)
  } finally {
    init.signal?.removeEventListener('abort', onAbort)
    timer.abort()
    await expired
  }
}
