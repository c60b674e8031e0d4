import { createHash } from 'node:crypto'
import { DittoError } from '@dittofs/interface'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeCbor } from '../../src/cbor.ts'
import { SIGNAL_CONTENT_SCHEMA } from '../../src/signaling/signal-content.ts'
import { MAX_SIGNALING_FRAME_BYTES } from '../../src/signaling/signal-limits.ts'
import {
  decodeSignalingMessage,
  encodeSignalingMessage,
  REFUSAL_REASONS,
  refusalReason,
  SIGNALING_FIELDS,
  SIGNALING_MESSAGE_TYPE,
  SIGNALING_SUBPROTOCOL,
  type SignalingMessage,
} from '../../src/signaling/signaling-message.ts'
import { registrationText, sealingContext, signalingKeyText } from '../../src/signaling/signed-texts.ts'

const bytes = (length: number, value: number) => new Uint8Array(length).fill(value)
const hex = (value: Uint8Array) => Buffer.from(value).toString('hex')

/** Each message with its bytes. A change here is a change of the protocol. */
const VECTORS: [SignalingMessage, string[]][] = [
  [
    { type: 'challenge', nonce: bytes(32, 0x11) },
    ['01 a1', '65 6e6f6e6365 5820', '11'.repeat(32)], // map of 1, "nonce", 32 bytes
  ],
  [
    { type: 'register', key: bytes(32, 0x22), origin: 'wss://a.example', signature: bytes(64, 0x33) },
    [
      '02 a3', // map of 3, shorter keys first
      '63 6b6579 5820', // "key", 32 bytes
      '22'.repeat(32),
      '66 6f726967696e 6f 7773733a2f2f612e6578616d706c65', // "origin", 15 characters
      '69 7369676e6174757265 5840', // "signature", 64 bytes
      '33'.repeat(64),
    ],
  ],
  [{ type: 'registered' }, ['03 a0']],
  [
    { type: 'send', id: 7, to: bytes(32, 0x44), sealed: bytes(304, 0x55) },
    [
      '10 a3',
      '62 6964 07', // "id": 7
      '62 746f 5820', // "to", 32 bytes
      '44'.repeat(32),
      '66 7365616c6564 590130', // "sealed", 304 bytes
      '55'.repeat(304),
    ],
  ],
  [
    { type: 'deliver', from: bytes(32, 0x66), sealed: bytes(304, 0x77) },
    ['11 a2', '64 66726f6d 5820', '66'.repeat(32), '66 7365616c6564 590130', '77'.repeat(304)],
  ],
  [{ type: 'sent', id: 0 }, ['12 a1 62 6964 00']],
  [{ type: 'absent', id: 0xffff_ffff }, ['13 a1 62 6964 1affffffff']],
  [{ type: 'refused', id: 1, reason: REFUSAL_REASONS.queue }, ['14 a2 62 6964 01', '66 726561736f6e 02']],
  [{ type: 'ping', nonce: 9 }, ['20 a1 65 6e6f6e6365 09']],
  [{ type: 'pong', nonce: 9 }, ['21 a1 65 6e6f6e6365 09']],
]

describe('encodeSignalingMessage', () => {
  it.each(VECTORS)('writes $type as the format says', (message, parts) => {
    const frame = encodeSignalingMessage(message)
    expect(hex(frame)).toBe(parts.join('').replaceAll(' ', ''))
    expect(decodeSignalingMessage(frame)).toEqual(message)
  })

  it('has a vector for every message', () => {
    expect(VECTORS.map(([message]) => message.type)).toEqual(Object.keys(SIGNALING_MESSAGE_TYPE))
  })

  it('refuses what is not of the format', () => {
    expect(() => encodeSignalingMessage({ type: 'challenge', nonce: bytes(31, 0) })).toThrow(RangeError)
    expect(() => encodeSignalingMessage({ type: 'send', id: 1, to: bytes(32, 0), sealed: bytes(303, 0) })).toThrow(
      RangeError,
    )
  })

  it('fits the longest signal into one frame', () => {
    const longest = bytes(16_128 + 48, 1)
    const frame = encodeSignalingMessage({ type: 'send', id: 0xffff_ffff, to: bytes(32, 1), sealed: longest })
    expect(frame.length).toBeLessThanOrEqual(MAX_SIGNALING_FRAME_BYTES)
    expect(() =>
      encodeSignalingMessage({ type: 'deliver', from: bytes(32, 1), sealed: bytes(longest.length + 1, 1) }),
    ).toThrow(RangeError)
  })
})

