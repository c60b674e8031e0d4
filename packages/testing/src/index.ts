/**
 * Compliance suites, in-memory implementations and fixtures for tests.
 *
 * @packageDocumentation
 */
export {
  ALICE_SPACE,
  BOB_SPACE,
  type ChunkStoreSuiteInit,
  chunkOf,
  chunkStoreSuite,
} from './chunk-store-suite.ts'
export { MemoryChunkStore, type MemoryChunkStoreInit, memoryChunkStore } from './memory-chunk-store.ts'
export { MemoryLink, type MemoryLinkInit, memoryLinkPair } from './memory-link.ts'
export { pseudoRandomBytes } from './pseudo-random-bytes.ts'
export { temporaryDirectory } from './temporary-directory.ts'
