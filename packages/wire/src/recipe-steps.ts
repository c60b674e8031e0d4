import { type ChunkRef, chunkId, DittoError, MAX_CHUNK_BYTES } from '@dittofs/interface'

/** Position u32, count u16. */
const STEP_BYTES = 6
/** Chunk ID, length u32. */
const CHUNK_BYTES = 36
/** In the place of a position: the chunks follow. */
const SPELLED_OUT = 0xffff_ffff

/** The format in words, part of the schema hash. Integers are big-endian. */
export const RECIPE_SCHEMA =
  'u32 position, u16 count 1..65535; for position 4294967295: count times 32 bytes id, u32 length 1..262144'

/** Some of a manifest's chunks in a row: places in the list that the asker named, or the chunks themselves. */
export type RecipeStep =
  | { readonly kind: 'copy'; readonly position: number; readonly count: number }
  | { readonly kind: 'chunks'; readonly chunks: readonly ChunkRef[] }

/** @returns the steps of a `recipe`, in order */
export function encodeRecipe(steps: readonly RecipeStep[]): Uint8Array {
  let size = 0
  for (const step of steps) size += STEP_BYTES + (step.kind === 'chunks' ? CHUNK_BYTES * step.chunks.length : 0)
  const bytes = Buffer.alloc(size)
  let at = 0
  for (const step of steps) {
    bytes.writeUInt32BE(step.kind === 'copy' ? step.position : SPELLED_OUT, at)
    bytes.writeUInt16BE(step.kind === 'copy' ? step.count : step.chunks.length, at + 4)
    at += STEP_BYTES
    if (step.kind === 'copy') continue
    for (const { id, length } of step.chunks) {
      bytes.set(chunkId.toBytes(id), at)
      bytes.writeUInt32BE(length, at + 32)
      at += CHUNK_BYTES
    }
  }
  return bytes
}

/**
 * Reads the steps of a `recipe`.
 *
 * @param listed - chunks in the list that the asker named
 * @param count - chunks asked for: the steps give as many, or none at all
 * @throws DittoError DITTO_PROTOCOL
 */
export function decodeRecipe(bytes: Uint8Array, listed: number, count: number): RecipeStep[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const steps: RecipeStep[] = []
  let at = 0
  let left = count
  while (at < bytes.length) {
    if (at + STEP_BYTES > bytes.length) throw malformed('a step is cut short')
    const position = view.getUint32(at)
    const length = view.getUint16(at + 4)
    at += STEP_BYTES
    if (length === 0 || length > left) throw malformed('it is not as long as what was asked for')
    left -= length
    if (position !== SPELLED_OUT) {
      if (position + length > listed) throw malformed('a step is behind the list')
      steps.push({ kind: 'copy', position, count: length })
      continue
    }
    if (at + CHUNK_BYTES * length > bytes.length) throw malformed('a chunk is cut short')
    const chunks: ChunkRef[] = []
    for (const end = at + CHUNK_BYTES * length; at < end; at += CHUNK_BYTES) {
      const chunkBytes = view.getUint32(at + 32)
      if (chunkBytes === 0 || chunkBytes > MAX_CHUNK_BYTES) throw malformed('a length is out of range')
      chunks.push({ id: chunkId.fromBytes(bytes.subarray(at, at + 32)), length: chunkBytes })
    }
    steps.push({ kind: 'chunks', chunks })
  }
  if (steps.length > 0 && left > 0) throw malformed('it is not as long as what was asked for')
  return steps
}

function malformed(what: string): DittoError {
  return new DittoError('DITTO_PROTOCOL', `The peer sent a recipe that cannot be read: ${what}.`)
}
