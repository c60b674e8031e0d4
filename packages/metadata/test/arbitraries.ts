import {
  chunkId,
  deviceKey,
  MAX_CHUNK_BYTES,
  MAX_FILE_BYTES,
  NODE_KINDS,
  type NodeContent,
  type NodeId,
  type NodeKind,
  nameFault,
} from '@dittofs/interface'
import fc from 'fast-check'
import { packContent } from '../src/content-codec.ts'
import { MAX_TIME } from '../src/event.ts'
import { nodeIdFromBytes, ROOT_ID } from '../src/node-id.ts'
import type { LogRecord, Place, StateRecord } from '../src/record.ts'

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
const chunk = fc.record({
  id: bytes(32).map((id) => chunkId.fromBytes(id)),
  length: fc.integer({ min: 1, max: MAX_CHUNK_BYTES }),
})
const mtimeNs = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
const mode = fc.integer({ min: 0, max: 0o777 })
const time = fc.integer({ min: 0, max: MAX_TIME })
const writer = fc.maxSafeNat()
const vector = fc
  .uniqueArray(fc.tuple(writer, time), { selector: ([key]) => key, maxLength: 5 })
  .map((pairs) => new Map(pairs))

export const anyName = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
  .map((text) => text.normalize('NFC'))
  .filter((text) => nameFault(text) === undefined)

function nodeOf(kind: NodeKind): fc.Arbitrary<NodeId> {
  return bytes(12).map((random) => nodeIdFromBytes(kind, random))
}

const place: fc.Arbitrary<Place> = fc.record({
  parent: fc.oneof(fc.constant(ROOT_ID), nodeOf('directory')),
  name: anyName,
})

export function contentOf(kind: NodeKind): fc.Arbitrary<NodeContent> {
  if (kind === 'directory') return fc.record({ kind: fc.constant(kind), directory: fc.record({ mode, mtimeNs }) })
  if (kind === 'symlink') {
    const target = fc.string({ minLength: 1, maxLength: 100 }).filter((text) => !text.includes('\0'))
    return fc.record({ kind: fc.constant(kind), symlink: fc.record({ target, mtimeNs }) })
  }
  const inline = fc.array(chunk, { maxLength: 4 }).map((chunks) => ({
    size: chunks.reduce((sum, { length }) => sum + length, 0),
    content: { kind: 'inline' as const, chunks },
  }))
  const manifest = fc
    .tuple(
      bytes(32),
      fc.integer({ min: 1, max: 3 }),
      fc.integer({ min: 1, max: 2 ** 20 }),
      fc.integer({ min: 2 ** 20, max: MAX_FILE_BYTES }),
    )
    .map(([root, depth, chunkCount, size]) => ({
      size,
      content: { kind: 'manifest' as const, root: chunkId.fromBytes(root), depth, chunkCount },
    }))
  return fc
    .tuple(fc.oneof(inline, manifest), mtimeNs, mode)
    .map(([file, at, bits]) => ({ kind: 'file', file: { ...file, mtimeNs: at, mode: bits } }))
}

function stateOf(kind: NodeKind): fc.Arbitrary<StateRecord> {
  const placement = fc
    .tuple(time, place, fc.option(place, { nil: undefined }))
    .map(([t, to, from]) => (kind === 'directory' && from !== undefined ? { t, ...to, from } : { t, ...to }))
  const version = fc.tuple(time, vector, contentOf(kind)).map(([t, replaced, content]) => ({
    t,
    vector: kind === 'directory' ? new Map<number, number>() : replaced,
    content: packContent(content),
    size: content.kind === 'file' ? content.file.size : 0,
  }))
  const node = nodeOf(kind)
  return fc.oneof(
    fc.record({ type: fc.constant('state' as const), node, placement }),
    fc.record({ type: fc.constant('state' as const), node, version }),
    fc.record({ type: fc.constant('state' as const), node, placement, version }),
  )
}

/** Any record that a writer could write. */
export const anyRecord: fc.Arbitrary<LogRecord> = fc.oneof(
  fc.record({
    type: fc.constant('writer' as const),
    device: bytes(32).map((key) => deviceKey.fromBytes(key)),
    signature: bytes(64),
  }),
  fc.constantFrom(...NODE_KINDS).chain((kind) => stateOf(kind)),
  fc.record({
    type: fc.constant('delete' as const),
    node: fc.constantFrom(...NODE_KINDS).chain((kind) => nodeOf(kind)),
    t: time,
    cut: vector,
  }),
)
