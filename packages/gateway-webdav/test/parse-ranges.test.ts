import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseRanges } from '../src/parse-ranges.ts'

describe('a Range header', () => {
  it.each([
    ['bytes=0-0', [{ start: 0, end: 0 }]],
    ['bytes=90-', [{ start: 90, end: 99 }]],
    ['bytes=-10', [{ start: 90, end: 99 }]],
    ['bytes=-1000', [{ start: 0, end: 99 }]],
    ['bytes=95-1000', [{ start: 95, end: 99 }]],
    [
      'bytes=50-59, 0-9',
      [
        { start: 50, end: 59 },
        { start: 0, end: 9 },
      ],
    ],
    ['bytes=0-9,200-', [{ start: 0, end: 9 }]],
  ])('asks for %s of 100 bytes', (header, ranges) => {
    expect(parseRanges(header, 100)).toEqual(ranges)
  })

  it.each(['bytes=100-', 'bytes=-0', 'bytes=200-300,400-'])('cannot be met with %s', (header) => {
    expect(parseRanges(header, 100)).toEqual([])
  })

  it.each([
    '',
    'lines=0-1',
    'bytes=',
    'bytes=a-b',
    'bytes=9-0',
    'bytes=-',
    'bytes=0-9,',
    'bytes=0-99,0-99',
    `bytes=${'0-0,'.repeat(40)}0-0`,
  ])('is passed over as %j', (header) => {
    expect(parseRanges(header, 100)).toBeUndefined()
  })

  it('never names a byte that is not there', () => {
    const range = fc.tuple(fc.option(fc.nat(200)), fc.option(fc.nat(200))).map(([a, b]) => `${a ?? ''}-${b ?? ''}`)
    fc.assert(
      fc.property(fc.array(range, { maxLength: 5 }), fc.nat(150), (all, size) => {
        for (const { start, end } of parseRanges(`bytes=${all.join(',')}`, size) ?? []) {
          expect(start).toBeGreaterThanOrEqual(0)
          expect(end).toBeGreaterThanOrEqual(start)
          expect(end).toBeLessThan(size)
        }
      }),
    )
  })
})
