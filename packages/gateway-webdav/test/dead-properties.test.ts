import type { VolumeHandle } from '@dittofs/interface'
import { describe, expect, it } from 'vitest'
import { type DeadProperty, memoryDeadProperties, storedDeadProperties } from '../src/index.ts'

const [alice, bob] = ['alice', 'bob'] as unknown as [VolumeHandle, VolumeHandle]
const property = (name: string, xml = `<${name}/>`): DeadProperty => ({ namespace: 'x:', name, xml })

describe('dead properties', () => {
  it('are copied, moved and deleted with the node they are of', async () => {
    const properties = memoryDeadProperties()
    await properties.update(alice, () => [property('a')])
    await properties.copy(alice, bob)
    expect(await properties.get(bob)).toEqual([property('a')])
    await properties.update(alice, (current) => [...current, property('b')])
    await properties.move(alice, bob)
    expect([await properties.get(alice), await properties.get(bob)]).toEqual([[], [property('a'), property('b')]])
    await properties.delete(bob)
    expect(await properties.get(bob)).toEqual([])
  })

  it('of one node are changed one change after the other', async () => {
    const properties = memoryDeadProperties()
    const names = Array.from({ length: 50 }, (_, index) => `p${index}`)
    await Promise.all(names.map((name) => properties.update(alice, (current) => [...current, property(name)])))
    expect((await properties.get(alice)).map(({ name }) => name)).toEqual(names)
  })

  it('stay as they were when there would be too many or too long ones', async () => {
    const properties = memoryDeadProperties()
    await properties.update(alice, () => [property('a')])
    const many = Array.from({ length: 129 }, (_, index) => property(`p${index}`))
    await expect(properties.update(alice, () => many)).rejects.toMatchObject({ code: 'DITTO_LIMIT' })
    const long = [property('a', 'x'.repeat(65 * 1024))]
    await expect(properties.update(alice, () => long)).rejects.toMatchObject({ code: 'DITTO_LIMIT' })
    expect(await properties.get(alice)).toEqual([property('a')])
  })

  it('in memory are those of the nodes that were set last', async () => {
    const properties = memoryDeadProperties(1)
    for (const handle of [alice, bob]) await properties.update(handle, () => [property('a')])
    expect([await properties.get(alice), await properties.get(bob)]).toEqual([[], [property('a')]])
  })

  it.each(['', '{', '[1]', '[["a","b"]]', '{}', 'null'])('that cannot be read are none: %j', async (value) => {
    const database = {
      get: async () => value,
      getMany: async () => [value],
      keys: async function* () {
        yield alice
      },
      put: async () => {},
      del: async () => {},
    }
    expect(await storedDeadProperties(database).get(alice)).toEqual([])
  })
})
