import { describe, expect, it } from 'vitest'
import { TokenBucket } from '../src/token-bucket.ts'

describe('TokenBucket', () => {
  it('lets a burst through, then a steady rate', () => {
    let nowMs = 0
    const bucket = new TokenBucket(2, 3, nowMs)
    const takeAll = () => [1, 2, 3, 4, 5].filter(() => bucket.take(1, nowMs)).length
    expect(takeAll()).toBe(3)
    nowMs += 1_000
    expect(takeAll()).toBe(2)
    nowMs += 3_600_000
    expect(takeAll()).toBe(3)
  })

  it('takes nothing where it has too little', () => {
    const bucket = new TokenBucket(1, 3, 0)
    expect([bucket.take(4, 0), bucket.take(3, 0), bucket.take(1, 0)]).toEqual([false, true, false])
    expect([bucket.isFull(0), bucket.isFull(3000)]).toEqual([false, true])
  })
})
