import { ManualClock } from '@dittofs/testing'
import { describe, expect, it } from 'vitest'
import { isReserve, roomOn } from '../src/limits/disk-reserve.ts'
import { RoomWatch } from '../src/limits/room-watch.ts'

const GIB = 1024 ** 3

describe('the room on a disk', () => {
  it('is what is free beyond 1 GiB, or beyond 5 % of a large disk', () => {
    expect(roomOn({ freeBytes: 3 * GIB, totalBytes: 10 * GIB }, '')).toBe(2 * GIB)
    expect(roomOn({ freeBytes: 12 * GIB, totalBytes: 200 * GIB }, '')).toBe(2 * GIB)
    expect(roomOn({ freeBytes: GIB / 2, totalBytes: 10 * GIB }, '')).toBe(-GIB / 2)
  })

  it('is what is free beyond what the settings say', () => {
    expect(roomOn({ freeBytes: 3 * GIB, totalBytes: 200 * GIB }, '2 GiB')).toBe(GIB)
    expect(roomOn({ freeBytes: 0, totalBytes: GIB }, '0')).toBe(Number.POSITIVE_INFINITY)
    expect(['', '0', '500 MiB', '1.5GB'].filter(isReserve)).toHaveLength(4)
    expect(['1', '-1 MiB', '5 %', 'much', '2 MiB/s'].filter(isReserve)).toEqual([])
  })

  it('shrinks by what is asked for, and is looked at again', async () => {
    const clock = new ManualClock()
    let freeBytes = 3 * GIB
    let underWay = 0
    const seen: number[] = []
    const watch: RoomWatch = new RoomWatch({
      look: async () => ({ freeBytes, totalBytes: 10 * GIB }),
      reserve: '1 GiB',
      clock,
      underWayBytes: () => underWay,
      onLook: () => seen.push(watch.bytes()),
    })
    await watch.start()
    watch.take(GIB)
    expect(watch.bytes()).toBe(GIB)
    freeBytes = 2 * GIB
    underWay = 1000
    await clock.advance(2000)
    await watch.close()
    expect(seen).toEqual([2 * GIB, GIB - 1000])
  })
})
