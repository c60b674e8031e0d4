import { ManualClock } from '@dittofs/testing'
import { describe, expect, it } from 'vitest'
import { watchForWake } from '../../src/network/wake-watch.ts'

/** A clock whose wall time can be moved alone, as it moves while a machine sleeps. */
class SleepyClock extends ManualClock {
  sleptMs = 0

  override now(): number {
    return super.now() + this.sleptMs
  }
}

async function watched() {
  const clock = new SleepyClock()
  const seen = { looks: 0, wakes: 0 }
  const stop = new AbortController()
  const init = { clock, onLook: () => void seen.looks++, onWake: () => void seen.wakes++ }
  const running = watchForWake(init, stop.signal)
  return { clock, seen, stop, running }
}

describe('watchForWake', () => {
  it('tells within a second that the machine slept, by the wall clock alone', async () => {
    const { clock, seen, stop, running } = await watched()
    await clock.advance(60_000)
    expect(seen).toEqual({ looks: 60, wakes: 0 })
    clock.sleptMs += 3_600_000
    await clock.advance(1_000)
    expect(seen).toEqual({ looks: 61, wakes: 1 })
    await clock.advance(60_000)
    expect(seen.wakes).toBe(1)
    stop.abort()
    await running
  })

  it('takes neither a late timer nor a clock that is set back for sleep', async () => {
    const { clock, seen, stop, running } = await watched()
    clock.sleptMs += 5_000
    await clock.advance(2_000)
    clock.sleptMs -= 3_600_000
    await clock.advance(10_000)
    expect(seen.wakes).toBe(0)
    stop.abort()
    await running
  })
})
