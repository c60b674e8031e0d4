import { metadataStoreSuite, temporaryDirectory } from '@dittofs/testing'
import { Level } from 'level'
import type { Database } from '../src/metadata-database.ts'
import { YjsMetadataStore } from '../src/yjs-metadata-store.ts'
import { memoryDatabase, storeInit } from './memory-space.ts'

const databases = new Map<YjsMetadataStore, { name: string; again: () => Database }>()

function storeOn(name: string, database: Database, again: () => Database, seed = 1): YjsMetadataStore {
  const store = new YjsMetadataStore(storeInit(name, database, seed))
  databases.set(store, { name, again })
  return store
}

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
