import { type ChunkerKind, MAX_CHUNK_BYTES, MIN_CHUNK_BYTES, TARGET_CHUNK_BYTES } from '@dittofs/interface'
import { GEAR_TABLE } from './gear-table.ts'

/** Rolling hashes whose top 18 bits are zero end a chunk before the target size, those whose top 14 are zero after. */
const MASK_BEFORE_TARGET = 0xffff_c000 | 0
const MASK_AFTER_TARGET = 0xfffc_0000 | 0

/**
 * Where the chunk that begins at `start` ends.
 *
 * @param end - end of what is known. Unless it is the content's end, give at least MAX_CHUNK_BYTES from `start` on:
 *   a shorter rest is cut as if it were the last
 * @returns the offset after the chunk's last byte, `start + 1` to `end`
 */
export type FindChunkEnd = (bytes: Uint8Array, start: number, end: number) => number

/**
 * FastCDC with normalised chunking (Xia et al., "FastCDC", USENIX ATC 2016, and IEEE TPDS 2020): a gear hash over the
 * last 32 bytes decides, the first MIN_CHUNK_BYTES are skipped, and the condition is 16 times as likely past
 * TARGET_CHUNK_BYTES as before it, which draws sizes towards the target.
 */
export const findFastCdcEnd: FindChunkEnd = (bytes, start, end) => {
  if (end - start <= MIN_CHUNK_BYTES) return end
  const limit = Math.min(end, start + MAX_CHUNK_BYTES)
  const target = Math.min(limit, start + TARGET_CHUNK_BYTES)
  const gear = GEAR_TABLE
  let hash = 0
  let at = start + MIN_CHUNK_BYTES
  for (; at < target; at++) {
    hash = ((hash << 1) + (gear[bytes[at] as number] as number)) | 0
    if ((hash & MASK_BEFORE_TARGET) === 0) return at + 1
  }
  for (; at < limit; at++) {
    hash = ((hash << 1) + (gear[bytes[at] as number] as number)) | 0
    if ((hash & MASK_AFTER_TARGET) === 0) return at + 1
  }
  return limit
}

/** Chunks of exactly TARGET_CHUNK_BYTES; the last may be shorter. */
export const findFixedEnd: FindChunkEnd = (_bytes, start, end) => Math.min(end, start + TARGET_CHUNK_BYTES)

/** The rule of one kind of chunker. */
export function findChunkEnd(kind: ChunkerKind): FindChunkEnd {
  return kind === 'fixed' ? findFixedEnd : findFastCdcEnd
}
