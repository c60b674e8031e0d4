import { DittoError } from '@dittofs/interface'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeSignalContent, encodeSignalContent, type SignalContent } from '../../src/signaling/signal-content.ts'
import { MAX_PADDED_SIGNAL_BYTES, MAX_SIGNAL_BODY_BYTES } from '../../src/signaling/signal-limits.ts'

const bytes = (length: number, value: number) => new Uint8Array(length).fill(value)

const sample: SignalContent = {
  device: bytes(32, 0x11),
  proof: bytes(64, 0x22),
  id: bytes(16, 0x33),
  sentAt: 1_800_000_000_000,
  session: bytes(16, 0x44),
  kind: 'answer',
  body: 'sdp',
}

describe('encodeSignalContent', () => {
  it('writes the format that the protocol says', () => {
    const encoded = [
      '00be', // 190 bytes follow
      'a7', // map of 7, shorter keys first
      '62 6964 50', // "id", 16 bytes
      '33'.repeat(16),
      '64 626f6479 63 736470', // "body": "sdp"
      '64 6b696e64 02', // "kind": answer
      '65 70726f6f66 5840', // "proof", 64 bytes
      '22'.repeat(64),
      '66 646576696365 5820', // "device", 32 bytes
      '11'.repeat(32),
      '66 73656e744174 1b000001a3185c5000', // "sentAt"
      '67 73657373696f6e 50', // "session", 16 bytes
      '44'.repeat(16),
    ].join('')
    const expected = encoded.replaceAll(' ', '').padEnd(512, '0')
    expect(Buffer.from(encodeSignalContent(sample)).toString('hex')).toBe(expected)
  })

  it('gives bodies of about one length the same length', () => {
    expect(encodeSignalContent({ ...sample, body: '' })).toHaveLength(256)
    expect(encodeSignalContent({ ...sample, body: 'x'.repeat(66) })).toHaveLength(256)
    expect(encodeSignalContent({ ...sample, body: 'x'.repeat(67) })).toHaveLength(512)
    expect(encodeSignalContent({ ...sample, body: 'x'.repeat(MAX_SIGNAL_BODY_BYTES) }).length).toBeLessThanOrEqual(
      MAX_PADDED_SIGNAL_BYTES,
    )
  })

  it('refuses a body that is too long', () => {
    expect(() => encodeSignalContent({ ...sample, body: 'é'.repeat(MAX_SIGNAL_BODY_BYTES / 2 + 1) })).toThrow(
      RangeError,
    )
  })
})

describe('decodeSignalContent', () => {
  it('reads back whatever was written', () => {
    const field = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
    const contents = fc.record({
      device: field(32),
      proof: field(64),
      id: field(16),
      sentAt: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
      session: field(16),
      kind: fc.constantFrom('offer' as const, 'answer' as const, 'candidate' as const, 'end' as const),
      body: fc.string({ unit: 'grapheme', maxLength: 700 }),
    })
    fc.assert(
      fc.property(contents, (content) => {
        expect(decodeSignalContent(encodeSignalContent(content))).toEqual(content)
      }),
    )
  })

  const changed = (change: (padded: Buffer) => Uint8Array | undefined) => {
    const padded = Buffer.from(encodeSignalContent(sample))
    return change(padded) ?? padded
  }
  it.each([
    ['nothing', new Uint8Array(0)],
    ['a length that is no multiple of 256', changed((padded) => padded.subarray(0, 255))],
    ['padding that is not zero', changed((padded) => void padded.writeUInt8(1, 255))],
    ['more padding than is needed', changed((padded) => Buffer.concat([padded, Buffer.alloc(256)]))],
    ['a length past the end', changed((padded) => void padded.writeUInt16BE(255, 0))],
    ['a length that cuts it short', changed((padded) => void padded.writeUInt16BE(100, 0))],
    ['an unknown kind', changed((padded) => void padded.writeUInt8(5, padded.indexOf('kind') + 4))],
    ['more than fits into a frame', new Uint8Array(MAX_PADDED_SIGNAL_BYTES + 256)],
  ])('refuses %s', (_, wrong) => {
    expect(() => decodeSignalContent(wrong)).toThrowError(expect.objectContaining({ code: 'DITTO_PROTOCOL' }))
  })

  it('answers any bytes with a signal or a DittoError', () => {
    const any = fc.oneof(
      fc.uint8Array({ minLength: 256, maxLength: 256 }),
      fc.tuple(fc.nat(), fc.nat({ max: 255 })).map(([at, value]) => changed((p) => void p.writeUInt8(value, at % 256))),
    )
    fc.assert(
      fc.property(any, (wrong) => {
        try {
          decodeSignalContent(wrong)
        } catch (error) {
          expect(error).toBeInstanceOf(DittoError)
        }
      }),
      { numRuns: 2000 },
    )
  })
})
