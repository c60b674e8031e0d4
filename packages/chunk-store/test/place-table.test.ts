import { type ChunkId, type ChunkRef, chunkId, type SpaceId, spaceId } from '@dittofs/interface'
import { CrashMachine, crashIndexDatabase, type SimulatedIndex } from '@dittofs/testing'
import { describe, expect, it } from 'vitest'
import { decodePlaces, encodePlaces } from '../src/placed/place-codec.ts'
import { type PlacedRun, PlaceTable } from '../src/placed/place-table.ts'

const SPACE: SpaceId = spaceId.parse('a1'.repeat(32))

/** More than go into one write. */
const MANY = 2500

function chunks(from: number, count: number): ChunkRef[] {
  return Array.from({ length: count }, (_, nth) => ({
    id: chunkId.parse((from + nth).toString(16).padStart(64, '0')),
    length: 1000,
  }))
}

async function* runs(refs: readonly ChunkRef[]): AsyncGenerator<PlacedRun> {
  yield { offset: 0, chunks: refs }
}

async function openTable(content: SimulatedIndex, crashAt?: number) {
  const machine = new CrashMachine({ random: () => 0.7, ...(crashAt === undefined ? {} : { crashAt }) })
  return { machine, table: await PlaceTable.open(await crashIndexDatabase(machine, content)('', false)) }
}

async function chunksOf(table: PlaceTable, key: string): Promise<ChunkId[] | undefined> {
  const file = await table.numberOf(key)
  if (file === undefined) return undefined
  const ids: ChunkId[] = []
  for await (const some of table.chunksOf(file)) ids.push(...some)
  return ids
}

/** A file placed, placed again with other chunks, another beside it, and one that is forgotten. */
async function story(table: PlaceTable): Promise<void> {
  await table.place(SPACE, 'film', runs(chunks(0, MANY)))
  await table.place(SPACE, 'copy', runs(chunks(0, 10)))
  await table.place(SPACE, 'film', runs(chunks(MANY / 2, MANY)))
  await table.unplace('copy')
}

