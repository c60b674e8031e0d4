import { describe, expect, it } from 'vitest'
import { systemClock } from '../src/system-clock.ts'

describe('systemClock.sleep', () => {
  it('resolves after the time asked for', async () => {
    const start = systemClock.monotonic()
    await systemClock.sleep(5)
    // A timer may fire up to a millisecond early by the finer clock.
    expect(systemClock.monotonic() - start).toBeGreaterThanOrEqual(4)
  })

  it.each(['before', 'during'])('rejects with the reason of a signal that is aborted %s it', async (when) => {
    const controller = new AbortController()
    const reason = new Error('enough')
    if (when === 'before') controller.abort(reason)
    const sleeping = systemClock.sleep(60_000, { signal: controller.signal })
    controller.abort(reason)
    await expect(sleeping).rejects.toBe(reason)
  })
})
