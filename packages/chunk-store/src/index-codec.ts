import { type ChunkId, chunkId, type SpaceId, spaceId } from '@dittofs/interface'
import { FORMAT_VERSION } from './pack-format.ts'

/** What the index knows of a chunk. */
export interface IndexEntry {
  /** The pack that has its bytes; 0 when they were found damaged and none are held. */
  readonly pack: number
  /** Where the record's header begins. */
  readonly offset: number
  readonly length: number
  /** Short numbers of the spaces in which it is available, ascending. */
  readonly spaces: readonly number[]
}

/** What the index knows of itself. */
export interface IndexState {
  /** Records before this place are in the index. Pack 0 while the index is being made anew. */
  readonly pack: number
  readonly offset: number
  /** Chunks held, and their bytes. */
  readonly chunks: number
  readonly bytes: number
}

const CHUNK_PREFIX = 0x63 // c
const SPACE_PREFIX = 0x73 // s

/** Between these lie the keys of all chunks, and of all spaces. */
export const CHUNK_KEYS = { from: Buffer.of(CHUNK_PREFIX), to: Buffer.of(CHUNK_PREFIX + 1) }
export const SPACE_KEYS = { from: Buffer.of(SPACE_PREFIX), to: Buffer.of(SPACE_PREFIX + 1) }
export const STATE_KEY = Buffer.from('m')

const ENTRY_HEADER_BYTES = 12
const STATE_BYTES = 28

/** @see docs/storage-format.md#index */
export function encodeChunkKey(id: ChunkId): Uint8Array {
  const key = Buffer.allocUnsafe(33)
  key[0] = CHUNK_PREFIX
  key.write(id, 1, 32, 'hex')
  return key
}

export function decodeChunkKey(key: Uint8Array): ChunkId {
  return chunkId.fromBytes(key.subarray(1))
}

export function encodeEntry(entry: IndexEntry): Uint8Array {
  const value = Buffer.allocUnsafe(ENTRY_HEADER_BYTES + 4 * entry.spaces.length)
  value.writeUInt32BE(entry.pack, 0)
  value.writeUInt32BE(entry.offset, 4)
  value.writeUInt32BE(entry.length, 8)
  for (const [index, space] of entry.spaces.entries()) value.writeUInt32BE(space, ENTRY_HEADER_BYTES + 4 * index)
  return value
}

/** @throws RangeError for what is no entry */
export function decodeEntry(bytes: Uint8Array): IndexEntry {
  const value = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  if (value.length < ENTRY_HEADER_BYTES || value.length % 4 !== 0) throw new RangeError('not an index entry')
  const spaces: number[] = []
  for (let at = ENTRY_HEADER_BYTES; at < value.length; at += 4) spaces.push(value.readUInt32BE(at))
  return { pack: value.readUInt32BE(0), offset: value.readUInt32BE(4), length: value.readUInt32BE(8), spaces }
}

export function encodeSpaceKey(space: number): Uint8Array {
  const key = Buffer.allocUnsafe(5)
  key[0] = SPACE_PREFIX
  key.writeUInt32BE(space, 1)
  return key
}

export function decodeSpace(key: Uint8Array, value: Uint8Array): readonly [space: number, id: SpaceId] {
  return [Buffer.from(key).readUInt32BE(1), spaceId.fromBytes(value)]
}

export function encodeState(state: IndexState): Uint8Array {
  const value = Buffer.alloc(STATE_BYTES)
  value.writeUInt32BE(FORMAT_VERSION, 0)
  value.writeUInt32BE(state.pack, 4)
  value.writeUInt32BE(state.offset, 8)
  value.writeBigUInt64BE(BigInt(state.chunks), 12)
  value.writeBigUInt64BE(BigInt(state.bytes), 20)
  return value
}

/** @returns `undefined` for another format's, or an unfinished, index: it is made anew then, from the packs */
export function decodeState(bytes: Uint8Array | undefined): IndexState | undefined {
  if (bytes === undefined || bytes.length !== STATE_BYTES) return undefined
  const value = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  if (value.readUInt32BE(0) !== FORMAT_VERSION || value.readUInt32BE(4) === 0) return undefined
  return {
    pack: value.readUInt32BE(4),
    offset: value.readUInt32BE(8),
    chunks: Number(value.readBigUInt64BE(12)),
    bytes: Number(value.readBigUInt64BE(20)),
  }
}