describe('the table of places', () => {
  it('holds after a loss of power at any write, for each file, what it last was placed with, whole', async () => {
    const { machine, table } = await openTable(new Map())
    await story(table)
    const writes = machine.calls
    expect(writes).toBeGreaterThan(10)
    for (let crashAt = 1; crashAt <= writes; crashAt++) {
      const content: SimulatedIndex = new Map()
      const crashed = await openTable(content, crashAt)
      await expect(story(crashed.table)).rejects.toThrow()
      const { table: again } = await openTable(content)
      const film = await again.numberOf('film')
      const held: ChunkId[] = []
      if (film !== undefined) for await (const ids of again.chunksOf(film)) held.push(...ids)
      const options = [[], chunks(0, MANY), chunks(MANY / 2, MANY)].map((refs) => refs.map(({ id }) => id))
      expect(options, `after a loss of power at write ${crashAt}`).toContainEqual(held)
      // No row is left of a file that no key names.
      const copy = await again.numberOf('copy')
      for await (const batch of again.all()) {
        for (const { places } of batch) for (const { file } of places) expect([film, copy]).toContain(file)
      }
    }
  })

  it('knows of files placed together what it would know of each by itself', async () => {
    const files = Array.from({ length: 300 }, (_, nth) => ({
      key: `file ${nth}`,
      // Nothing, some of its own, a piece of what its neighbours hold, and one that all hold, twice.
      chunks: [...chunks(1000 + nth * 3, nth % 4), ...chunks(nth, 5), ...chunks(0, 1), ...chunks(0, 1)].slice(nth % 8),
    }))
    const [together, apart] = [await openTable(new Map()), await openTable(new Map())]
    await together.table.place(SPACE, 'file 7', runs(chunks(9000, 3)))
    await together.table.placeAll(SPACE, files)
    for (const { key, chunks: refs } of files) await apart.table.place(SPACE, key, runs(refs))
    for (const { key } of files) expect(await chunksOf(together.table, key)).toEqual(await chunksOf(apart.table, key))
    expect(await together.table.lookup([chunks(9000, 1)[0]?.id as ChunkId])).toEqual([[]])
    expect(together.machine.calls).toBeLessThan(apart.machine.calls / 20)
    for (const { key } of files) await together.table.unplace(key)
    for await (const batch of together.table.all()) expect(batch).toEqual([])
  })

  it('holds after a loss of power while files are placed together each of them whole or as it was', async () => {
    const files = Array.from({ length: 40 }, (_, nth) => ({ key: `file ${nth}`, chunks: chunks(nth * 90, 100) }))
    const tell = async (table: PlaceTable) => {
      await table.place(SPACE, 'file 3', runs(chunks(9000, 3)))
      await table.placeAll(SPACE, files)
    }
    const { machine, table } = await openTable(new Map())
    await tell(table)
    for (let crashAt = 1; crashAt <= machine.calls; crashAt++) {
      const content: SimulatedIndex = new Map()
      await expect(tell((await openTable(content, crashAt)).table)).rejects.toThrow()
      const { table: again } = await openTable(content)
      for (const { key, chunks: refs } of files) {
        const held = await chunksOf(again, key)
        const options = [
          undefined,
          refs.map(({ id }) => id),
          ...(key === 'file 3' ? [chunks(9000, 3).map(({ id }) => id)] : []),
        ]
        expect(options, `${key} after a loss of power at write ${crashAt}`).toContainEqual(held)
      }
    }
  })

  it('remembers a chunk that a file holds twice once, where it first is', async () => {
    const { table } = await openTable(new Map())
    const [a, b] = chunks(0, 2) as [ChunkRef, ChunkRef]
    await table.place(SPACE, 'zeros', runs([b, a, a, a]))
    expect(await table.lookup([a.id])).toEqual([[{ space: 1, file: 1, offset: 1000, length: 1000 }]])
  })

  it('knows a chunk that lies in very many files until the last of them goes, in whatever order they go', async () => {
    for (const order of [(nth: number) => nth, (nth: number) => 39 - nth, (nth: number) => (nth * 17) % 40]) {
      const content: SimulatedIndex = new Map()
      const { table } = await openTable(content)
      const [shared] = chunks(0, 1) as [ChunkRef]
      for (let nth = 0; nth < 40; nth++) await table.place(SPACE, `copy ${nth}`, runs([shared]))
      for (let nth = 0; nth < 40; nth++) {
        const [places] = await table.lookup([shared.id])
        expect(places?.length).toBeGreaterThan(0)
        await table.unplace(`copy ${order(nth)}`)
      }
      expect(await table.lookup([shared.id])).toEqual([[]])
      // Nothing is left behind but the number of the space.
      expect([...content.keys()]).toHaveLength(1)
    }
  })

  it('forgets at the start the files that are not kept', async () => {
    const content: SimulatedIndex = new Map()
    const { table } = await openTable(content)
    const [a, b] = chunks(0, 2) as [ChunkRef, ChunkRef]
    await table.place(SPACE, 'film', runs([a]))
    await table.place(SPACE, '~half', runs([b]))
    const machine = new CrashMachine({ random: () => 0.7 })
    const again = await PlaceTable.open(
      await crashIndexDatabase(machine, content)('', false),
      (key) => !key.startsWith('~'),
    )
    expect((await again.lookup([a.id, b.id])).map((places) => places.length)).toEqual([1, 0])
    expect(await again.numberOf('~half')).toBeUndefined()
  })

  it('refuses a key that is empty or too long', async () => {
    const { table } = await openTable(new Map())
    for (const key of ['', 'x'.repeat(65)]) await expect(table.place(SPACE, key, runs([]))).rejects.toThrow(RangeError)
  })

  it('writes places as documented', () => {
    const places = [{ space: 1, file: 2, offset: 2 ** 40 + 3, length: 65_536 }]
    const bytes = encodePlaces(places)
    expect(Buffer.from(bytes).toString('hex')).toBe(
      '00000001' + // space
        '00000002' + // file
        '010000000003' + // offset
        '00010000', // length
    )
    expect(decodePlaces(bytes)).toEqual(places)
    expect(() => decodePlaces(bytes.subarray(1))).toThrow(RangeError)
  })
})
