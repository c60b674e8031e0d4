import { describe, expect, it } from 'vitest'
import { ManualClock } from '../src/manual-clock.ts'

describe('a manual clock', () => {
  it('stands still until it is moved, and wakes in order those who are due', async () => {
    const clock = new ManualClock({ startMs: 1_000 })
    const woken: string[] = []
    const sleeper = async (name: string, delayMs: number) => {
      await clock.sleep(delayMs)
      woken.push(`${name} at ${clock.monotonic()}`)
    }
    void sleeper('late', 300)
    void sleeper('early', 100).then(() => sleeper('again', 100))
    await clock.advance(99)
    expect([woken, clock.now(), clock.isAwaited]).toEqual([[], 1_099, true])
    await clock.advance(201)
    expect(woken).toEqual(['early at 100', 'again at 200', 'late at 300'])
    expect([clock.monotonic(), clock.isAwaited]).toEqual([300, false])
  })

  it('passes at once, and who is due sees only the time it has become', async () => {
    const clock = new ManualClock()
    const seen = clock.sleep(50).then(() => clock.monotonic())
    clock.pass(1_000)
    expect(await seen).toBe(1_000)
  })

  it('moves until something is so', async () => {
    const clock = new ManualClock()
    let isOver = false
    void clock.sleep(2_000).then(() => (isOver = true))
    await clock.until(() => isOver)
    expect(clock.monotonic()).toBe(2_000)
  })

  it.each(['before', 'during'])('lets go of a sleeper whose signal is aborted %s its sleep', async (when) => {
    const clock = new ManualClock()
    const controller = new AbortController()
    const reason = new Error('enough')
    if (when === 'before') controller.abort(reason)
    const sleeping = clock.sleep(10, { signal: controller.signal })
    controller.abort(reason)
    await expect(sleeping).rejects.toBe(reason)
    expect(clock.isAwaited).toBe(false)
  })
})
