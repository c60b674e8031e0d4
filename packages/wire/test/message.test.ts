import { createHash } from 'node:crypto'
import { MAX_FRAME_BYTES, MAX_IDS_PER_REQUEST } from '@dittofs/interface'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeCbor } from '../src/cbor.ts'
import { CHUNKS_SCHEMA, encodeChunks } from '../src/chunks-message.ts'
import { record } from '../src/field.ts'
import { decodeMessage, encodeMessage, MESSAGE_FIELDS, wantedCount } from '../src/message.ts'
import { MESSAGE_TYPE } from '../src/message-type.ts'
import { METADATA_SCHEMA } from '../src/metadata-message.ts'
import { encodePackedChunks, PACKED_CHUNKS_SCHEMA } from '../src/packed-chunks-message.ts'
import { PROTOCOL_HISTORY, PROTOCOL_VERSIONS } from '../src/protocol-version.ts'
import { RECIPE_SCHEMA } from '../src/recipe-steps.ts'
import { codeOf } from './support/code-of.ts'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const unhex = (...parts: string[]) => new Uint8Array(Buffer.from(parts.join('').replaceAll(' ', ''), 'hex'))

/** Each message with its bytes on the wire. A change here is a change of the protocol. */
const VECTORS: [ReturnType<typeof decodeMessage>, string[]][] = [
  [
    { type: 'hello', versions: [1], instance: unhex('000102030405060708090a0b0c0d0e0f') },
    [
      '01', // type hello
      'a2', // map of 2, shorter keys first
      '68 696e7374616e6365', // "instance"
      '50 000102030405060708090a0b0c0d0e0f', // 16 bytes
      '68 76657273696f6e73', // "versions"
      '81 01', // [1]
    ],
  ],
  [
    { type: 'hello', versions: [1], instance: unhex('000102030405060708090a0b0c0d0e0f'), time: 1_700_000_000_000 },
    [
      '01', // type hello
      'a3', // map of 3, shorter keys first
      '64 74696d65', // "time"
      '1b 0000018bcfe56800', // milliseconds since the Unix epoch
      '68 696e7374616e6365', // "instance"
      '50 000102030405060708090a0b0c0d0e0f', // 16 bytes
      '68 76657273696f6e73', // "versions"
      '81 01', // [1]
    ],
  ],
  [
    { type: 'spaces', spaces: [{ number: 3, id: unhex('11'.repeat(32)), name: 'home' }], device: 'laptop' },
    [
      '02', // type spaces
      'a2', // map of 2
      '66 646576696365', // "device"
      '66 6c6170746f70', // "laptop"
      '66 737061636573', // "spaces"
      '81 a3', // list of 1: map of 3
      '62 6964 5820', // "id", 32 bytes
      '11'.repeat(32),
      '64 6e616d65 64 686f6d65', // "name": "home"
      '66 6e756d626572 03', // "number": 3
    ],
  ],
  [
    { type: 'bye', code: 0 },
    ['03', 'a1', '64 636f6465', '00'], // type bye, map of 1, "code": 0
  ],
  [
    { type: 'ping', nonce: 7 },
    ['04', 'a1', '65 6e6f6e6365', '07'], // type ping, map of 1, "nonce": 7
  ],
  [
    { type: 'pong', nonce: 0xffff_ffff },
    ['05', 'a1', '65 6e6f6e6365', '1affffffff'], // type pong, map of 1, "nonce": 2^32-1
  ],
  [
    { type: 'metadata', space: 3, hasMore: true, isHello: false, bytes: unhex('abcd') },
    [
      '30', // type metadata
      '00000003', // space 3
      '01', // flags: more parts follow
      'abcd', // bytes
    ],
  ],
  [
    {
      type: 'digests',
      space: 3,
      state: unhex('44'.repeat(32)),
      logs: unhex('0000000000001267', '55'.repeat(32)),
      hasMore: false,
    },
    [
      '31', // type digests
      'a4', // map of 4
      '64 6c6f6773 5828', // "logs", 40 bytes: one log
      '0000000000001267', // log 4711
      '55'.repeat(32), // its digest
      '65 7370616365 03', // "space": 3
      '65 7374617465 5820', // "state", 32 bytes
      '44'.repeat(32),
      '67 6861734d6f7265 f4', // "hasMore": false
    ],
  ],
  [
    { type: 'wantLog', space: 3, log: 4711, from: 513 },
    [
      '32', // type wantLog
      'a3', // map of 3
      '63 6c6f67 191267', // "log": 4711
      '64 66726f6d 190201', // "from": clock 513
      '65 7370616365 03', // "space": 3
    ],
  ],
  [
    { type: 'logPart', space: 3, log: 4711, from: 513, to: 514, end: 900, update: unhex('abcd') },
    [
      '33', // type logPart
      'a6', // map of 6
      '62 746f 190202', // "to": clock 514
      '63 656e64 190384', // "end": clock 900
      '63 6c6f67 191267', // "log": 4711
      '64 66726f6d 190201', // "from": clock 513
      '65 7370616365 03', // "space": 3
      '66 757064617465 42 abcd', // "update", 2 bytes
    ],
  ],
  [
    { type: 'want', request: 9, space: 3, ids: unhex('22'.repeat(64)) },
    [
      '40', // type want
      'a3', // map of 3
      '63 696473 5840', // "ids", 64 bytes: two IDs
      '22'.repeat(64),
      '65 7370616365 03', // "space": 3
      '67 72657175657374 09', // "request": 9
    ],
  ],
  [
    {
      type: 'want',
      request: 10,
      space: 3,
      manifest: {
        root: unhex('33'.repeat(32)),
        depth: 1,
        chunks: 300,
        size: 0x1_0000_0000,
        ranges: [{ first: 100, count: 200 }],
      },
    },
    [
      '40', // type want
      'a3', // map of 3
      '65 7370616365 03', // "space": 3
      '67 72657175657374 0a', // "request": 10
      '68 6d616e6966657374', // "manifest"
      'a5', // map of 5
      '64 726f6f74 5820', // "root", 32 bytes
      '33'.repeat(32),
      '64 73697a65 1b0000000100000000', // "size": 4 GiB
      '65 6465707468 01', // "depth": 1
      '66 6368756e6b73 19012c', // "chunks": 300
      '66 72616e676573', // "ranges"
      '81 a2', // list of 1: map of 2
      '65 636f756e74 18c8', // "count": 200
      '65 6669727374 1864', // "first": 100
    ],
  ],
  [
    {
      type: 'chunks',
      request: 9,
      records: [
        { index: 0, bytes: unhex('aa') },
        { index: 4095, bytes: unhex('bbcc') },
      ],
    },
    [
      '41', // type chunks
      '00000009', // request 9
      '0000 00000001 aa', // index 0, length 1, bytes
      '0fff 00000002 bbcc', // index 4095, length 2, bytes
    ],
  ],
  [
    { type: 'absent', request: 9, indexes: [1, 2] },
    [
      '42', // type absent
      'a2', // map of 2
      '67 696e6465786573 820102', // "indexes": [1, 2]
      '67 72657175657374 09', // "request": 9
    ],
  ],
  [
    { type: 'cancel', request: 9 },
    ['43', 'a1', '67 72657175657374 09'], // type cancel, map of 1, "request": 9
  ],
  [
    { type: 'askKept', request: 9, space: 3, versions: [{ node: 'fAB', version: 'k:7' }] },
    [
      '45',
      'a3', // type askKept, map of 3
      '65 7370616365 03', // "space": 3
      '67 72657175657374 09', // "request": 9
      '68 76657273696f6e73 81', // "versions": list of 1
      'a2 64 6e6f6465 63 664142', // map of 2, "node": "fAB"
      '67 76657273696f6e 63 6b3a37', // "version": "k:7"
    ],
  ],
  [
    { type: 'kept', request: 9, indexes: [0, 5] },
    [
      '46',
      'a2', // type kept, map of 2
      '67 696e6465786573 82 00 05', // "indexes": 0 and 5
      '67 72657175657374 09', // "request": 9
    ],
  ],
  [
    { type: 'askEcho', request: 9, pattern: 4, seed: unhex('77'.repeat(16)), bytes: unhex('00000000 01') },
    [
      '4c',
      'a4', // type askEcho, map of 4
      '64 73656564 50', // "seed", 16 bytes
      '77'.repeat(16),
      '65 6279746573 45 00000000 01', // "bytes": 5 bytes
      '67 7061747465726e 04', // "pattern": 4
      '67 72657175657374 09', // "request": 9
    ],
  ],
  [
    {
      ...{ type: 'echo', request: 9, outcome: 0, differsAt: 4 },
      ...{ digests: unhex('88'.repeat(32)), bytes: unhex('00000000 02') },
    },
    [
      '4d',
      'a5', // type echo, map of 5
      '65 6279746573 45 00000000 02', // "bytes": 5 bytes
      '67 64696765737473 5820', // "digests", 32 bytes
      '88'.repeat(32),
      '67 6f7574636f6d65 00', // "outcome": 0
      '67 72657175657374 09', // "request": 9
      '69 646966666572734174 04', // "differsAt": 4
    ],
  ],
  [
    { type: 'want', request: 9, space: 3, ids: unhex('22'.repeat(32)), packBelow: 1_000_000 },
    [
      '40',
      'a4', // type want, map of 4
      '63 696473 5820', // "ids", 32 bytes
      '22'.repeat(32),
      '65 7370616365 03', // "space": 3
      '67 72657175657374 09', // "request": 9
      '69 7061636b42656c6f77 1a000f4240', // "packBelow": 1,000,000
    ],
  ],
  [
    {
      type: 'askOutline',
      request: 9,
      space: 3,
      manifest: { root: unhex('33'.repeat(32)), depth: 1, chunks: 300, size: 0x12_c000 },
      first: 0,
      count: 300,
    },
    [
      '47',
      'a5', // type askOutline, map of 5
      '65 636f756e74 19012c', // "count": 300
      '65 6669727374 00', // "first": 0
      '65 7370616365 03', // "space": 3
      '67 72657175657374 09', // "request": 9
      '68 6d616e6966657374 a4', // "manifest": map of 4
      '64 726f6f74 5820', // "root", 32 bytes
      '33'.repeat(32),
      '64 73697a65 1a0012c000', // "size": 1,228,800
      '65 6465707468 01', // "depth": 1
      '66 6368756e6b73 19012c', // "chunks": 300
    ],
  ],
  [
    { type: 'outline', request: 9, hooks: unhex('010203040506', '0708090a0b0c') },
    [
      '48',
      'a2', // type outline, map of 2
      '65 686f6f6b73 4c 010203040506 0708090a0b0c', // "hooks": two of 6 bytes
      '67 72657175657374 09', // "request": 9
    ],
  ],
  [
    {
      type: 'askRecipe',
      request: 9,
      space: 3,
      manifest: { root: unhex('33'.repeat(32)), depth: 1, chunks: 300, size: 0x12_c000 },
      first: 0,
      count: 300,
      references: [
        {
          root: unhex('44'.repeat(32)),
          depth: 2,
          chunks: 5000,
          size: 0x1388_0000,
          ranges: [{ first: 4096, count: 512 }],
        },
      ],
    },
    [
      '49',
      'a6', // type askRecipe, map of 6
      '65 636f756e74 19012c', // "count": 300
      '65 6669727374 00', // "first": 0
      '65 7370616365 03', // "space": 3
      '67 72657175657374 09', // "request": 9
      '68 6d616e6966657374 a4', // "manifest": map of 4
      '64 726f6f74 5820', // "root", 32 bytes
      '33'.repeat(32),
      '64 73697a65 1a0012c000', // "size": 1,228,800
      '65 6465707468 01', // "depth": 1
      '66 6368756e6b73 19012c', // "chunks": 300
      '6a 7265666572656e636573 81 a5', // "references": list of 1: map of 5
      '64 726f6f74 5820', // "root", 32 bytes
      '44'.repeat(32),
      '64 73697a65 1a13880000', // "size": 327,680,000
      '65 6465707468 02', // "depth": 2
      '66 6368756e6b73 191388', // "chunks": 5,000
      '66 72616e676573 81 a2', // "ranges": list of 1: map of 2
      '65 636f756e74 190200', // "count": 512
      '65 6669727374 191000', // "first": 4,096
    ],
  ],
  [
    { type: 'recipe', request: 9, steps: unhex('00000005 0002') },
    [
      '4a',
      'a2', // type recipe, map of 2
      '65 7374657073 46 00000005 0002', // "steps": position 5, count 2
      '67 72657175657374 09', // "request": 9
    ],
  ],
  [
    { type: 'hello', versions: [1], instance: unhex('000102030405060708090a0b0c0d0e0f'), abilities: [1] },
    [
      '01', // type hello
      'a3', // map of 3, shorter keys first
      '68 696e7374616e6365', // "instance"
      '50 000102030405060708090a0b0c0d0e0f', // 16 bytes
      '68 76657273696f6e73', // "versions"
      '81 01', // [1]
      '69 6162696c6974696573', // "abilities"
      '81 01', // [1]
    ],
  ],
  [
    { type: 'progress', space: 3, chunks: 2, bytes: 0x2_0000, isSettled: false },
    [
      '44', // type progress
      'a4', // map of 4
      '65 6279746573 1a00020000', // "bytes": 128 KiB
      '65 7370616365 03', // "space": 3
      '66 6368756e6b73 02', // "chunks": 2
      '69 6973536574746c6564 f4', // "isSettled": false
    ],
  ],
]

