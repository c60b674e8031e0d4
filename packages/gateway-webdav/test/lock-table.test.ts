import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MAX_LOCKS, MAX_LOCKS_PER_CLIENT } from '../src/limits.ts'
import { type LockRequest, LockTable } from '../src/lock-table.ts'

function request(names: readonly string[], given: Partial<LockRequest> = {}): LockRequest {
  return {
    path: { exportName: 's', names },
    isDirectory: false,
    isExclusive: true,
    isDeep: false,
    owner: '',
    principal: '',
    client: 'one',
    seconds: 100,
    ...given,
  }
}

function table() {
  let nowMs = 0
  return { locks: new LockTable({ monotonic: () => nowMs }), pass: (ms: number) => (nowMs += ms) }
}

describe('a table of locks', () => {
  it('gives no client more than its share, and no more than it holds', () => {
    const { locks, pass } = table()
    const full = expect.objectContaining({ status: 507 }) as Error
    for (let index = 0; index < MAX_LOCKS_PER_CLIENT; index += 1) locks.grant(request([`${index}`]))
    expect(() => locks.grant(request(['x']))).toThrow(full)
    for (let index = MAX_LOCKS_PER_CLIENT; index < MAX_LOCKS; index += 1) {
      locks.grant(request([`${index}`], { client: `${index}` }))
    }
    expect(() => locks.grant(request(['x'], { client: 'new' }))).toThrow(full)
    pass(100_000)
    expect(locks.grant(request(['x'])).token).toMatch(/^opaquelocktoken:/)
    expect(locks.size).toBe(1)
  })

  it('takes a name for nothing that only begins like a locked one', () => {
    const { locks } = table()
    locks.grant(request(['a'], { isDeep: true }))
    expect(locks.covering({ exportName: 's', names: ['ab'] })).toEqual([])
    expect(locks.below({ exportName: 's', names: [] })).toHaveLength(1)
    expect(locks.below({ exportName: 's', names: ['a'] })).toEqual([])
  })

  it('never gives two locks of which one shuts the other out', () => {
    const names = fc.array(fc.constantFrom('a', 'b'), { maxLength: 3 })
    const step = fc.record({ names, isDeep: fc.boolean(), isExclusive: fc.boolean() })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const { locks } = table()
        for (const { names: at, ...rest } of steps) {
          const wanted = request(at, rest)
          if (locks.conflicts(wanted).length === 0) locks.grant(wanted)
        }
        const everywhere = fc.sample(names, { numRuns: 20, seed: 1 })
        for (const at of everywhere) {
          const covering = locks.covering({ exportName: 's', names: at })
          if (covering.length > 1) expect(covering.some((one) => one.isExclusive)).toBe(false)
        }
      }),
    )
  })
})
