import { type MetadataStore, systemClock } from '@dittofs/interface'
import { describe, expect, it } from 'vitest'
import type { HeldChunks } from '../src/content/held-chunks.ts'
import type { OpenSpace } from '../src/spaces/open-space.ts'
import { MissingCounter } from '../src/status/missing-counter.ts'

function counted() {
  const state = { missing: 3, walks: 0, isArriving: false, nowMs: 0, onWalk: () => {} }
  const metadata = {
    async *walk() {
      state.walks++
      state.nowMs += 10
      state.onWalk()
      yield [{ file: {} }]
    },
  } as unknown as MetadataStore
  const held = {
    missingOf: async () => [{ chunks: state.missing, bytes: state.missing * 10 }],
  } as unknown as HeldChunks
  const clock = { ...systemClock, monotonic: () => state.nowMs }
  const counter = new MissingCounter(
    { metadata } as OpenSpace,
    held,
    clock,
    () => state.isArriving,
    () => ({
      of: () => undefined,
    }),
  )
  return { state, counter }
}

describe('MissingCounter', () => {
  it('walks once, however often it is asked', async () => {
    const { state, counter } = counted()
    expect(await Promise.all([counter.count(), counter.count()])).toEqual([
      { chunks: 3, bytes: 30 },
      { chunks: 3, bytes: 30 },
    ])
    await counter.count()
    expect(state.walks).toBe(1)
  })

  it('counts anew after a change, also one that came while it counted', async () => {
    const { state, counter } = counted()
    state.onWalk = () => {
      if (state.walks > 1) return
      state.missing = 1
      counter.invalidate()
    }
    expect((await counter.count()).chunks).toBe(1)
    expect(state.walks).toBe(2)
  })

  it('takes little of the time while content arrives', async () => {
    const { state, counter } = counted()
    await counter.count()
    state.isArriving = true
    counter.invalidate()
    await counter.count()
    expect(state.walks).toBe(1)
    state.nowMs += 20 * 10
    await counter.count()
    expect(state.walks).toBe(2)
  })

  it('takes no walk for own additions where nothing is missing', async () => {
    const { state, counter } = counted()
    state.missing = 0
    await counter.count()
    counter.invalidateByOwnChange()
    await counter.count()
    expect(state.walks).toBe(1)
  })
})
