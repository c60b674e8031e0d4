import { promisify } from 'node:util'
import { deflateRaw, deflateRawSync, inflateRaw } from 'node:zlib'
import { DittoError } from '@dittofs/interface'
import type { ChunkRecord, PackedRecord } from '@dittofs/wire'

const deflate = promisify(deflateRaw)
const inflate = promisify(inflateRaw)

/** The fastest: 60 to 100 MB/s a core. Higher levels gain a tenth at half of that. */
const LEVEL = 1
/** Pieces of a frame that tell whether it shrinks: an eighth of a millisecond for all of them. */
const SAMPLE_PIECE_BYTES = 2048
const SAMPLE_PIECES = 4
/** Less than this is not worth the work. */
const WORTHWHILE = 0.9

/**
 * Compresses chunks, each by itself: content of two files never meets, so that the sizes on the wire tell nothing of one
 * to whoever can choose the other. Runs on threads of its own (libuv).
 *
 * @returns `undefined` where a sample does not shrink
 */
export async function packRecords(records: readonly ChunkRecord[]): Promise<PackedRecord[] | undefined> {
  if (!shrinks(records)) return undefined
  return await Promise.all(
    records.map(async ({ index, bytes }) => {
      const packed = await deflate(bytes, { level: LEVEL })
      return { index, length: bytes.length, bytes: packed.length < WORTHWHILE * bytes.length ? packed : bytes }
    }),
  )
}

/**
 * Gives back the chunks. Each may become as long as it says and no longer.
 *
 * @throws DittoError DITTO_PROTOCOL
 */
export async function unpackRecords(records: readonly PackedRecord[]): Promise<ChunkRecord[]> {
  return await Promise.all(
    records.map(async ({ index, length, bytes }) => {
      if (bytes.length === length) return { index, bytes }
      let plain: Uint8Array
      try {
        plain = await inflate(bytes, { maxOutputLength: length })
      } catch (error) {
        throw new DittoError('DITTO_PROTOCOL', 'The peer sent a packed chunk that cannot be read.', { cause: error })
      }
      if (plain.length !== length) {
        throw new DittoError('DITTO_PROTOCOL', 'The peer sent a packed chunk that is not as long as it says.')
      }
      return { index, bytes: plain }
    }),
  )
}

function shrinks(records: readonly ChunkRecord[]): boolean {
  const every = Math.max(1, Math.floor(records.length / SAMPLE_PIECES))
  const pieces: Uint8Array[] = []
  for (let at = 0; at < records.length && pieces.length < SAMPLE_PIECES; at += every) {
    const { bytes } = records[at] as ChunkRecord
    const from = Math.max(0, (bytes.length - SAMPLE_PIECE_BYTES) >> 1)
    pieces.push(bytes.subarray(from, from + SAMPLE_PIECE_BYTES))
  }
  const sample = Buffer.concat(pieces)
  return deflateRawSync(sample, { level: LEVEL }).length < WORTHWHILE * sample.length
}
