import { describe, expect, it } from 'vitest'
import { gapBlocks, isTsnOld, nextTsn, tsnDistance } from '../src/tsn.ts'

const LAST = 2 ** 32 - 1

describe('transmission sequence numbers', () => {
  it('begin again after the last of 32 bits', () => {
    expect(nextTsn(LAST)).toBe(0)
    expect(tsnDistance(LAST, 2)).toBe(3)
  })

  it('are old up to the reference, also across the step', () => {
    expect([7, 8, 9].map((tsn) => isTsnOld(8, tsn))).toEqual([true, true, false])
    expect([LAST - 1, LAST, 0, 1].map((tsn) => isTsnOld(0, tsn))).toEqual([true, true, true, false])
  })

  it.each([
    { name: 'where one number more has a digit more', start: 98, arrived: [100, 101, 103], blocks: '2-3 5-5' },
    { name: 'across the step', start: LAST - 1, arrived: [1, 0, 4], blocks: '2-3 6-6' },
    { name: 'without any', start: 7, arrived: [], blocks: '' },
  ])('make blocks of what came out of order, $name', ({ start, arrived, blocks }) => {
    const made = gapBlocks(start, arrived).map(([first, last]) => `${first}-${last}`)
    expect(made.join(' ')).toBe(blocks)
  })
})