describe('decodeSignalingMessage', () => {
  const frame = (type: number, body: unknown) => Buffer.concat([Buffer.of(type), encodeCbor(body)])

  it('skips fields and messages of a later version', () => {
    expect(decodeSignalingMessage(frame(0x03, { more: 1 }))).toEqual({ type: 'registered' })
    expect(decodeSignalingMessage(frame(0x7f, {}))).toBeUndefined()
    expect(refusalReason(99)).toBe('other')
    expect(refusalReason(1)).toBe('rate')
  })

  it.each([
    ['nothing', new Uint8Array(0)],
    ['a nonce of 31 bytes', frame(0x01, { nonce: bytes(31, 1) })],
    ['no signature', frame(0x02, { key: bytes(32, 1), origin: 'wss://a' })],
    ['a long origin', frame(0x02, { key: bytes(32, 1), origin: 'w'.repeat(266), signature: bytes(64, 1) })],
    ['an ID that is no number', frame(0x10, { id: '1', to: bytes(32, 1), sealed: bytes(304, 1) })],
    ['an ID of 2^32', frame(0x12, { id: 2 ** 32 })],
    ['no map', frame(0x20, [])],
    ['bytes behind the message', Buffer.concat([frame(0x20, { nonce: 1 }), Buffer.of(0)])],
  ])('refuses %s', (_, wrong) => {
    expect(() => decodeSignalingMessage(wrong)).toThrowError(expect.objectContaining({ code: 'DITTO_PROTOCOL' }))
  })

  it('refuses a frame that is too long before it reads it', () => {
    expect(() => decodeSignalingMessage(bytes(MAX_SIGNALING_FRAME_BYTES + 1, 0x20))).toThrowError(
      expect.objectContaining({ code: 'DITTO_LIMIT' }),
    )
  })

  it('answers any bytes with a message, nothing or a DittoError', () => {
    const types = Object.values(SIGNALING_MESSAGE_TYPE)
    const any = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.tuple(fc.constantFrom(...types), fc.uint8Array({ maxLength: 200 })).map(([t, b]) => Buffer.of(t, ...b)),
      // A vector with one byte changed reaches deeper than noise.
      fc.tuple(fc.constantFrom(...VECTORS), fc.nat(), fc.nat({ max: 255 })).map(([[message], at, value]) => {
        const wrong = Buffer.from(encodeSignalingMessage(message))
        wrong[at % wrong.length] = value
        return wrong
      }),
    )
    fc.assert(
      fc.property(any, (wrong) => {
        try {
          const message = decodeSignalingMessage(wrong)
          if (message !== undefined) encodeSignalingMessage(message)
        } catch (error) {
          expect(error).toBeInstanceOf(DittoError)
        }
      }),
      { numRuns: 2000 },
    )
  })
})

describe('the signaling protocol', () => {
  it('changes its subprotocol when a format changes', () => {
    const formats = Object.entries(SIGNALING_FIELDS).map(
      ([name, { schema }]) => `${SIGNALING_MESSAGE_TYPE[name as keyof typeof SIGNALING_FIELDS]} ${schema}`,
    )
    const schemaHash = createHash('sha256')
      .update([...formats, SIGNAL_CONTENT_SCHEMA].join('\n'))
      .digest('hex')
    expect([SIGNALING_SUBPROTOCOL, schemaHash]).toEqual([
      'dittofs-signaling.v1',
      '53bad70456c49b39ce4891f87168fec8386886279fc764b05e011bae77e5b9ab',
    ])
  })

  it('signs and seals over these texts', () => {
    const key = bytes(2, 0xaa)
    expect(hex(registrationText('ws://a', bytes(2, 0xbb), key))).toBe(
      `${Buffer.from('dittofs signaling v1\0ws://a').toString('hex')}bbbbaaaa`,
    )
    expect(hex(signalingKeyText('ws://a', key))).toBe(
      `${Buffer.from('dittofs signaling key v1\0ws://a').toString('hex')}aaaa`,
    )
    expect(hex(sealingContext(key, bytes(2, 0xbb)))).toBe(`aaaabbbb${Buffer.from('dittofs signal v1').toString('hex')}`)
  })
})
