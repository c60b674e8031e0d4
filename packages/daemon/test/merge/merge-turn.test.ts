import type { DeviceKey } from '@dittofs/interface'
import { describe, expect, it } from 'vitest'
import { mergeDelayMs, PATIENCE_MS, QUIET_MS } from '../../src/merge/merge-turn.ts'

const [alice, bob, carol] = ['a', 'b', 'c'] as unknown as [DeviceKey, DeviceKey, DeviceKey]
const all = () => true

describe('mergeDelayMs', () => {
  it('lets the author with the lowest key go first, and the others after a while, authors or not', () => {
    const delays = [alice, bob, carol].map((self) => mergeDelayMs({ self, authors: [carol, bob], isWriter: all }))
    expect(delays).toEqual([PATIENCE_MS, QUIET_MS, PATIENCE_MS])
  })

  it('passes over authors that may not write any more, and never lets a reader merge', () => {
    const isWriter = (device: DeviceKey) => device !== alice
    expect(mergeDelayMs({ self: bob, authors: [alice, bob], isWriter })).toBe(QUIET_MS)
    expect(mergeDelayMs({ self: alice, authors: [alice, bob], isWriter })).toBeUndefined()
  })

  it('leaves it to all, after a while, where no author may write or none is known', () => {
    expect(mergeDelayMs({ self: carol, authors: [undefined, undefined], isWriter: all })).toBe(PATIENCE_MS)
  })
})
