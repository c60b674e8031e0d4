import { createHash } from 'node:crypto'

const SEED = 'dittofs gear v1'

/**
 * The 256 random words of the rolling hash: word `b` is the first 4 bytes, big-endian and signed, of
 * SHA-256("dittofs gear v1" || byte b). Part of the format: another table would cut the same file elsewhere.
 */
export const GEAR_TABLE: Int32Array = Int32Array.from({ length: 256 }, (_, byte) =>
  createHash('sha256').update(SEED).update(Uint8Array.of(byte)).digest().readInt32BE(0),
)
