import {
  type Chunk,
  chunkId,
  DittoError,
  MAX_CHUNK_BYTES,
  MAX_UPDATE_BYTES,
  type SpaceId,
  spaceId,
} from '@dittofs/interface'

/** What stands in the parts of a bundle. @see docs/protocol.md#bundle */
export type BundleRecord =
  | { readonly type: 'start'; readonly space: SpaceId }
  | { readonly type: 'statement'; readonly bytes: Uint8Array }
  | { readonly type: 'metadata'; readonly message: Uint8Array }
  | { readonly type: 'chunk'; readonly chunk: Chunk }

const TYPES = { start: 1, statement: 2, metadata: 3, chunk: 4 } as const satisfies Record<BundleRecord['type'], number>
const HEAD_BYTES = 5
const ID_BYTES = 32
const MAX_STATEMENT_RECORD_BYTES = 1024

export function encodeRecord(record: BundleRecord): Uint8Array {
  const body = bodyOf(record)
  const head = Buffer.alloc(HEAD_BYTES)
  head[0] = TYPES[record.type]
  head.writeUInt32BE(body.length, 1)
  return Buffer.concat([head, body])
}

function bodyOf(record: BundleRecord): Uint8Array {
  switch (record.type) {
    case 'start':
      return spaceId.toBytes(record.space)
    case 'statement':
      return record.bytes
    case 'metadata':
      return record.message
    case 'chunk':
      return Buffer.concat([chunkId.toBytes(record.chunk.id), record.chunk.bytes])
  }
}

/**
 * The records of a part. Those of a type that this version does not know are passed over.
 *
 * @throws DittoError DITTO_BUNDLE_DAMAGED
 */
export function decodeRecords(content: Uint8Array): BundleRecord[] {
  const view = Buffer.from(content.buffer, content.byteOffset, content.length)
  const records: BundleRecord[] = []
  for (let at = 0; at < view.length; ) {
    if (at + HEAD_BYTES > view.length) throw malformed()
    const type = view[at] ?? 0
    const end = at + HEAD_BYTES + view.readUInt32BE(at + 1)
    if (end > view.length) throw malformed()
    const record = decodeBody(type, Uint8Array.from(view.subarray(at + HEAD_BYTES, end)))
    if (record !== undefined) records.push(record)
    at = end
  }
  return records
}

function decodeBody(type: number, body: Uint8Array): BundleRecord | undefined {
  switch (type) {
    case TYPES.start:
      if (body.length !== ID_BYTES) throw malformed()
      return { type: 'start', space: spaceId.fromBytes(body) }
    case TYPES.statement:
      if (body.length > MAX_STATEMENT_RECORD_BYTES) throw malformed()
      return { type: 'statement', bytes: body }
    case TYPES.metadata:
      if (body.length > MAX_UPDATE_BYTES) throw malformed()
      return { type: 'metadata', message: body }
    case TYPES.chunk: {
      const length = body.length - ID_BYTES
      if (length < 1 || length > MAX_CHUNK_BYTES) throw malformed()
      return {
        type: 'chunk',
        chunk: { id: chunkId.fromBytes(body.subarray(0, ID_BYTES)), bytes: body.slice(ID_BYTES) },
      }
    }
    default:
      return undefined
  }
}

function malformed(): DittoError {
  return new DittoError('DITTO_BUNDLE_DAMAGED', 'The bundle cannot be read: a part of it is not well-formed.')
}
