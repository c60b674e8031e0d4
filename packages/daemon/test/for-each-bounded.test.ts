import { describe, expect, it } from 'vitest'
import { forEachBounded } from '../src/for-each-bounded.ts'

describe('forEachBounded', () => {
  it('works at most so many items at a time, and all of them', async () => {
    let running = 0
    let most = 0
    const done: number[] = []
    await forEachBounded(
      Array.from({ length: 50 }, (_, i) => i),
      4,
      async (item) => {
        most = Math.max(most, ++running)
        await new Promise(setImmediate)
        running--
        done.push(item)
      },
    )
    expect(most).toBe(4)
    expect(done).toHaveLength(50)
  })

  it('takes nothing more after a failure, waits for what runs and rejects with the first', async () => {
    let isFinished = false
    const taken: number[] = []
    let fail = () => {}
    const failed = new Promise<void>((resolve) => {
      fail = resolve
    })
    const work = async (item: number) => {
      taken.push(item)
      if (item === 1) {
        // After the failure has been seen: a turn of the event loop later.
        setImmediate(fail)
        throw new Error('first')
      }
      await failed
      isFinished = true
    }
    await expect(forEachBounded([0, 1, 2, 3, 4, 5, 6, 7], 2, work)).rejects.toThrow('first')
    expect(isFinished).toBe(true)
    expect(taken.length).toBeLessThan(8)
  })

  it('stops at an abort and closes its source', async () => {
    const controller = new AbortController()
    let isClosed = false
    async function* endless() {
      try {
        for (let i = 0; ; i++) yield i
      } finally {
        isClosed = true
      }
    }
    const work = async (item: number) => {
      if (item === 5) controller.abort()
    }
    await expect(forEachBounded(endless(), 2, work, { signal: controller.signal })).rejects.toMatchObject({
      name: 'AbortError',
    })
    expect(isClosed).toBe(true)
  })
})
