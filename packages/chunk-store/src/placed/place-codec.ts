import { type ChunkId, chunkId, type SpaceId, spaceId } from '@dittofs/interface'

/** Where a chunk's bytes lie in a file. */
export interface Place {
  /** Short number of the space in which that makes it available. */
  readonly space: number
  /** Number of the file. */
  readonly file: number
  /** Bytes from the beginning of the file. */
  readonly offset: number
  readonly length: number
}

/** A file as the table knows it. */
export interface FileRow {
  readonly key: string
  readonly space: number
}

const PLACE_BYTES = 18
const CHUNK = 0x63 // c: chunk -> places
const FILE = 0x66 // f: file and chunk -> nothing
const KEY = 0x6b // k: key -> file
const MORE = 0x6d // m: chunk and file -> a place past those of the chunk's own row
const NUMBER = 0x6e // n: file -> key and space
const SPACE = 0x73 // s: space number -> space ID

export const CHUNK_ROWS = { from: Buffer.of(CHUNK), to: Buffer.of(CHUNK + 1) }
export const NUMBER_ROWS = { from: Buffer.of(NUMBER), to: Buffer.of(NUMBER + 1) }
export const SPACE_ROWS = { from: Buffer.of(SPACE), to: Buffer.of(SPACE + 1) }

/** @see docs/storage-format.md#places */
export function encodePlaces(places: readonly Place[]): Uint8Array {
  const value = Buffer.allocUnsafe(places.length * PLACE_BYTES)
  for (const [nth, { space, file, offset, length }] of places.entries()) {
    const at = nth * PLACE_BYTES
    value.writeUInt32BE(space, at)
    value.writeUInt32BE(file, at + 4)
    value.writeUIntBE(offset, at + 8, 6)
    value.writeUInt32BE(length, at + 14)
  }
  return value
}

/** @throws RangeError for what are no places */
export function decodePlaces(bytes: Uint8Array): Place[] {
  if (bytes.length % PLACE_BYTES !== 0) throw new RangeError('not a list of places')
  const value = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const places: Place[] = []
  for (let at = 0; at < value.length; at += PLACE_BYTES) {
    places.push({
      space: value.readUInt32BE(at),
      file: value.readUInt32BE(at + 4),
      offset: value.readUIntBE(at + 8, 6),
      length: value.readUInt32BE(at + 14),
    })
  }
  return places
}

export function chunkRow(id: ChunkId): Uint8Array {
  return Buffer.concat([CHUNK_ROWS.from, chunkId.toBytes(id)])
}

export function chunkOfRow(key: Uint8Array): ChunkId {
  return chunkId.fromBytes(key.subarray(1))
}

export function fileChunkRow(file: number, id: ChunkId): Uint8Array {
  return Buffer.concat([numbered(FILE, file), chunkId.toBytes(id)])
}

/** The rows of all chunks of a file. */
export function fileChunkRows(file: number): { readonly from: Uint8Array; readonly to: Uint8Array } {
  return { from: numbered(FILE, file), to: numbered(FILE, file + 1) }
}

export function morePlacesRow(id: ChunkId, file: number): Uint8Array {
  return Buffer.concat([Buffer.of(MORE), chunkId.toBytes(id), encodeFileNumber(file)])
}

/** The rows of all places of a chunk past those of its own row. */
export function morePlacesRows(id: ChunkId): { readonly from: Uint8Array; readonly to: Uint8Array } {
  return { from: morePlacesRow(id, 0), to: morePlacesRow(id, 0xffff_ffff) }
}

export function chunkOfFileRow(key: Uint8Array): ChunkId {
  return chunkId.fromBytes(key.subarray(5))
}

export function keyRow(key: string): Uint8Array {
  return Buffer.concat([Buffer.of(KEY), Buffer.from(key)])
}

export function encodeFileNumber(file: number): Uint8Array {
  const value = Buffer.allocUnsafe(4)
  value.writeUInt32BE(file)
  return value
}

export function decodeFileNumber(value: Uint8Array): number {
  return Buffer.from(value).readUInt32BE()
}

export function numberRow(file: number): Uint8Array {
  return numbered(NUMBER, file)
}

export function fileOfNumberRow(key: Uint8Array): number {
  return Buffer.from(key).readUInt32BE(1)
}

export function encodeFile({ key, space }: FileRow): Uint8Array {
  return Buffer.concat([encodeFileNumber(space), Buffer.from(key)])
}

export function decodeFile(value: Uint8Array): FileRow {
  return { space: decodeFileNumber(value), key: Buffer.from(value.subarray(4)).toString() }
}

export function spaceRow(space: number): Uint8Array {
  return numbered(SPACE, space)
}

export function decodeSpaceRow(key: Uint8Array, value: Uint8Array): readonly [space: number, id: SpaceId] {
  return [Buffer.from(key).readUInt32BE(1), spaceId.fromBytes(value)]
}

function numbered(prefix: number, number: number): Buffer {
  const key = Buffer.allocUnsafe(5)
  key[0] = prefix
  key.writeUInt32BE(number, 1)
  return key
}
