import { describe, expect, it } from 'vitest'
import { systemClock } from '../src/system-clock.ts'

describe('systemClock.sleep', () => {
  it('resolves after the time asked for: who sleeps longer wakes later', async () => {
    const woken: number[] = []
    await Promise.all([40, 10, 1].map((delayMs) => systemClock.sleep(delayMs).then(() => woken.push(delayMs))))
    expect(woken).toEqual([1, 10, 40])
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
