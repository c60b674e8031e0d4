import { deviceKey, MAX_NAME_BYTES, type NodeId, type NodeKind, nameFault } from '@dittofs/interface'
import { ByteReader, MalformedBytes } from './byte-reader.ts'
import { ByteWriter } from './byte-writer.ts'
import { checkContent } from './content-codec.ts'
import { MAX_TIME, type Writer } from './event.ts'
import { kindOfNode, NODE_ID_BYTES, nodeIdBytes, nodeIdFromBytes, ROOT_ID } from './node-id.ts'
import type { LogRecord, Place, PlacementPart, StateRecord, VersionPart } from './record.ts'
import { EMPTY_VECTOR, type VersionVector } from './version-vector.ts'

/** First byte of every record. Readers ignore, and count, records of a format they do not know. */
export const RECORD_FORMAT = 1
/** Packed bytes of one record. */
export const MAX_RECORD_BYTES = 64 * 1024
/** Writers named in one vector or cut. */
export const MAX_VECTOR_WRITERS = 4096

const SIGNATURE_BYTES = 64
const KEY_BYTES = 32

const TYPE_WRITER = 0
const TYPE_STATE = 1
const TYPE_DELETE = 2

const HAS_PLACEMENT = 1
const HAS_FROM = 2
const HAS_VERSION = 4
const ALL_PARTS = HAS_PLACEMENT | HAS_FROM | HAS_VERSION

const PARENT_ROOT = 0
const PARENT_NODE = 1

const KIND_CODES = { file: 0, directory: 1, symlink: 2 } as const satisfies Record<NodeKind, number>
const KINDS_BY_CODE: readonly NodeKind[] = ['file', 'directory', 'symlink']

/**
 * Packs a record as the string that stands in a log.
 *
 * @throws RangeError when the record is longer than MAX_RECORD_BYTES
 * @see docs/metadata.md#records
 */
export function encodeRecord(record: LogRecord): string {
  const writer = new ByteWriter()
  writer.byte(RECORD_FORMAT)
  if (record.type === 'writer') {
    writer.byte(TYPE_WRITER)
    writer.raw(deviceKey.toBytes(record.device))
    writer.raw(record.signature)
  } else if (record.type === 'state') {
    writer.byte(TYPE_STATE)
    writeNode(writer, record.node)
    writeState(writer, record)
  } else {
    writer.byte(TYPE_DELETE)
    writeNode(writer, record.node)
    writer.varUint(record.t)
    writeVector(writer, record.cut)
  }
  if (writer.length > MAX_RECORD_BYTES) throw new RangeError(`a record is at most ${MAX_RECORD_BYTES} bytes long`)
  return writer.finish().toString('base64')
}

/**
 * Reads an entry of a log. Total: anything at all gives a record or `undefined`, and what gives a record is exactly
 * what {@link encodeRecord} makes of it.
 */
export function decodeRecord(entry: string): LogRecord | undefined {
  const bytes = Buffer.from(entry, 'base64')
  if (bytes.length > MAX_RECORD_BYTES || bytes.toString('base64') !== entry) return undefined
  try {
    const reader = new ByteReader(bytes)
    const record = readRecord(reader)
    return reader.isAtEnd ? record : undefined
  } catch (error) {
    if (error instanceof MalformedBytes) return undefined
    throw error
  }
}

function readRecord(reader: ByteReader): LogRecord {
  if (reader.byte() !== RECORD_FORMAT) throw new MalformedBytes('unknown format')
  const type = reader.byte()
  if (type === TYPE_WRITER) {
    const device = deviceKey.fromBytes(reader.take(KEY_BYTES))
    return { type: 'writer', device, signature: new Uint8Array(reader.take(SIGNATURE_BYTES)) }
  }
  if (type === TYPE_STATE) return readState(reader, readNode(reader))
  if (type !== TYPE_DELETE) throw new MalformedBytes('unknown type')
  const node = readNode(reader)
  const t = readTime(reader)
  return { type: 'delete', node, t, cut: readVector(reader) }
}

