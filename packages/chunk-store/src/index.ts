/**
 * Chunker, BLAKE3, packs, index, manifests, verify and collection.
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
export { ManifestBuilder } from './manifest-builder.ts'
export { readManifest } from './read-manifest.ts'
