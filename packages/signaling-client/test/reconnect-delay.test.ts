import { describe, expect, it } from 'vitest'
import { reconnectDelayMs } from '../src/reconnect-delay.ts'

describe('reconnectDelayMs', () => {
  it('doubles from one second to a minute', () => {
    expect([1, 2, 3, 7, 8, 2000].map((failures) => reconnectDelayMs(failures, 1))).toEqual([
      1000, 2000, 4000, 60_000, 60_000, 60_000,
    ])
  })

  it('leaves half of it to chance', () => {
    expect([reconnectDelayMs(3, 0), reconnectDelayMs(3, 0.5)]).toEqual([2000, 3000])
  })
})