function writeState(writer: ByteWriter, record: StateRecord): void {
  const { placement, version } = record
  const from = placement?.from
  writer.byte(
    (placement === undefined ? 0 : HAS_PLACEMENT) |
      (from === undefined ? 0 : HAS_FROM) |
      (version === undefined ? 0 : HAS_VERSION),
  )
  if (placement !== undefined) {
    writer.varUint(placement.t)
    writePlace(writer, placement)
  }
  if (from !== undefined) writePlace(writer, from)
  if (version !== undefined) {
    writer.varUint(version.t)
    writeVector(writer, version.vector)
    writer.raw(Buffer.from(version.content, 'latin1'))
  }
}

function readState(reader: ByteReader, node: NodeId): StateRecord {
  const kind = kindOfNode(node)
  const parts = reader.byte()
  if ((parts & ~ALL_PARTS) !== 0 || (parts & (HAS_PLACEMENT | HAS_VERSION)) === 0) {
    throw new MalformedBytes('unknown parts')
  }
  let placement: PlacementPart | undefined
  if ((parts & HAS_PLACEMENT) !== 0) {
    const t = readTime(reader)
    const { parent, name } = readPlace(reader)
    placement = { t, parent, name }
  }
  if ((parts & HAS_FROM) !== 0) {
    if (placement === undefined || kind !== 'directory') throw new MalformedBytes('only directories leave a place')
    placement = { ...placement, from: readPlace(reader) }
  }
  const version = (parts & HAS_VERSION) === 0 ? undefined : readVersion(reader, kind)
  if (placement === undefined) return version === undefined ? fail() : { type: 'state', node, version }
  return version === undefined ? { type: 'state', node, placement } : { type: 'state', node, placement, version }
}

function fail(): never {
  throw new MalformedBytes('a state without parts')
}

function readVersion(reader: ByteReader, kind: NodeKind): VersionPart {
  const t = readTime(reader)
  const vector = readVector(reader)
  if (kind === 'directory' && vector.size > 0) throw new MalformedBytes('directories have no vector')
  const start = reader.offset
  const size = checkContent(kind, reader)
  const packed = Buffer.from(reader.bytes.buffer, reader.bytes.byteOffset + start, reader.offset - start)
  return { t, vector, content: packed.toString('latin1'), size }
}

function writeNode(writer: ByteWriter, node: NodeId): void {
  writer.byte(KIND_CODES[kindOfNode(node)])
  writer.raw(nodeIdBytes(node))
}

function readNode(reader: ByteReader): NodeId {
  const kind = KINDS_BY_CODE[reader.byte()]
  if (kind === undefined) throw new MalformedBytes('unknown kind of node')
  return nodeIdFromBytes(kind, reader.take(NODE_ID_BYTES))
}

function writePlace(writer: ByteWriter, place: Place): void {
  if (place.parent === ROOT_ID) {
    writer.byte(PARENT_ROOT)
  } else {
    writer.byte(PARENT_NODE)
    writer.raw(nodeIdBytes(place.parent))
  }
  writer.text(place.name)
}

function readPlace(reader: ByteReader): Place {
  const code = reader.byte()
  if (code !== PARENT_ROOT && code !== PARENT_NODE) throw new MalformedBytes('unknown kind of parent')
  const parent = code === PARENT_ROOT ? ROOT_ID : nodeIdFromBytes('directory', reader.take(NODE_ID_BYTES))
  const name = reader.text(MAX_NAME_BYTES)
  if (nameFault(name) !== undefined) throw new MalformedBytes('a name that cannot be used')
  return { parent, name }
}

function readTime(reader: ByteReader): number {
  const t = reader.varUint()
  if (t > MAX_TIME) throw new MalformedBytes('a time past the end of the clock')
  return t
}

function writeVector(writer: ByteWriter, vector: VersionVector): void {
  writer.varUint(vector.size)
  for (const [w, t] of [...vector].sort(([a], [b]) => a - b)) {
    writer.varUint(w)
    writer.varUint(t)
  }
}

function readVector(reader: ByteReader): VersionVector {
  const size = reader.varUint()
  if (size === 0) return EMPTY_VECTOR
  if (size > MAX_VECTOR_WRITERS) throw new MalformedBytes('a vector with too many writers')
  const vector = new Map<Writer, number>()
  let last = -1
  for (let index = 0; index < size; index += 1) {
    const writer = reader.varUint()
    if (writer <= last) throw new MalformedBytes('the writers of a vector are not in order')
    last = writer
    vector.set(writer, readTime(reader))
  }
  return vector
}
