import { createCipheriv, createHash } from 'node:crypto'

/** Content that anybody can make again. */
export interface Pattern {
  readonly name: string
  /** The first `size` bytes of it. */
  readonly make: (size: number) => Uint8Array
}

const KIB = 1024
const MIB = 1024 * KIB

/**
 * Sizes around every boundary of the store: nothing, a byte; the smallest, middle and largest chunk that content is cut
 * into (16, 64 and 256 KiB, 64 also being where a store of fixed chunks cuts); more than one read of a file (1 MiB).
 */
export const PATTERN_SIZES: readonly number[] = [
  ...[0, 1],
  ...[16 * KIB, 64 * KIB, 256 * KIB].flatMap((size) => [size - 1, size, size + 1]),
  MIB + 1,
]

/** What damage to memory, disks and byte orders shows in, and what is cut in no, few and many places. */
export const PATTERNS: readonly Pattern[] = [
  { name: 'all A', make: (size) => Buffer.alloc(size, 'A') },
  { name: 'zeros', make: (size) => Buffer.alloc(size) },
  { name: 'sequential bytes', make: (size) => filled(size, (at) => at & 0xff) },
  { name: 'alternating bits', make: (size) => filled(size, (at) => (at % 2 === 0 ? 0x55 : 0xaa)) },
  { name: 'little-endian counters', make: counters },
  { name: 'random', make: random },
]

function filled(size: number, byte: (at: number) => number): Uint8Array {
  const bytes = Buffer.allocUnsafe(size)
  for (let at = 0; at < size; at++) bytes[at] = byte(at)
  return bytes
}

/** Numbers of 32 bits, counted up from 0; the last one may be cut short. */
function counters(size: number): Uint8Array {
  const bytes = Buffer.alloc(Math.ceil(size / 4) * 4)
  for (let at = 0; at < size; at += 4) bytes.writeUInt32LE(at / 4, at)
  return bytes.subarray(0, size)
}

/** The key stream of AES-256 in counter mode, of a key that is always the same. */
function random(size: number): Uint8Array {
  const key = createHash('sha256').update('dittofs integrity').digest()
  return createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(size))
}
