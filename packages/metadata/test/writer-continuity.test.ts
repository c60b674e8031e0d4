import { describe, expect, it } from 'vitest'
import { decodeMessage } from '../src/exchange.ts'
import type { YjsMetadataStore } from '../src/yjs-metadata-store.ts'
import { copyOf, exchange, fileOf, memoryDatabase, openStore } from './memory-space.ts'

function logsOf(store: YjsMetadataStore): number {
  const hello = decodeMessage(store.hello())
  return hello.type === 'vector' ? hello.vector.size : 0
}

describe('the log a device appends to', () => {
  it('is the same after the store was closed whole', async () => {
    const database = memoryDatabase()
    const first = await openStore('alice', database, 1)
    await first.transact([{ type: 'write', path: 'a', file: fileOf('a') }])
    await first.close()
    const second = await openStore('alice', database, 2)
    await second.transact([{ type: 'write', path: 'b', file: fileOf('b') }])
    expect(logsOf(second)).toBe(1)
  })

  it('is a new one after a crash', async () => {
    const database = memoryDatabase()
    const first = await openStore('alice', database, 1)
    await first.transact([{ type: 'write', path: 'a', file: fileOf('a') }])
    const second = await openStore('alice', await copyOf(database), 2)
    await second.transact([{ type: 'write', path: 'b', file: fileOf('b') }])
    expect(logsOf(second)).toBe(2)
  })

  it('is a new one when a peer holds more of it: the store was put back to an older state', async () => {
    const database = memoryDatabase()
    const first = await openStore('alice', database, 1)
    await first.transact([{ type: 'write', path: 'a', file: fileOf('a') }])
    await first.close()
    await database.open()
    const backup = await copyOf(database)
    const second = await openStore('alice', database, 2)
    await second.transact([{ type: 'write', path: 'b', file: fileOf('b') }])
    const bob = await openStore('bob')
    await exchange(second, bob)
    const restored = await openStore('alice', backup, 3)
    await exchange(restored, bob)
    await restored.transact([{ type: 'write', path: 'c', file: fileOf('c') }])
    await exchange(restored, bob)
    expect(logsOf(restored)).toBe(2)
    expect(restored.children('')?.map(({ name }) => name)).toEqual(['a', 'b', 'c'])
    expect(restored.digest()).toEqual(bob.digest())
  })
})

describe('a store that was compacted', () => {
  it('shows after a restart what it showed before, and holds less', async () => {
    const database = memoryDatabase()
    const store = await openStore('alice', database)
    for (let round = 0; round < 2; round += 1) {
      await store.transact(
        Array.from(
          { length: 5000 },
          (_, at) => ({ type: 'write', path: `d/${at}`, file: fileOf(`${round} ${at}`) }) as const,
        ),
      )
    }
    const digest = store.digest()
    await store.close()
    await database.open()
    const keys = await database.keys().all()
    expect(keys.some((key) => key.startsWith('snapshot/'))).toBe(true)
    const again = await openStore('alice', database, 2)
    expect(again.digest()).toEqual(digest)
    expect(again.counts().files).toBe(5000)
  })
})
