import { MAX_FRAME_BYTES, MAX_UPDATE_BYTES } from '@dittofs/interface'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeMetadata, encodeMetadata, MetadataJoiner } from '../src/metadata-message.ts'
import { codeOf } from './support/code-of.ts'

const part = (hasMore: boolean, bytes: Uint8Array, isHello = false) =>
  ({ type: 'metadata', space: 1, hasMore, isHello, bytes }) as const

describe('encodeMetadata and MetadataJoiner', () => {
  it.each([
    ['nothing', 0, 1],
    ['one byte', 1, 1],
    ['just one frame', MAX_FRAME_BYTES - 6, 1],
    ['one byte more than a frame', MAX_FRAME_BYTES - 5, 2],
    ['the longest message', MAX_UPDATE_BYTES, 9],
  ])('carries %s', (_, length, frames) => {
    const message = new Uint8Array(length).map((_, i) => i % 251)
    const payloads = encodeMetadata(7, message, true).map((parts) => Buffer.concat(parts))
    expect(payloads).toHaveLength(frames)
    const joiner = new MetadataJoiner()
    const joined = payloads.map((payload) => joiner.push(decodeMetadata(payload)))
    expect(joined.slice(0, -1).every((early) => early === undefined)).toBe(true)
    expect(joined.at(-1)?.isHello).toBe(true)
    expect(Buffer.compare(joined.at(-1)?.bytes ?? Buffer.of(1), message)).toBe(0)
  })

  it('joins one message after the other', () => {
    fc.assert(
      fc.property(fc.array(fc.array(fc.uint8Array({ minLength: 1, maxLength: 9 }), { minLength: 1 })), (messages) => {
        const joiner = new MetadataJoiner()
        for (const parts of messages) {
          const joined = parts.map((bytes, i) => joiner.push(part(i < parts.length - 1, bytes))).at(-1)
          expect(Buffer.compare(joined?.bytes ?? Buffer.of(), Buffer.concat(parts))).toBe(0)
        }
      }),
    )
  })

  it('refuses a message that is too long before it holds more than the limit', () => {
    const joiner = new MetadataJoiner()
    const megabyte = new Uint8Array(MAX_FRAME_BYTES)
    for (let i = 0; i < 8; i++) joiner.push(part(true, megabyte))
    expect(codeOf(() => joiner.push(part(true, Uint8Array.of(1))))).toBe('DITTO_LIMIT')
    expect(() => encodeMetadata(1, new Uint8Array(MAX_UPDATE_BYTES + 1), false)).toThrow(RangeError)
  })

  it('refuses parts that do not fit together, and empty ones that promise more', () => {
    const joiner = new MetadataJoiner()
    joiner.push(part(true, Uint8Array.of(1), true))
    expect(codeOf(() => joiner.push(part(false, Uint8Array.of(1), false)))).toBe('DITTO_PROTOCOL')
    expect(codeOf(() => new MetadataJoiner().push(part(true, new Uint8Array())))).toBe('DITTO_PROTOCOL')
  })
})
