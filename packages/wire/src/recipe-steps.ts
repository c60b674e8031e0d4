import { type ChunkRef, chunkId, DittoError, MAX_CHUNK_BYTES } from '@dittofs/interface'

/** Position u32, count u16. */
const STEP_BYTES = 6
/** Chunk ID, length u32. */
const CHUNK_BYTES = 36
/** Position u32, offset u32, length u32. */
const PIECE_BYTES = 12
/** In the place of a position: chunks, or bytes, follow. */
const SPELLED_OUT = 0xffff_ffff
/** In the place of a position: one chunk follows, and the pieces it is made of. */
const MADE = 0xffff_fffe
/** Chunks of one recipe that are made of pieces, and pieces of one of them: each costs the reading of a chunk. */
export const MAX_MADE_CHUNKS = 64
export const MAX_PIECES = 16

/** The format in words, part of the schema hash. Integers are big-endian. */
export const RECIPE_SCHEMA =
  'u32 position, u16 count 1..65535; for position 4294967295: count times 32 bytes id, u32 length 1..262144; for position 4294967294, 64 times at most: 32 bytes id, u32 length, then count 1..16 times u32 position, u32 offset, u32 length, for position 4294967295 offset 0 and length bytes'

/** A part of a chunk: bytes of a chunk in the list that the asker named, or the bytes themselves. */
export type ChunkPiece =
  | { readonly kind: 'part'; readonly position: number; readonly offset: number; readonly length: number }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }

/**
 * Some of a manifest's chunks in a row: places in the list that the asker named, or the chunks themselves, or one chunk
 * with the pieces that its bytes are made of.
 */
export type RecipeStep =
  | { readonly kind: 'copy'; readonly position: number; readonly count: number }
  | { readonly kind: 'chunks'; readonly chunks: readonly ChunkRef[] }
  | { readonly kind: 'made'; readonly chunk: ChunkRef; readonly pieces: readonly ChunkPiece[] }

/** Bytes of a piece of a chunk. */
export function pieceBytes(piece: ChunkPiece): number {
  return piece.kind === 'part' ? piece.length : piece.bytes.length
}

/** @returns the steps of a `recipe`, in order */
export function encodeRecipe(steps: readonly RecipeStep[]): Uint8Array {
  const bytes = Buffer.alloc(steps.reduce((sum, step) => sum + stepBytes(step), 0))
  let at = 0
  const u32 = (value: number) => {
    at = bytes.writeUInt32BE(value, at)
  }
  const chunk = ({ id, length }: ChunkRef) => {
    bytes.set(chunkId.toBytes(id), at)
    at += 32
    u32(length)
  }
  for (const step of steps) {
    u32(step.kind === 'copy' ? step.position : step.kind === 'chunks' ? SPELLED_OUT : MADE)
    at = bytes.writeUInt16BE(countOf(step), at)
    if (step.kind === 'chunks') for (const one of step.chunks) chunk(one)
    if (step.kind !== 'made') continue
    chunk(step.chunk)
    for (const piece of step.pieces) {
      u32(piece.kind === 'part' ? piece.position : SPELLED_OUT)
      u32(piece.kind === 'part' ? piece.offset : 0)
      u32(pieceBytes(piece))
      if (piece.kind === 'part') continue
      bytes.set(piece.bytes, at)
      at += piece.bytes.length
    }
  }
  return bytes
}

/**
 * Reads the steps of a `recipe`. Bytes of pieces share its memory.
 *
 * @param listed - chunks in the list that the asker named
 * @param count - chunks asked for: the steps give as many, or none at all
 * @throws DittoError DITTO_PROTOCOL
 */
export function decodeRecipe(bytes: Uint8Array, listed: number, count: number): RecipeStep[] {
  const reader = new Reader(bytes)
  const steps: RecipeStep[] = []
  let left = count
  let made = 0
  while (!reader.isAtEnd) {
    const position = reader.u32('a step')
    const number = reader.u16('a step')
    const given = position === MADE ? 1 : number
    if (number === 0 || given > left) throw malformed('it is not as long as what was asked for')
    left -= given
    if (position === SPELLED_OUT) {
      const chunks: ChunkRef[] = []
      for (let i = 0; i < number; i++) chunks.push(reader.chunk())
      steps.push({ kind: 'chunks', chunks })
    } else if (position === MADE) {
      if (++made > MAX_MADE_CHUNKS || number > MAX_PIECES) throw malformed('too much is made of pieces')
      steps.push(readMade(reader, number, listed))
    } else {
      if (position + number > listed) throw malformed('a step is behind the list')
      steps.push({ kind: 'copy', position, count: number })
    }
  }
  if (steps.length > 0 && left > 0) throw malformed('it is not as long as what was asked for')
  return steps
}

function readMade(reader: Reader, count: number, listed: number): RecipeStep {
  const chunk = reader.chunk()
  const pieces: ChunkPiece[] = []
  let left = chunk.length
  for (let i = 0; i < count; i++) {
    const position = reader.u32('a piece')
    const offset = reader.u32('a piece')
    const length = reader.u32('a piece')
    if (length === 0 || length > left) throw malformed('pieces are not as long as their chunk')
    left -= length
    if (position === SPELLED_OUT) {
      if (offset !== 0) throw malformed('an offset into nothing')
      pieces.push({ kind: 'bytes', bytes: reader.bytes(length, 'a piece') })
    } else {
      if (position >= listed || offset + length > MAX_CHUNK_BYTES) throw malformed('a piece is behind the list')
      pieces.push({ kind: 'part', position, offset, length })
    }
  }
  if (left > 0) throw malformed('pieces are not as long as their chunk')
  return { kind: 'made', chunk, pieces }
}

class Reader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length
  }

  u16(what: string): number {
    return this.#view.getUint16(this.#take(2, what))
  }

  u32(what: string): number {
    return this.#view.getUint32(this.#take(4, what))
  }

  bytes(length: number, what: string): Uint8Array {
    const from = this.#take(length, what)
    return this.#bytes.subarray(from, from + length)
  }

  chunk(): ChunkRef {
    const id = chunkId.fromBytes(this.bytes(32, 'a chunk'))
    const length = this.u32('a chunk')
    if (length === 0 || length > MAX_CHUNK_BYTES) throw malformed('a length is out of range')
    return { id, length }
  }

  #take(length: number, what: string): number {
    const from = this.#at
    if (from + length > this.#bytes.length) throw malformed(`${what} is cut short`)
    this.#at += length
    return from
  }
}

function countOf(step: RecipeStep): number {
  if (step.kind === 'copy') return step.count
  return step.kind === 'chunks' ? step.chunks.length : step.pieces.length
}

function stepBytes(step: RecipeStep): number {
  if (step.kind === 'copy') return STEP_BYTES
  if (step.kind === 'chunks') return STEP_BYTES + CHUNK_BYTES * step.chunks.length
  const spelled = step.pieces.reduce((sum, piece) => sum + (piece.kind === 'bytes' ? piece.bytes.length : 0), 0)
  return STEP_BYTES + CHUNK_BYTES + PIECE_BYTES * step.pieces.length + spelled
}

function malformed(what: string): DittoError {
  return new DittoError('DITTO_PROTOCOL', `The peer sent a recipe that cannot be read: ${what}.`)
}
