import { describe, expect, it } from 'vitest'
import { type Database, MetadataDatabase } from '../src/metadata-database.ts'
import { copyOf, memoryDatabase } from './memory-space.ts'
import { stoppingDatabase } from './stopping-database.ts'

const bytes = (text: string) => Buffer.from(text)

async function* records(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield bytes(text)
}

async function load(database: Database): Promise<{ store: MetadataDatabase; updates: string[] }> {
  const store = new MetadataDatabase(database)
  await store.open()
  const updates: string[] = []
  for await (const update of store.updates()) updates.push(Buffer.from(update).toString())
  return { store, updates }
}

describe('the database of a space', () => {
  it('gives back updates in the order they were appended', async () => {
    const database = memoryDatabase()
    const { store } = await load(database)
    await store.append([bytes('1'), bytes('2')])
    await Promise.all(['3', '4', '5'].map((text) => store.append([bytes(text)])))
    expect((await load(database)).updates).toEqual(['1', '2', '3', '4', '5'])
  })

  it('gives a snapshot in place of what it holds, and then what came after', async () => {
    const database = memoryDatabase()
    const { store } = await load(database)
    await store.append([bytes('1'), bytes('2')])
    const compaction = store.compact(records('a', 'b'))
    await store.append([bytes('3')])
    await compaction
    await store.append([bytes('4')])
    const again = await load(database)
    expect(again.updates).toEqual(['a', 'b', '3', '4'])
    await again.store.append([bytes('5')])
    await again.store.compact(records('c'))
    expect((await load(database)).updates).toEqual(['c'])
  })

  it('loses nothing when the machine stops before any write of a compaction', async () => {
    let hasCompleted = false
    for (let stopBefore = 5; !hasCompleted; stopBefore += 1) {
      const database = stoppingDatabase(stopBefore)
      const { store } = await load(database)
      await store.append([bytes('1'), bytes('2')])
      const outcomes = await Promise.allSettled([store.compact(records('1+', '2')), store.append([bytes('3')])])
      hasCompleted = outcomes.every(({ status }) => status === 'fulfilled')
      const isThirdDurable = outcomes[1].status === 'fulfilled'
      const { updates } = await load(await copyOf(database))
      const text = updates.join('').replace('+', '')
      expect(text === '123' || (text === '12' && !isThirdDurable), `stopped before write ${stopBefore}: ${text}`).toBe(
        true,
      )
    }
  })

  it('refuses everything after a write that failed', async () => {
    const { store } = await load(stoppingDatabase(5))
    await store.append([bytes('1')])
    await expect(store.append([bytes('2')])).rejects.toMatchObject({ code: 'DITTO_IO' })
    await expect(store.append([bytes('3')])).rejects.toMatchObject({ code: 'DITTO_IO' })
  })

  it('remembers once that it was closed whole', async () => {
    const database = memoryDatabase()
    const { store } = await load(database)
    await store.close(bytes('mark'))
    const again = (await load(database)).store
    expect(Buffer.from((await again.takeCleanStop()) ?? []).toString()).toBe('mark')
    expect(await again.takeCleanStop()).toBeUndefined()
  })

  it('is not opened when a newer version wrote it', async () => {
    const database = memoryDatabase()
    await database.open()
    await database.put('format', bytes('2'))
    await expect(load(database)).rejects.toMatchObject({ code: 'DITTO_STORE_VERSION' })
  })
})
