import { createCipheriv, createHash } from 'node:crypto'
import { MAX_ECHO_BYTES } from '@dittofs/wire'

/** Content that anybody can make again. */
export interface Pattern {
  readonly name: string
  /**
   * The first `size` bytes of it.
   *
   * @param seed - what the random one is made from; always the same one where absent
   */
  readonly make: (size: number, seed?: Uint8Array) => Uint8Array
}

const KIB = 1024
const MIB = 1024 * KIB

function around(...sizes: number[]): number[] {
  return sizes.flatMap((size) => [size - 1, size, size + 1])
}

/**
 * Sizes around every boundary of the store: nothing, a byte; the smallest, middle and largest chunk that content is cut
 * into (16, 64 and 256 KiB, 64 also being where a store of fixed chunks cuts); more than one read of a file (1 MiB).
 */
export const PATTERN_SIZES: readonly number[] = [0, 1, ...around(16 * KIB, 64 * KIB, 256 * KIB), MIB + 1]

/**
 * The same on the way to another device and back, which adds those of the wire: a TLS record and what is written as one
 * buffer (16 KiB), and the largest frame.
 */
export const ECHO_SIZES: readonly number[] = [...PATTERN_SIZES.slice(0, -1), MAX_ECHO_BYTES - 1, MAX_ECHO_BYTES]

/** Over a link of some kilobytes a second: those up to the smallest chunk. */
export const SLOW_ECHO_SIZES: readonly number[] = ECHO_SIZES.filter((size) => size <= 16 * KIB + 1)

/**
 * What damage to memory, disks and byte orders shows in, and what is cut in no, few and many places. Devices name a
 * pattern by its place here, so that new ones go to the end.
 *
 * @see docs/protocol.md#askecho-and-echo
 */
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

/** The key stream of AES-256 in counter mode, of the key that is made from the seed. */
function random(size: number, seed: Uint8Array = new Uint8Array()): Uint8Array {
  const key = createHash('sha256').update('dittofs integrity').update(seed).digest()
  return createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(size))
}
