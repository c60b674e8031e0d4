import {
  type ChunkId,
  type ChunkRef,
  type ContentRef,
  chunkId,
  MAX_CHUNK_BYTES,
  MAX_FILE_BYTES,
  MAX_INLINE_CHUNKS,
  MAX_MANIFEST_DEPTH,
  MAX_MANIFEST_NODE_ENTRIES,
  type NodeContent,
  type NodeKind,
} from '@dittofs/interface'
import { ByteReader, MalformedBytes } from './byte-reader.ts'
import { ByteWriter } from './byte-writer.ts'

/** Bytes of a symlink's target. */
export const MAX_TARGET_BYTES = 4095

const INLINE = 0
const MANIFEST = 1
const MTIME_BYTES = 8
const MODE_BYTES = 2
const CHUNK_ID_BYTES = 32
const MAX_CHUNK_COUNT = MAX_MANIFEST_NODE_ENTRIES ** MAX_MANIFEST_DEPTH
const MIN_INT64 = -(2n ** 63n)
const MAX_INT64 = 2n ** 63n - 1n

/**
 * Packs a content, one character a byte. Memory holds it in this form: a third of what the objects take.
 *
 * @throws RangeError, TypeError for a content that no reader would take
 */
export function packContent(content: NodeContent): string {
  const writer = new ByteWriter(64)
  if (content.kind === 'file') {
    const { file } = content
    writeMtime(writer, file.mtimeNs)
    writeMode(writer, file.mode)
    if (!Number.isInteger(file.size)) throw new RangeError('a size is a whole number of bytes')
    writer.varUint(file.size)
    writeContentRef(writer, file.content)
  } else if (content.kind === 'directory') {
    writeMtime(writer, content.directory.mtimeNs)
    writeMode(writer, content.directory.mode)
  } else {
    writeMtime(writer, content.symlink.mtimeNs)
    writer.text(content.symlink.target)
  }
  const packed = writer.finish()
  const reader = new ByteReader(packed)
  try {
    readContent(content.kind, reader)
  } catch (error) {
    if (error instanceof MalformedBytes) throw new RangeError(`this content cannot be stored: ${error.message}`)
    throw error
  }
  return packed.toString('latin1')
}

/** The content a record carried; `packed` was checked when the record was read. */
export function unpackContent(kind: NodeKind, packed: string): NodeContent {
  return readContent(kind, new ByteReader(Buffer.from(packed, 'latin1')))
}

/** Modification time of a packed content, in nanoseconds since the Unix epoch. */
export function packedMtimeNs(packed: string): bigint {
  return Buffer.from(packed.slice(0, MTIME_BYTES), 'latin1').readBigInt64BE()
}

/** Equal for versions with the same bytes: times and modes do not make a conflict. */
export function contentKey(kind: NodeKind, packed: string): string {
  return packed.slice(kind === 'symlink' ? MTIME_BYTES : MTIME_BYTES + MODE_BYTES)
}

/**
 * Passes over a content, makes nothing of it.
 *
 * @returns the bytes of a file, 0 for anything else
 * @throws MalformedBytes for anything {@link packContent} would not have written
 */
export function checkContent(kind: NodeKind, reader: ByteReader): number {
  if (kind === 'symlink') {
    readContent(kind, reader)
    return 0
  }
  reader.skip(MTIME_BYTES)
  readMode(reader)
  if (kind === 'directory') return 0
  const size = readSize(reader)
  readContentRef(reader, size, undefined)
  return size
}

/** @throws MalformedBytes for anything {@link packContent} would not have written */
export function readContent(kind: NodeKind, reader: ByteReader): NodeContent {
  const mtimeNs = readMtime(reader)
  if (kind === 'symlink') {
    const target = reader.text(MAX_TARGET_BYTES)
    if (target === '' || target.includes('\0')) throw new MalformedBytes('a symlink needs a target')
    return { kind, symlink: { target, mtimeNs } }
  }
  const mode = readMode(reader)
  if (kind === 'directory') return { kind, directory: { mode, mtimeNs } }
  const size = readSize(reader)
  const content = readContentRef(reader, size, [])
  return { kind, file: { size, mtimeNs, mode, content } }
}

