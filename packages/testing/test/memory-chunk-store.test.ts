import { chunkStoreSuite, memoryChunkStore } from '../src/index.ts'

chunkStoreSuite('memory chunk store', {
  setup: async () => memoryChunkStore(),
  teardown: async (store) => store.close(),
  damage: async (store, id) => store.damage(id),
})
