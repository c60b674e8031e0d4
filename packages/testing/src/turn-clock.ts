import { setTimeout } from 'node:timers/promises'
import type { Clock } from '@dittofs/interface'
import { onTestFinished } from 'vitest'
import { ManualClock } from './manual-clock.ts'

/**
 * A clock that goes on by `stepMs` with each turn of the event loop, until the running test has finished: for what takes
 * seconds by design while real work goes on. With nothing to do a turn takes a millisecond. On a busy machine the work
 * takes longer and so does a turn: nobody's patience ends sooner than it would on an idle one.
 */
export function turnClock(stepMs: number): Clock {
  const clock = new ManualClock()
  let isOver = false
  const turn = async () => {
    while (!isOver) {
      await setTimeout(1)
      clock.pass(stepMs)
    }
  }
  const turning = turn()
  onTestFinished(() => {
    isOver = true
    return turning
  })
  return clock
}
