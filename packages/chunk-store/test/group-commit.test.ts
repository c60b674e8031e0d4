import type { Durability } from '@dittofs/interface'
import { ManualClock, settle } from '@dittofs/testing'
import { describe, expect, it } from 'vitest'
import { GroupCommit } from '../src/group-commit.ts'

/** Barriers that end when the test says so, and callers that have written something. */
function withBarriers() {
  const clock = new ManualClock()
  const barriers: (() => void)[] = []
  const group = new GroupCommit({
    clock,
    commit: () => new Promise((resolve) => barriers.push(resolve)),
    unsyncedBytes: () => 0,
    pendingEntries: () => 0,
  })
  const write = (durability: Durability) => {
    const operation = group.begin()
    operation.isDirty = true
    return group.finish(operation, durability)
  }
  const end = async () => {
    barriers.shift()?.()
    await settle()
  }
  return { clock, barriers, write, end, group }
}

describe('a barrier', () => {
  it('begins in the next turn for a caller that is alone and asks for full durability', async () => {
    const { clock, barriers, write, end } = withBarriers()
    for (let call = 0; call < 3; call += 1) {
      const written = write('full')
      await settle()
      expect(barriers).toHaveLength(1)
      expect(clock.isAwaited).toBe(false)
      await end()
      await written
    }
  })

  it('serves all who come in the same turn, or while others of them come', async () => {
    const { barriers, write, end } = withBarriers()
    const first = write('full')
    const second = write('full')
    const third = settle(1).then(() => write('full'))
    await settle()
    expect(barriers).toHaveLength(1)
    await end()
    await Promise.all([first, second, third])
    expect(barriers).toHaveLength(0)
  })

  it('waits for who is writing, but not for long', async () => {
    const { clock, barriers, write, end, group } = withBarriers()
    const busy = group.begin()
    const written = write('full')
    await clock.advance(1)
    expect(barriers).toHaveLength(0)
    group.abandon(busy)
    await settle()
    expect(barriers).toHaveLength(1)
    await end()
    await written

    const slow = group.begin()
    const again = write('full')
    await clock.advance(2)
    expect(barriers).toHaveLength(1)
    await end()
    await again
    group.abandon(slow)
  })

  it('is hurried for a caller with less patience than those that wait already', async () => {
    const { clock, barriers, write, end, group } = withBarriers()
    const busy = group.begin()
    const patient = write('group')
    await clock.advance(50)
    expect(barriers).toHaveLength(0)
    const urgent = write('full')
    await clock.advance(2)
    expect(barriers).toHaveLength(1)
    await end()
    await Promise.all([patient, urgent])
    group.abandon(busy)
    expect(clock.isAwaited).toBe(false)
  })

  it('begins at once when all who write wait for one, and nobody asks for more', async () => {
    const { barriers, write, end } = withBarriers()
    const written = write('group')
    expect(barriers).toHaveLength(1)
    await end()
    await written
  })
})
