import type { ChunkStore } from '@dittofs/interface'
import { chunkStoreSuite, temporaryDirectory } from '@dittofs/testing'
import { packChunkStore } from '../src/index.ts'
import { damageChunk } from './support/damage-chunk.ts'

/** Small packs, so that every test crosses from one to the next. */
const MAX_PACK_BYTES = 256 * 1024

const directories = new WeakMap<ChunkStore, string>()

function storeIn(directory: string): ChunkStore {
  const store = packChunkStore({ directory, maxPackBytes: MAX_PACK_BYTES, workers: 2 })
  directories.set(store, directory)
  return store
}

function directoryOf(store: ChunkStore): string {
  return directories.get(store) as string
}

chunkStoreSuite('pack chunk store', {
  setup: async () => storeIn(await temporaryDirectory()),
  teardown: (store) => store.close(),
  damage: (store, id) => damageChunk(directoryOf(store), id),
  reopen: async (store) => storeIn(directoryOf(store)),
})
