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

  it.each<[seed: number, what: string, steps?: number]>([
    [29, 'content comes while it is asked whether it is there', 200],
    [43, 'a file comes to one of two directories that show as one, and the other holds that name', 200],
    [84, 'the last that lived in a deleted directory is moved out of it'],
    [167, 'a person says yes to a change that is not still yet', 200],
    [191, 'a move is refused, and the directory that it leads to is deleted', 200],
    [253, 'a move that was refused for long waits for another try when all has come to rest', 200],
    [344, 'content comes just while a device asks itself whether it is there', 200],
    [400, 'a directory takes the place that another, of the same name, was to move to', 200],
    [568, 'a deleted directory goes that two devices hold, and leaves its name to a file', 200],
    [587, 'a deleted directory goes with the last that lived in it, and leaves its name to a file', 200],
    [644, 'a directory is moved to where another is about to be made', 200],
    [1019, 'a deletion reaches what is below a directory that is shown as one with another'],
    [1523, 'attributes are changed here while newer content is on its way'],
    [1633, 'a file is made in a directory that is renamed before it was looked at'],
    [1757, 'a file is appended to in a directory that is renamed before it was looked at'],
    [1990, 'a name comes that stands here in another normal form'],
    [2020, 'a directory is deleted on two devices, one of which had not got a directory in it', 200],
    [2049, 'a directory is deleted on one device and moved away and back on another', 200],
    [2134, 'a directory that was put aside is shown no longer', 200],
    [2181, 'a file is to be moved and replaced, and its new name is still taken', 200],
    [2266, 'a directory is deleted on two devices, one of which had no room for a directory in it', 200],
    [2568, 'a directory is deleted on one device and moved on another, which had not got what was in it', 120],
    [2668, 'a file is made in a directory that is put aside and then renamed before it was looked at', 120],
    [3614, 'a directory is deleted on two devices, one of which had not all that was in it'],
  ])('agree in seed %i, where %s', async (seed, _what, steps) => {
    expect((await simulate({ seed, ...(steps === undefined ? {} : { steps }) })).faults).toEqual([])
  })

  it('live the same life for the same seed', async () => {
    const [first, second] = [await simulate({ seed: 5 }), await simulate({ seed: 5 })]
    expect(second).toEqual(first)
  })
})
