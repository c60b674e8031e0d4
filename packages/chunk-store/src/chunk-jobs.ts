import { type ChunkerKind, MAX_CHUNK_BYTES } from '@dittofs/interface'
import type { Blake3 } from './blake3.ts'
import { findChunkEnd } from './chunker.ts'

/** @param ranges - offset and length of each. @returns 32 bytes for each */
export function hashRanges(blake3: Blake3, buffer: ArrayBuffer, ranges: Uint32Array): Uint8Array<ArrayBuffer> {
  const digests = new Uint8Array((ranges.length / 2) * 32)
  for (let index = 0; index < ranges.length; index += 2) {
    const bytes = new Uint8Array(buffer, ranges[index], ranges[index + 1])
    digests.set(blake3.hash(bytes), (index / 2) * 32)
  }
  return digests
}

/** Cuts and hashes the whole chunks of a beginning of content, or all of it where it ends there. */
export function cutAndHash(
  blake3: Blake3,
  bytes: Uint8Array,
  isEnd: boolean,
  chunker: ChunkerKind,
): { ends: Uint32Array; digests: Uint8Array } {
  const findEnd = findChunkEnd(chunker)
  const ends: number[] = []
  const digests: Uint8Array[] = []
  for (let at = 0; bytes.length - at >= MAX_CHUNK_BYTES || (isEnd && at < bytes.length); ) {
    const end = findEnd(bytes, at, bytes.length)
    ends.push(end)
    digests.push(blake3.hash(bytes.subarray(at, end)))
    at = end
  }
  return { ends: Uint32Array.from(ends), digests: Buffer.concat(digests) }
}
