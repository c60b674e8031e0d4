import { crc32 } from 'node:zlib'
import { type ChunkId, chunkId, DittoError, MAX_CHUNK_BYTES, type SpaceId, spaceId } from '@dittofs/interface'

/** Of packs and of the index beside them. */
export const FORMAT_VERSION = 1
export const PACK_HEADER_BYTES = 16
export const RECORD_HEADER_BYTES = 48

/** "DFSP" */
const PACK_MAGIC = 0x44465350
/** "REC", followed by the kind in one byte. */
const RECORD_MAGIC = 0x524543

const RECORD_KIND = { chunk: 1, grant: 2, space: 3 } as const

/** What a pack holds, one after the other. `space` is the short number a space has in this store. */
export type PackRecord =
  | { readonly kind: 'chunk'; readonly id: ChunkId; readonly space: number; readonly bytes: Uint8Array }
  /** Makes a chunk that is stored elsewhere available in one more space. */
  | { readonly kind: 'grant'; readonly id: ChunkId; readonly space: number }
  /** Says which space a number stands for. Stands in the same pack before every use of the number. */
  | { readonly kind: 'space'; readonly id: SpaceId; readonly space: number }

/** A record's header as read. `length` is what follows it: 0 but for chunks. */
export type RecordHeader =
  | { readonly kind: 'chunk' | 'grant'; readonly id: ChunkId; readonly space: number; readonly length: number }
  | { readonly kind: 'space'; readonly id: SpaceId; readonly space: number; readonly length: number }

/** The pack's file name: its number in 8 decimal digits. */
export function packName(pack: number): string {
  return `${String(pack).padStart(8, '0')}.pack`
}

/** @returns the number, or `undefined` for the name of something else */
export function parsePackName(name: string): number | undefined {
  const match = /^(\d{8,10})\.pack$/.exec(name)
  const pack = match === null ? 0 : Number(match[1])
  return pack >= 1 && pack <= 0xffff_ffff && packName(pack) === name ? pack : undefined
}

/** Bytes that a record takes in its pack. */
export function recordBytes(record: PackRecord): number {
  return RECORD_HEADER_BYTES + (record.kind === 'chunk' ? record.bytes.length : 0)
}

/** @see docs/storage-format.md#packs */
export function encodePackHeader(pack: number): Uint8Array {
  const header = Buffer.alloc(PACK_HEADER_BYTES)
  header.writeUInt32BE(PACK_MAGIC, 0)
  header.writeUInt32BE(FORMAT_VERSION, 4)
  header.writeUInt32BE(pack, 8)
  header.writeUInt32BE(crc32(header.subarray(0, 12)), 12)
  return header
}

/**
 * @returns whether this is the whole header of that pack
 * @throws DittoError DITTO_STORE_VERSION for a pack that a newer DittoFS wrote
 */
export function isPackHeader(bytes: Uint8Array, pack: number): boolean {
  if (bytes.length < PACK_HEADER_BYTES) return false
  const header = Buffer.from(bytes.buffer, bytes.byteOffset, PACK_HEADER_BYTES)
  if (header.readUInt32BE(0) !== PACK_MAGIC || header.readUInt32BE(12) !== crc32(header.subarray(0, 12))) return false
  if (header.readUInt32BE(4) > FORMAT_VERSION) {
    throw new DittoError(
      'DITTO_STORE_VERSION',
      `The chunk store was written by a newer DittoFS (pack format ${header.readUInt32BE(4)}); update this one.`,
    )
  }
  return header.readUInt32BE(4) === FORMAT_VERSION && header.readUInt32BE(8) === pack
}

/**
 * Writes a record's header.
 *
 * @param offset - where the header begins within the pack: part of the check, so that neither a header moved elsewhere
 *   nor a file that holds a copy of a pack is taken for records
 */
export function encodeRecordHeader(record: PackRecord, pack: number, offset: number, target: Buffer, at: number): void {
  target.writeUInt32BE(((RECORD_MAGIC << 8) | RECORD_KIND[record.kind]) >>> 0, at)
  target.writeUInt32BE(record.kind === 'chunk' ? record.bytes.length : 0, at + 4)
  target.writeUInt32BE(record.space, at + 8)
  target.write(record.id, at + 12, 32, 'hex')
  target.writeUInt32BE(recordCheck(target.subarray(at, at + 44), pack, offset), at + 44)
}

/** @returns the header at `at`, or `undefined` where none that is whole begins */
export function decodeRecordHeader(bytes: Buffer, at: number, pack: number, offset: number): RecordHeader | undefined {
  if (at + RECORD_HEADER_BYTES > bytes.length || bytes.readUIntBE(at, 3) !== RECORD_MAGIC) return undefined
  if (bytes.readUInt32BE(at + 44) !== recordCheck(bytes.subarray(at, at + 44), pack, offset)) return undefined
  const kind = bytes[at + 3]
  const length = bytes.readUInt32BE(at + 4)
  const space = bytes.readUInt32BE(at + 8)
  const id = bytes.subarray(at + 12, at + 44)
  if (kind === RECORD_KIND.chunk && length >= 1 && length <= MAX_CHUNK_BYTES) {
    return { kind: 'chunk', id: chunkId.fromBytes(id), space, length }
  }
  if (kind === RECORD_KIND.grant && length === 0) return { kind: 'grant', id: chunkId.fromBytes(id), space, length }
  if (kind === RECORD_KIND.space && length === 0) return { kind: 'space', id: spaceId.fromBytes(id), space, length }
  return undefined
}

const place = Buffer.alloc(8)

/** CRC-32 over pack number and offset, 4 bytes each, and the first 44 bytes of the header. */
function recordCheck(header: Uint8Array, pack: number, offset: number): number {
  place.writeUInt32BE(pack, 0)
  place.writeUInt32BE(offset, 4)
  return crc32(header, crc32(place))
}