function readSize(reader: ByteReader): number {
  const size = reader.varUint()
  if (size > MAX_FILE_BYTES) throw new MalformedBytes('a file is too large')
  return size
}

function writeMtime(writer: ByteWriter, mtimeNs: bigint): void {
  // Dates beyond the years 1677 and 2262 are brought to the nearest that 64 bits hold.
  writer.int64(mtimeNs < MIN_INT64 ? MIN_INT64 : mtimeNs > MAX_INT64 ? MAX_INT64 : mtimeNs)
}

function readMtime(reader: ByteReader): bigint {
  const bytes = reader.take(MTIME_BYTES)
  return Buffer.from(bytes.buffer, bytes.byteOffset, MTIME_BYTES).readBigInt64BE()
}

function writeMode(writer: ByteWriter, mode: number): void {
  writer.byte((mode >> 8) & 0xff)
  writer.byte(mode & 0xff)
}

function readMode(reader: ByteReader): number {
  const mode = reader.byte() * 0x100 + reader.byte()
  if (mode > 0o777) throw new MalformedBytes('a mode has more than its 9 permission bits')
  return mode
}

function writeContentRef(writer: ByteWriter, content: ContentRef): void {
  if (content.kind === 'inline') {
    writer.byte(INLINE)
    writer.varUint(content.chunks.length)
    for (const chunk of content.chunks) {
      writer.raw(chunkId.toBytes(chunk.id))
      writer.varUint(chunk.length)
    }
  } else {
    writer.byte(MANIFEST)
    writer.raw(chunkId.toBytes(content.root))
    writer.byte(content.depth)
    writer.varUint(content.chunkCount)
  }
}

/** @param chunks - takes the inline chunks; `undefined` to check only, and then nothing is made */
function readContentRef(reader: ByteReader, size: number, chunks: ChunkRef[]): ContentRef
function readContentRef(reader: ByteReader, size: number, chunks: undefined): undefined
function readContentRef(reader: ByteReader, size: number, chunks: ChunkRef[] | undefined): ContentRef | undefined {
  const kind = reader.byte()
  if (kind === INLINE) {
    const count = reader.varUint()
    if (count > MAX_INLINE_CHUNKS) throw new MalformedBytes('too many inline chunks')
    let sum = 0
    for (let index = 0; index < count; index += 1) {
      const at = reader.skip(CHUNK_ID_BYTES)
      const length = reader.varUint()
      if (length === 0 || length > MAX_CHUNK_BYTES) throw new MalformedBytes('a chunk has an impossible length')
      sum += length
      chunks?.push({ id: idAt(reader, at), length })
    }
    if (sum !== size) throw new MalformedBytes('the chunks do not add up to the size')
    return chunks === undefined ? undefined : { kind: 'inline', chunks }
  }
  if (kind !== MANIFEST) throw new MalformedBytes('unknown kind of content')
  const rootAt = reader.skip(CHUNK_ID_BYTES)
  const depth = reader.byte()
  if (depth === 0 || depth > MAX_MANIFEST_DEPTH) throw new MalformedBytes('a manifest has an impossible depth')
  const chunkCount = reader.varUint()
  if (chunkCount === 0 || chunkCount > MAX_CHUNK_COUNT || chunkCount > size) {
    throw new MalformedBytes('a manifest has an impossible number of chunks')
  }
  return chunks === undefined ? undefined : { kind: 'manifest', root: idAt(reader, rootAt), depth, chunkCount }
}

function idAt(reader: ByteReader, start: number): ChunkId {
  return chunkId.fromBytes(reader.bytes.subarray(start, start + CHUNK_ID_BYTES))
}
