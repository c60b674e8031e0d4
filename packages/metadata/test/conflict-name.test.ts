import { MAX_NAME_BYTES, nameFault } from '@dittofs/interface'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { conflictName } from '../src/conflict-name.ts'
import { anyName } from './arbitraries.ts'

const NOVEMBER = 1_700_000_000_000_000_000n

describe('the name of a conflict copy', () => {
  it.each([
    ['plan.txt', 'plan (conflict from ABCDEFG, 2023-11-14 221320).txt'],
    ['archive.tar.gz', 'archive.tar (conflict from ABCDEFG, 2023-11-14 221320).gz'],
    ['Makefile', 'Makefile (conflict from ABCDEFG, 2023-11-14 221320)'],
    ['.profile', '.profile (conflict from ABCDEFG, 2023-11-14 221320)'],
  ])('of %s is %s', (name, expected) => {
    expect(conflictName({ name, device: 'ABCDEFG', mtimeNs: NOVEMBER, isTaken: () => false })).toBe(expected)
  })

  it('is numbered when it is taken', () => {
    const taken = ['a (conflict from X, 2023-11-14 221320)', 'a (conflict from X, 2023-11-14 221320 2)']
    const isTaken = (name: string) => taken.includes(name)
    expect(conflictName({ name: 'a', device: 'X', mtimeNs: NOVEMBER, isTaken })).toBe(
      'a (conflict from X, 2023-11-14 221320 3)',
    )
  })

  it('is a name that may stand in a space, whatever the name and time', () => {
    const longName = fc.array(anyName, { minLength: 1, maxLength: 8 }).map((parts) => parts.join(''))
    const fitting = longName.filter((name) => nameFault(name) === undefined)
    fc.assert(
      fc.property(fitting, fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (name, mtimeNs) => {
        const shown = conflictName({ name, device: 'ABCDEFG', mtimeNs, isTaken: () => false })
        expect(nameFault(shown)).toBeUndefined()
        expect(Buffer.byteLength(shown)).toBeLessThanOrEqual(MAX_NAME_BYTES)
      }),
    )
  })
})
