import { ManualClock } from '@dittofs/testing'
import { describe, expect, it } from 'vitest'
import { RateLimiter } from '../src/rate-limiter.ts'

const RATE = 100_000

describe('a rate limit', () => {
  it('lets as many bytes pass in a while as its rate says, whatever their pieces', async () => {
    for (const piece of [1000, 64_000, 300_000]) {
      const clock = new ManualClock()
      const limiter = new RateLimiter({ clock, bytesPerSecond: () => RATE })
      let passed = 0
      const over = new AbortController()
      const sending = (async () => {
        for (;;) {
          await limiter.pass(piece, { signal: over.signal })
          passed += piece
        }
      })().catch(() => undefined)
      await clock.advance(60_000)
      over.abort()
      await sending
      expect(passed / 60).toBeGreaterThan(RATE * 0.98)
      expect(passed / 60).toBeLessThan(RATE * 1.1)
    }
  })

  it('does not save up what was not used', async () => {
    const clock = new ManualClock()
    const limiter = new RateLimiter({ clock, bytesPerSecond: () => RATE })
    await clock.advance(3_600_000)
    limiter.spend(RATE)
    expect(limiter.hasRoom).toBe(false)
    await clock.advance(1000)
    expect(limiter.hasRoom).toBe(true)
  })

  it('tells once when there is room again', async () => {
    const clock = new ManualClock()
    let told = 0
    const limiter = new RateLimiter({ clock, bytesPerSecond: () => RATE, onRoom: () => told++ })
    limiter.spend(RATE)
    expect([limiter.hasRoom, limiter.hasRoom]).toEqual([false, false])
    await clock.advance(2000)
    expect(told).toBe(1)
  })

  it('follows a rate that changes, and none at all', async () => {
    const clock = new ManualClock()
    let rate: number | undefined = 1
    const limiter = new RateLimiter({ clock, bytesPerSecond: () => rate })
    limiter.spend(1_000_000)
    let isThrough = false
    const waiting = limiter.pass(1).then(() => {
      isThrough = true
    })
    await clock.advance(10_000)
    expect(isThrough).toBe(false)
    rate = undefined
    await clock.advance(10_000)
    await waiting
    expect(isThrough).toBe(true)
  })
})
