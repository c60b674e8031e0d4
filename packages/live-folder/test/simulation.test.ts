import { describe, expect, it } from 'vitest'
import { simulate } from './simulation/simulation.ts'

const isAll = process.env.DITTOFS_TEST_ALL === '1'
const seeds = Number(process.env.DITTOFS_SIMULATION_SEEDS ?? (isAll ? 200 : 50))
const firstSeed = Number(process.env.DITTOFS_SIMULATION_FROM ?? 1)
/** On a busy machine. */
const MAX_MS_PER_SEED = 3000

describe('devices with live folders that live apart and meet again', () => {
  it(
    `end with equal folders, lose nothing and bring nothing back (seeds ${firstSeed} to ${firstSeed + seeds - 1})`,
    async () => {
      const bad: { seed: number; faults: readonly string[] }[] = []
      for (let seed = firstSeed; seed < firstSeed + seeds; seed += 1) {
        const { faults } = await simulate({ seed })
        if (faults.length > 0) bad.push({ seed, faults })
      }
      expect(bad).toEqual([])
    },
    MAX_MS_PER_SEED * Math.max(20, seeds),
  )

  it('live the same life for the same seed', async () => {
    const [first, second] = [await simulate({ seed: 5 }), await simulate({ seed: 5 })]
    expect(second).toEqual(first)
  })
})
