/**
 * The pool of chunks of a device: chunker, BLAKE3, packs, index, manifests, verification and collection.
 *
 * ```ts
 * const store = packChunkStore({ directory: '/home/alice/.dittofs/chunks' })
 * await store.open()
 * const { content, size } = await store.importFile(space, '/home/alice/film.mp4')
 * for await (const step of readManifest(store, space, content, size)) console.log(step)
 * await store.close()
 * ```
 *
 * @packageDocumentation
 */
export {
  BLAKE3_KINDS,
  type Blake3,
  type Blake3Kind,
  blake3KindFromEnvironment,
  chunkIdOf,
  loadBlake3,
} from './blake3.ts'
export { type FindChunkEnd, findChunkEnd } from './chunker.ts'
export type { CutFile, FileCutter } from './file-cutter.ts'
export type { IndexDatabase, IndexWrite, OpenIndexDatabase } from './index-database.ts'
export { ManifestBuilder } from './manifest-builder.ts'
export { encodeLeaf } from './manifest-node.ts'
export { nodePackFileSystem } from './node-pack-file-system.ts'
export { DEFAULT_MAX_PACK_BYTES, type PackChunkStoreInit, packChunkStore } from './pack-chunk-store.ts'
export type { PackFile, PackFileSystem } from './pack-file-system.ts'
export type { PlacedRun } from './placed/place-table.ts'
export {
  type FileToPlace,
  type Placed,
  type PlacedChunkStoreInit,
  type PlacedChunks,
  placedChunkStore,
} from './placed/placed-chunk-store.ts'
export type { PlacedFile, PlacedFiles, PlaceKey } from './placed/placed-files.ts'
export { readManifest } from './read-manifest.ts'
export { spliceContent } from './splice-content.ts'
