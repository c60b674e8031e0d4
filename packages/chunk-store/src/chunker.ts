import { type ChunkerKind, MAX_CHUNK_BYTES, MIN_CHUNK_BYTES, TARGET_CHUNK_BYTES } from '@dittofs/interface'
import { GEAR_TABLE } from './gear-table.ts'

/** Rolling hashes whose top 18 bits are zero end a chunk before the target size, those whose top 14 are zero after. */
const MASK_BEFORE_TARGET = 0xffff_c000 | 0
const MASK_AFTER_TARGET = 0xfffc_0000 | 0
/** Every byte shifts the hash by one: after so many it is forgotten. */
const HASH_BITS = 32
const NONE = -1

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
  const early = findBoundary(bytes, start + MIN_CHUNK_BYTES, target, 0, MASK_BEFORE_TARGET)
  if (early !== NONE) return early
  if (target === limit) return limit
  const late = findBoundary(bytes, target, limit, hashBefore(bytes, target), MASK_AFTER_TARGET)
  return late === NONE ? limit : late
}

/**
 * The offset after the first byte, from `from` up to `to`, at which the rolling hash meets the mask.
 *
 * Four bytes a round: each hash within a round is made from the one before the round, not from its neighbour, so that
 * the processor need not wait for one before it begins the next. Half as fast again as byte by byte.
 */
function findBoundary(bytes: Uint8Array, from: number, to: number, before: number, mask: number): number {
  const gear = GEAR_TABLE
  // `| 0` tells V8 that these are 32-bit integers: worth a tenth.
  const end = to | 0
  const bits = mask | 0
  let hash = before | 0
  let at = from | 0
  for (const last = end - 3; at < last; at += 4) {
    const a = gear[bytes[at] as number] as number
    const b = gear[bytes[at + 1] as number] as number
    const c = gear[bytes[at + 2] as number] as number
    const d = gear[bytes[at + 3] as number] as number
    const ab = ((a << 1) + b) | 0
    const first = ((hash << 1) + a) | 0
    const second = ((hash << 2) + ab) | 0
    const third = ((hash << 3) + ((ab << 1) + c)) | 0
    hash = ((hash << 4) + ((ab << 2) + ((c << 1) + d))) | 0
    if ((first & bits) === 0) return at + 1
    if ((second & bits) === 0) return at + 2
    if ((third & bits) === 0) return at + 3
    if ((hash & bits) === 0) return at + 4
  }
  for (; at < end; at++) {
    hash = ((hash << 1) + (gear[bytes[at] as number] as number)) | 0
    if ((hash & bits) === 0) return at + 1
  }
  return NONE
}

/** The rolling hash when `at` is reached: of the bytes before it, as many as the hash has bits. */
function hashBefore(bytes: Uint8Array, at: number): number {
  let hash = 0
  for (let i = at - HASH_BITS; i < at; i++) hash = ((hash << 1) + (GEAR_TABLE[bytes[i] as number] as number)) | 0
  return hash
}

/** Chunks of exactly TARGET_CHUNK_BYTES; the last may be shorter. */
export const findFixedEnd: FindChunkEnd = (_bytes, start, end) => Math.min(end, start + TARGET_CHUNK_BYTES)

/** The rule of one kind of chunker. */
export function findChunkEnd(kind: ChunkerKind): FindChunkEnd {
  return kind === 'fixed' ? findFixedEnd : findFastCdcEnd
}
