import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sortedInSteps } from '../src/sorted-in-steps.ts'

function run(texts: readonly string[]): { readonly sorted: readonly string[]; readonly steps: number } {
  const work = sortedInSteps(texts)
  for (let steps = 0; ; steps += 1) {
    const step = work.next()
    if (step.done === true) return { sorted: step.value, steps }
  }
}

describe('texts sorted in steps', () => {
  it('come in code unit order, none lost, none twice', () => {
    const many = fc.array(fc.string({ unit: 'binary' }), { maxLength: 5000, size: 'max' })
    fc.assert(
      fc.property(many, (texts) => {
        expect(run(texts).sorted).toEqual([...texts].sort())
      }),
      { numRuns: 30 },
    )
  })

  it.each([0, 1, 999, 1000, 1001, 2000, 3001])('are all there where there are %i', (count) => {
    const texts = Array.from({ length: count }, (_, at) => String((at * 7919) % count))
    expect(run(texts).sorted).toEqual([...texts].sort())
  })

  it('take a step for each thousand, at each level of merging', () => {
    const texts = Array.from({ length: 8000 }, (_, at) => String(at))
    expect(run(texts).steps).toBe(8 + 3 * 8)
  })
})
