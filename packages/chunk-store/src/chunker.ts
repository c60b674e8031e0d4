import { type ChunkerKind, MAX_CHUNK_BYTES, MIN_CHUNK_BYTES, TARGET_CHUNK_BYTES } from '@dittofs/interface'
import type { GearKernel } from './gear-kernel.ts'
import { GEAR_TABLE } from './gear-table.ts'

/** Rolling hashes whose top 18 bits are zero end a chunk before the target size, those whose top 14 are zero after. */
const MASK_BEFORE_TARGET = 0xffff_c000 | 0
const MASK_AFTER_TARGET = 0xfffc_0000 | 0
const NO_BOUNDARY = -1
/** Every byte shifts the hash by one: after so many it is forgotten. */
const HASH_BITS = 32
const IS_LITTLE_ENDIAN = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1
const NO_WORDS = new Uint32Array(0)

/**
 * Where the chunk that begins at `start` ends.
 *
 * @param end - end of what is known. Unless it is the content's end, give at least MAX_CHUNK_BYTES from `start` on:
 *   a shorter rest is cut as if it were the last
 * @returns the offset after the chunk's last byte, `start + 1` to `end`
 */
export type FindChunkEnd = (bytes: Uint8Array, start: number, end: number) => number

/**
 * The offset after the first byte, from `from` up to `to`, at which the rolling hash meets the mask; NO_BOUNDARY without
 * one.
 *
 * @param before - the rolling hash of what comes before `from`
 * @param mask - ones at the top, zeros below
 */
export type FindBoundary = (bytes: Uint8Array, from: number, to: number, before: number, mask: number) => number

/**
 * FastCDC with normalised chunking (Xia et al., "FastCDC", USENIX ATC 2016, and IEEE TPDS 2020): a gear hash over the
 * last 32 bytes decides, the first MIN_CHUNK_BYTES are skipped, and the condition is 16 times as likely past
 * TARGET_CHUNK_BYTES as before it, which draws sizes towards the target.
 *
 * @param findNext - how boundaries are searched for; all ways find the same
 */
export function fastCdc(findNext: FindBoundary): FindChunkEnd {
  return (bytes, start, end) => {
    if (end - start <= MIN_CHUNK_BYTES) return end
    const limit = Math.min(end, start + MAX_CHUNK_BYTES)
    const target = Math.min(limit, start + TARGET_CHUNK_BYTES)
    const early = findNext(bytes, start + MIN_CHUNK_BYTES, target, 0, MASK_BEFORE_TARGET)
    if (early !== NO_BOUNDARY) return early
    if (target === limit) return limit
    const late = findNext(bytes, target, limit, hashBefore(bytes, target), MASK_AFTER_TARGET)
    return late === NO_BOUNDARY ? limit : late
  }
}

/**
 * {@link FindBoundary} in JavaScript, for bytes anywhere.
 *
 * Eight bytes a round, read as two words: a quarter faster than four bytes read one by one. The last hash of each four is
 * made from the one before the four, not from its neighbour, so that the processor need not wait for one before it
 * begins the next.
 */
export const findBoundary: FindBoundary = (bytes, from, to, before, mask) => {
  // Words of the whole buffer, none where the processor has a word's first byte on top. Made for each chunk, which costs
  // nothing beside it: kept, they would keep its buffer.
  const words = IS_LITTLE_ENDIAN ? new Uint32Array(bytes.buffer, 0, bytes.buffer.byteLength >> 2) : NO_WORDS
  const gear = GEAR_TABLE
  // `| 0` tells V8 that these are 32-bit integers: worth a tenth.
  const end = to | 0
  const bits = mask | 0
  const base = bytes.byteOffset | 0
  let hash = before | 0
  let at = from | 0
  const aligned = words.length === 0 ? end : Math.min(end, at + (-(base + at) & 3)) | 0
  for (; at < aligned; at++) {
    hash = ((hash << 1) + (gear[bytes[at] as number] as number)) | 0
    if ((hash & bits) === 0) return at + 1
  }
  for (const last = end - 7; at < last; at += 8) {
    const nth = (base + at) >> 2
    const v = (words[nth] as number) | 0
    const w = (words[nth + 1] as number) | 0
    const a = gear[v & 255] as number
    const b = gear[(v >> 8) & 255] as number
    const c = gear[(v >> 16) & 255] as number
    const d = gear[v >>> 24] as number
    const e = gear[w & 255] as number
    const f = gear[(w >> 8) & 255] as number
    const g = gear[(w >> 16) & 255] as number
    const h = gear[w >>> 24] as number
    const first = ((hash << 1) + a) | 0
    const second = ((hash << 2) + ((a << 1) + b)) | 0
    const third = ((second << 1) + c) | 0
    const fourth = ((second << 2) + ((c << 1) + d)) | 0
    const fifth = ((fourth << 1) + e) | 0
    const sixth = ((fourth << 2) + ((e << 1) + f)) | 0
    const seventh = ((sixth << 1) + g) | 0
    hash = ((sixth << 2) + ((g << 1) + h)) | 0
    if ((first & bits) === 0) return at + 1
    if ((second & bits) === 0) return at + 2
    if ((third & bits) === 0) return at + 3
    if ((fourth & bits) === 0) return at + 4
    if ((fifth & bits) === 0) return at + 5
    if ((sixth & bits) === 0) return at + 6
    if ((seventh & bits) === 0) return at + 7
    if ((hash & bits) === 0) return at + 8
  }
  for (; at < end; at++) {
    hash = ((hash << 1) + (gear[bytes[at] as number] as number)) | 0
    if ((hash & bits) === 0) return at + 1
  }
  return NO_BOUNDARY
}

/** The rolling hash when `at` is reached: of the bytes before it, as many as the hash has bits. */
function hashBefore(bytes: Uint8Array, at: number): number {
  let hash = 0
  for (let i = at - HASH_BITS; i < at; i++) hash = ((hash << 1) + (GEAR_TABLE[bytes[i] as number] as number)) | 0
  return hash
}

const findFastCdcEnd = fastCdc(findBoundary)

/** Chunks of exactly TARGET_CHUNK_BYTES; the last may be shorter. */
export const findFixedEnd: FindChunkEnd = (_bytes, start, end) => Math.min(end, start + TARGET_CHUNK_BYTES)

/** {@link FindBoundary} by a kernel, for bytes in its memory; all others are left to {@link findBoundary}. */
export function findBoundaryBy({ memory, findBelow }: GearKernel): FindBoundary {
  return (bytes, from, to, before, mask) => {
    if (bytes.buffer !== memory) return findBoundary(bytes, from, to, before, mask)
    // A hash whose masked top bits are all zero is one that is smaller than the lowest of those bits.
    const found = findBelow(bytes.byteOffset + from, bytes.byteOffset + to, before, -mask)
    return found === 0 ? NO_BOUNDARY : found - bytes.byteOffset
  }
}

/**
 * The rule of one kind of chunker.
 *
 * @param fastCdcEnd - the way in which it searches, where another is to be had
 */
export function findChunkEnd(kind: ChunkerKind, fastCdcEnd: FindChunkEnd = findFastCdcEnd): FindChunkEnd {
  return kind === 'fixed' ? findFixedEnd : fastCdcEnd
}
