import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hashName, orderNames } from '../src/name-cookies.ts'

/** So few hashes that most names share one. */
const weakHash = (name: string) => hashName(name) % 5n

describe('the cookies of names', () => {
  test('are the same in every run', () => {
    expect(orderNames(['a', 'b'], new Map())).toEqual([
      { name: 'b', cookie: 0x3e23e8160039594an },
      { name: 'a', cookie: 0x4a978112ca1bbdcan },
    ])
  })

  test('are apart, ascending, from 1 to 2^63-1, and do not depend on the order of the names', () => {
    const names = fc.uniqueArray(fc.string(), { maxLength: 30 })
    fc.assert(
      fc.property(names, fc.constantFrom(hashName, weakHash), (some, hash) => {
        const ordered = orderNames(some, new Map(), hash)
        expect(ordered.map(({ name }) => name).sort()).toEqual([...some].sort())
        for (const [index, { cookie }] of ordered.entries()) {
          expect(cookie > (ordered[index - 1]?.cookie ?? 0n) && cookie < 2n ** 63n).toBe(true)
        }
        expect(orderNames([...some].reverse(), new Map(), hash)).toEqual(ordered)
      }),
    )
  })

  test('stay while a name stays, whatever others with its hash do', () => {
    const names = fc.uniqueArray(fc.nat(12).map(String), { maxLength: 8 })
    fc.assert(
      fc.property(fc.array(names, { minLength: 2, maxLength: 6 }), (steps) => {
        let before: ReadonlyMap<string, bigint> = new Map()
        for (const step of steps) {
          const now = new Map(orderNames(step, before, weakHash).map(({ name, cookie }) => [name, cookie]))
          for (const name of step) if (before.has(name)) expect(now.get(name)).toBe(before.get(name))
          before = now
        }
      }),
    )
  })
})
