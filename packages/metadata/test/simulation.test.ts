import { describe, expect, it } from 'vitest'
import { simulate } from './simulation/simulation.ts'

const seeds = Number(process.env.DITTOFS_SIMULATION_SEEDS ?? 3)
const firstSeed = Number(process.env.DITTOFS_SIMULATION_FROM ?? 1)
/** On a busy machine. */
const MAX_MS_PER_SEED = 2000

describe('devices that live apart and meet again', () => {
  it(
    `lose nothing, bring nothing back and agree (seeds ${firstSeed} to ${firstSeed + seeds - 1})`,
    async () => {
      const bad: { seed: number; actsOnNodes: boolean; faults: readonly string[] }[] = []
      for (let seed = firstSeed; seed < firstSeed + seeds; seed += 1) {
        for (const actsOnNodes of [false, true]) {
          const { faults } = await simulate({ seed, actsOnNodes })
          if (faults.length > 0) bad.push({ seed, actsOnNodes, faults })
        }
      }
      expect(bad).toEqual([])
    },
    MAX_MS_PER_SEED * Math.max(20, seeds),
  )

  it.each([
    [34, 'a dead directory goes and leaves its name to a file'],
    [117, 'a directory of a cycle is moved, and another would return to where it gave way'],
    [1484, 'a conflict copy beside the one written would change its name'],
    [1613, 'a conflict copy is taken that another one is equal to, and both show as one'],
    [1660, 'a whole cycle of moves arrives in one update'],
  ])('agree in seed %i, where %s', async (seed) => {
    expect((await simulate({ seed })).faults).toEqual([])
  })

  it.each([
    [119, 'a directory to be kept shows files that stand in a dead one of its name'],
    [499, 'two dead directories show as one, and a conflict copy in one of them is to move along'],
  ])('agree in seed %i with actions on nodes, where %s', async (seed) => {
    expect((await simulate({ seed, actsOnNodes: true })).faults).toEqual([])
  })

  it('live the same life for the same seed', async () => {
    const [first, second] = [await simulate({ seed: 5 }), await simulate({ seed: 5 })]
    expect(second).toEqual(first)
  })
})
