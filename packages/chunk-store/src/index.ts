/**
 * Chunker, BLAKE3, packs, index, manifests, verify and collection.
 *
 * @packageDocumentation
 */
export {}