function encode(message: ReturnType<typeof decodeMessage>): Uint8Array {
  if (message.type === 'chunks') return Buffer.concat(encodeChunks(message.request, message.records))
  if (message.type === 'packedChunks') {
    return Buffer.concat(encodePackedChunks(message.request, message.records))
  }
  if (message.type === 'other') return message.payload
  if (message.type !== 'metadata') return encodeMessage(message)
  const flags = (message.hasMore ? 1 : 0) | (message.isHello ? 2 : 0)
  const head = Buffer.from([MESSAGE_TYPE.metadata, 0, 0, 0, 0, flags])
  head.writeUInt32BE(message.space, 1)
  return Buffer.concat([head, message.bytes])
}

/** Buffers and plain arrays of the same bytes are equal here. */
const comparable = (value: unknown): unknown => {
  if (value instanceof Uint8Array) return hex(value)
  if (Array.isArray(value)) return value.map(comparable)
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, comparable(part)]))
  }
  return value
}

describe('encodeMessage and decodeMessage', () => {
  it.each(VECTORS.map(([message, parts]) => [message.type, message, parts] as const))(
    'writes and reads %s as the documented bytes',
    (_, message, parts) => {
      const bytes = unhex(...parts)
      expect(hex(encode(message))).toBe(hex(bytes))
      expect(comparable(decodeMessage(bytes))).toEqual(comparable(message))
    },
  )

  it('has a vector for every type this module reads', () => {
    const covered = new Set(VECTORS.map(([message]) => message.type as string))
    expect([...covered].sort()).toEqual([...Object.keys(MESSAGE_FIELDS), 'chunks', 'metadata'].sort())
  })

  it('gives back what was encoded', () => {
    const u32 = fc.nat({ max: 0xffff_ffff })
    const byteString = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
    const label = fc.string({ unit: 'grapheme', maxLength: 20 })
    const messages = fc.oneof(
      fc.record({
        type: fc.constant('hello' as const),
        versions: fc.array(fc.integer({ min: 1, max: 0xffff }), { minLength: 1, maxLength: 16 }),
        instance: byteString(16),
      }),
      fc.record(
        {
          type: fc.constant('spaces' as const),
          spaces: fc.array(
            fc.record({ number: u32, id: byteString(32), name: label }, { requiredKeys: ['number', 'id'] }),
            { maxLength: 5 },
          ),
          device: label,
        },
        { requiredKeys: ['type', 'spaces'] },
      ),
      fc.record({
        type: fc.constant('want' as const),
        request: u32,
        space: u32,
        ids: fc.integer({ min: 1, max: 20 }).chain((count) => byteString(32 * count)),
      }),
      fc.record({
        type: fc.constant('digests' as const),
        space: u32,
        state: byteString(32),
        logs: fc.nat({ max: 3 }).chain((count) => byteString(40 * count)),
        hasMore: fc.boolean(),
      }),
      fc.record({
        type: fc.constant('logPart' as const),
        space: u32,
        log: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
        from: fc.integer({ min: 0, max: 2 ** 48 }),
        to: fc.integer({ min: 0, max: 2 ** 48 }),
        end: fc.integer({ min: 0, max: 2 ** 48 }),
        update: fc.uint8Array({ maxLength: 50 }),
      }),
      fc.record({
        type: fc.constant('absent' as const),
        request: u32,
        indexes: fc.array(fc.nat({ max: MAX_IDS_PER_REQUEST - 1 }), { minLength: 1, maxLength: 50 }),
      }),
      fc.record(
        {
          type: fc.constant('progress' as const),
          space: u32,
          chunks: fc.nat(),
          bytes: fc.maxSafeNat(),
          isSettled: fc.boolean(),
          digest: byteString(32),
        },
        { requiredKeys: ['type', 'space', 'chunks', 'bytes', 'isSettled'] },
      ),
    )
    fc.assert(
      fc.property(messages, (message) => {
        expect(comparable(decodeMessage(encodeMessage(message)))).toEqual(comparable(message))
      }),
    )
  })

  it('gives a message or a protocol error for any bytes, behind every type', () => {
    const types = [...Object.values(MESSAGE_TYPE), 0xee]
    fc.assert(
      fc.property(fc.constantFrom(...types), fc.uint8Array({ maxLength: 400 }), (type, body) => {
        const code = codeOf(() => decodeMessage(Uint8Array.of(type, ...body)))
        expect([undefined, 'DITTO_PROTOCOL']).toContain(code)
      }),
      { numRuns: 2000 },
    )
  })

  it('gives a message or a protocol error for messages with some bytes changed', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...VECTORS.map(([, parts]) => unhex(...parts))),
        fc.array(fc.tuple(fc.nat({ max: 200 }), fc.nat({ max: 255 })), { minLength: 1, maxLength: 4 }),
        fc.nat({ max: 200 }),
        (valid, changes, length) => {
          const bytes = valid.slice(0, 1 + length)
          for (const [at, value] of changes) bytes[1 + (at % bytes.length)] = value
          expect([undefined, 'DITTO_PROTOCOL']).toContain(codeOf(() => decodeMessage(bytes)))
        },
      ),
      { numRuns: 2000 },
    )
  })

  it('reads the largest frame of the most and the smallest parts in bounded time', () => {
    const chunks = new Uint8Array(MAX_FRAME_BYTES)
    chunks[0] = MESSAGE_TYPE.chunks
    // Index 0, length 1, one byte: 7 bytes a record.
    for (let at = 5; at + 7 <= chunks.length; at += 7) chunks[at + 5] = 1
    const lists = new Uint8Array(MAX_FRAME_BYTES).fill(0x80)
    lists[0] = MESSAGE_TYPE.hello
    const start = process.cpuUsage()
    const outcomes = [chunks, lists].map((payload) => codeOf(() => decodeMessage(payload)))
    expect(outcomes.every((code) => code === undefined || code === 'DITTO_PROTOCOL')).toBe(true)
    // Of the processor, in microseconds: what else runs on the machine does not count.
    expect(process.cpuUsage(start).user).toBeLessThan(1_000_000)
  })

  it('hands on types that it does not know, unread', () => {
    const payload = unhex('ee 01 02 03')
    expect(decodeMessage(payload)).toEqual({ type: 'other', number: 0xee, payload })
    expect(decodeMessage(unhex('20 ff'))).toMatchObject({ type: 'other', number: MESSAGE_TYPE.statements })
  })

  it('skips fields that it does not know', () => {
    const body = encodeCbor({ nonce: 7, later: [1, 2, 3] })
    expect(decodeMessage(Uint8Array.of(MESSAGE_TYPE.ping, ...body))).toEqual({ type: 'ping', nonce: 7 })
  })

  it.each([
    ['an empty payload', ''],
    ['a field of another kind', '04 a1 65 6e6f6e6365 61 37'],
    ['a missing field', '04 a0'],
    ['a number past its range', '04 a1 65 6e6f6e6365 1b0000000100000000'],
    ['bytes behind the message', '04 a1 65 6e6f6e6365 07 00'],
    ['an ID that is cut short', '40 a3 63 696473 581f', '22'.repeat(31), '65 7370616365 03 67 72657175657374 09'],
    ['a request that names nothing', '40 a2 65 7370616365 03 67 72657175657374 09'],
    ['a chunk of no bytes', '41 00000009 0000 00000000'],
    ['a chunk that is cut short', '41 00000009 0000 00000002 aa'],
    ['a chunk longer than any chunk may be', '41 00000009 0000 00040001 aa'],
    ['an index that no request has', '41 00000009 1000 00000001 aa'],
    ['an answer without a chunk', '41 00000009'],
    [
      'a digest that is cut short',
      '31 a4 64 6c6f6773 41 00 65 7370616365 03 65 7374617465 5820',
      '44'.repeat(32),
      '67 6861734d6f7265 f4',
    ],
    ['a log without a number', '32 a3 63 6c6f67 00 64 66726f6d 00 65 7370616365 03'],
    ['unknown metadata flags', '30 00000003 04 aa'],
  ])('refuses %s', (_, ...parts) => {
    expect(codeOf(() => decodeMessage(unhex(...parts)))).toBe('DITTO_PROTOCOL')
  })

  it.each([
    ['ranges behind the end of a manifest', 300, [{ first: 200, count: 101 }]],
    [
      'more chunks than one request may name',
      10_000,
      [
        { first: 0, count: MAX_IDS_PER_REQUEST },
        { first: 5000, count: 1 },
      ],
    ],
  ])('refuses %s', (_, chunks, ranges) => {
    const manifest = { root: unhex('33'.repeat(32)), depth: 1, chunks, size: 1, ranges }
    expect(() => encodeMessage({ type: 'want', request: 1, space: 1, manifest })).toThrow(RangeError)
    const body = encodeCbor({ request: 1, space: 1, manifest })
    expect(codeOf(() => decodeMessage(Uint8Array.of(MESSAGE_TYPE.want, ...body)))).toBe('DITTO_PROTOCOL')
  })

  it.each<[string, number, number, number, number, number]>([
    ['a stretch behind the end of its manifest', 200, 101, 300, 0, 1],
    ['more chunks than one recipe may have', 0, 16_385, 20_000, 0, 1],
    ['references behind the end of theirs', 0, 300, 300, 20_000, 1],
    ['more references than one recipe may have', 0, 300, 100_000, 0, 65_537],
  ])('refuses questions for %s', (_, first, count, chunks, from, referred) => {
    const manifest = { root: unhex('33'.repeat(32)), depth: 1, chunks, size: 1 }
    const ranges = [
      { first: from, count: Math.min(referred, 65_536) },
      { first: 0, count: Math.max(1, referred - 65_536) },
    ]
    const references = [{ ...manifest, chunks: Math.max(chunks, 1), ranges }]
    const fields = { request: 1, space: 1, manifest, first, count, references }
    expect(() => encodeMessage({ type: 'askRecipe', ...fields })).toThrow(RangeError)
    expect(codeOf(() => decodeMessage(Uint8Array.of(MESSAGE_TYPE.askRecipe, ...encodeCbor(fields))))).toBe(
      'DITTO_PROTOCOL',
    )
  })

  it('refuses to encode what it would refuse to decode', () => {
    expect(() => encodeMessage({ type: 'ping', nonce: -1 })).toThrow(RangeError)
    expect(() => encodeMessage({ type: 'hello', versions: [], instance: unhex('00'.repeat(16)) })).toThrow(RangeError)
    expect(() => encodeMessage({ type: 'cancel', request: 1.5 })).toThrow(RangeError)
    expect(() => encodeChunks(1, [])).toThrow(RangeError)
    expect(() => encodeChunks(1, [{ index: 4096, bytes: unhex('aa') }])).toThrow(RangeError)
    expect(() => encodeChunks(1, new Array(5).fill({ index: 0, bytes: new Uint8Array(256 * 1024) }))).toThrow(
      RangeError,
    )
  })
})

