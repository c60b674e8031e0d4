import { metadataStoreSuite, temporaryDirectory } from '@dittofs/testing'
import { Level } from 'level'
import { describe, expect, it } from 'vitest'
import type { Database } from '../src/metadata-database.ts'
import { openMetadataStore } from '../src/open-metadata-store.ts'
import { YjsMetadataStore } from '../src/yjs-metadata-store.ts'
import { IS_LONG_RUN } from './long-run.ts'
import { exchange, fileOf, memoryDatabase, openStore, storeInit } from './memory-space.ts'

const databases = new Map<YjsMetadataStore, { name: string; again: () => Database }>()

function storeOn(name: string, database: Database, again: () => Database, seed = 1): YjsMetadataStore {
  const store = new YjsMetadataStore(storeInit(name, database, seed))
  databases.set(store, { name, again })
  return store
}

metadataStoreSuite<YjsMetadataStore>('a Yjs store in memory', {
  setup: async (name) => {
    const database = memoryDatabase()
    return storeOn(name, database, () => database)
  },
  teardown: async (store) => store.close(),
  reopen: async (store) => {
    await store.close()
    const { name, again } = databases.get(store)!
    return storeOn(name, again(), again, 2)
  },
})

// The rules do not depend on what is below, and every write to a real disk is waited for.
if (IS_LONG_RUN) {
  metadataStoreSuite<YjsMetadataStore>('a Yjs store in LevelDB', {
    setup: async (name) => {
      const directory = await temporaryDirectory()
      const open = () => new Level<string, Uint8Array>(directory, { keyEncoding: 'utf8', valueEncoding: 'view' })
      return storeOn(name, open(), open)
    },
    teardown: async (store) => store.close(),
    reopen: async (store) => {
      await store.close()
      const { name, again } = databases.get(store)!
      return storeOn(name, again(), again, 2)
    },
  })
}

describe('a store in a directory', () => {
  it('goes on after a restart where it was, is held by one process, and brings another device the same tree', async () => {
    const directory = await temporaryDirectory()
    const { database: _database, ...init } = storeInit('alice')
    const store = await openMetadataStore({ ...init, directory })
    await store.transact([{ type: 'write', path: 'd/f', file: fileOf('f') }])
    await expect(openMetadataStore({ ...init, directory })).rejects.toMatchObject({ code: 'DITTO_HOME_LOCKED' })
    const digest = store.digest()
    await store.close()
    const again = await openMetadataStore({ ...init, directory })
    expect(again.digest()).toEqual(digest)
    await again.transact([{ type: 'move', from: 'd/f', to: 'g' }])
    const bob = await openStore('bob')
    await exchange(again, bob)
    expect(bob.lookup('g')?.file).toEqual(fileOf('f'))
    expect(bob.digest()).toEqual(again.digest())
    await again.close()
  })
})
