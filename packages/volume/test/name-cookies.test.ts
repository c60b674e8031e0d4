import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type HashName, hashName, type NameOrder, NO_NAMES, orderNames, reorderNames } from '../src/name-cookies.ts'

/** So few hashes that most names share one. */
const weakHash = (name: string) => hashName(name) % 5n

function run<T>(steps: Generator<void, T>): T {
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
  }
}

const order = (names: readonly string[], before: NameOrder = NO_NAMES, hash: HashName = hashName) =>
  run(orderNames(names, before, hash))

const cookiesOf = ({ names }: NameOrder) => new Map(names.map(({ name, cookie }) => [name, cookie]))

describe('the cookies of names', () => {
  test('are the same in every run', () => {
    expect(order(['a', 'b']).names).toEqual([
      { name: 'b', cookie: 0x3e23e8160039594an },
      { name: 'a', cookie: 0x4a978112ca1bbdcan },
    ])
  })

  test('are apart, ascending, from 1 to 2^63-1, and do not depend on the order of the names, nor how often they are told', () => {
    const names = fc.uniqueArray(fc.string(), { maxLength: 30 })
    fc.assert(
      fc.property(names, fc.constantFrom(hashName, weakHash), (some, hash) => {
        const ordered = order(some, NO_NAMES, hash)
        expect(ordered.names.map(({ name }) => name).sort()).toEqual([...some].sort())
        for (const [index, { cookie }] of ordered.names.entries()) {
          expect(cookie > (ordered.names[index - 1]?.cookie ?? 0n) && cookie < 2n ** 63n).toBe(true)
        }
        expect(order([...some].reverse(), NO_NAMES, hash)).toEqual(ordered)
        expect(order([...some, ...some], NO_NAMES, hash)).toEqual(ordered)
      }),
    )
  })

  test('stay while a name stays, whatever others with its hash do', () => {
    const names = fc.uniqueArray(fc.nat(12).map(String), { maxLength: 8 })
    fc.assert(
      fc.property(fc.array(names, { minLength: 2, maxLength: 6 }), (steps) => {
        let before = NO_NAMES
        for (const step of steps) {
          const now = order(step, before, weakHash)
          const [then, cookies] = [cookiesOf(before), cookiesOf(now)]
          for (const name of step) if (then.has(name)) expect(cookies.get(name)).toBe(then.get(name))
          before = now
        }
      }),
    )
  })

  test('are as if all had been ordered anew after some names came and went, unless two meet', () => {
    const names = fc.uniqueArray(fc.nat(40).map(String), { maxLength: 20 })
    const changes = fc.dictionary(fc.nat(40).map(String), fc.boolean())
    fc.assert(
      fc.property(names, changes, fc.constantFrom(hashName, weakHash), (some, changed, hash) => {
        const before = order(some, NO_NAMES, hash)
        const after = run(reorderNames(before, new Map(Object.entries(changed)), hash))
        const left = new Set(some)
        for (const [name, isThere] of Object.entries(changed)) left[isThere ? 'add' : 'delete'](name)
        if (hash === hashName) expect(after).toEqual(order([...left], before, hash))
        else if (after !== undefined) expect(after.names).toEqual(order([...left], before, hash).names)
      }),
    )
  })

  test('are found in steps, however many names there are', () => {
    const steps = orderNames(
      Array.from({ length: 20_000 }, (_, at) => `name ${at}`),
      NO_NAMES,
    )
    let longestMs = 0
    for (let isDone: boolean | undefined = false; !isDone; ) {
      const startedMs = performance.now()
      isDone = steps.next().done
      longestMs = Math.max(longestMs, performance.now() - startedMs)
    }
    // A step takes half a millisecond; what else the machine does comes on top.
    expect(longestMs).toBeLessThan(100)
  })
})