describe('wantedCount', () => {
  it('counts IDs, and the chunks of all ranges', () => {
    expect(wantedCount({ type: 'want', request: 1, space: 1, ids: new Uint8Array(96) })).toBe(3)
    const ranges = [
      { first: 0, count: 2 },
      { first: 10, count: 5 },
    ]
    const manifest = { root: new Uint8Array(32), depth: 1, chunks: 15, size: 15, ranges }
    expect(wantedCount({ type: 'want', request: 1, space: 1, manifest })).toBe(7)
  })
})

describe('PROTOCOL_HISTORY', () => {
  it('ends with a version whose schema hash is that of the messages as they are', () => {
    const schemas = {
      types: MESSAGE_TYPE,
      maps: Object.fromEntries(Object.entries(MESSAGE_FIELDS).map(([name, shape]) => [name, record(shape).schema])),
      chunks: CHUNKS_SCHEMA,
      metadata: METADATA_SCHEMA,
      recipe: RECIPE_SCHEMA,
      packedChunks: PACKED_CHUNKS_SCHEMA,
    }
    const newest = PROTOCOL_HISTORY.at(-1)
    expect(createHash('sha256').update(JSON.stringify(schemas)).digest('hex')).toBe(newest?.schemaHash)
    expect(Math.max(...PROTOCOL_VERSIONS)).toBe(newest?.version)
  })
})
