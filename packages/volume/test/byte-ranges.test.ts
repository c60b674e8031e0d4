import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ByteRanges } from '../src/byte-ranges.ts'

const SIZE = 60

test('ranges are what a list of bytes would be, whatever is added and cut off', () => {
  const step = fc.oneof(
    fc.tuple(fc.constant('add' as const), fc.nat(SIZE), fc.nat(20)),
    fc.tuple(fc.constant('cut' as const), fc.nat(SIZE), fc.constant(0)),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), fc.nat(SIZE), fc.nat(SIZE), (steps, a, b) => {
      const ranges = new ByteRanges()
      const model = new Set<number>()
      for (const [kind, at, length] of steps) {
        if (kind === 'add') {
          ranges.add(at, at + length)
          for (let byte = at; byte < at + length; byte++) model.add(byte)
        } else {
          ranges.cut(at)
          for (const byte of [...model]) if (byte >= at) model.delete(byte)
        }
      }
      expect(ranges.bytes).toBe(model.size)
      expect(ranges.isEmpty).toBe(model.size === 0)
      const [start, end] = [Math.min(a, b), Math.max(a, b)]
      const inside = Array.from({ length: end - start }, (_, index) => start + index)
      const bytesOf = (parts: readonly { start: number; end: number }[]) =>
        parts.flatMap((part) => Array.from({ length: part.end - part.start }, (_, index) => part.start + index))
      expect(bytesOf(ranges.within(start, end))).toEqual(inside.filter((byte) => model.has(byte)))
      expect(bytesOf(ranges.gaps(start, end))).toEqual(inside.filter((byte) => !model.has(byte)))
      const all = ranges.within(0, 2 * SIZE)
      for (const [index, { start: from }] of all.entries()) expect(from).toBeGreaterThan(all[index - 1]?.end ?? -1)
    }),
  )
})
