import { isDittoError, MAX_FRAME_BYTES } from '@dittofs/interface'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeFrameHeader, FrameDecoder } from '../src/frame.ts'

function encodeFrames(payloads: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(payloads.flatMap((payload) => [encodeFrameHeader(payload.length), payload]))
}

function thrownBy(action: () => unknown): unknown {
  try {
    action()
  } catch (error) {
    return error
  }
  return undefined
}

describe('FrameDecoder', () => {
  it('gives back the payloads however the stream is cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { maxLength: 20 }),
        fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }),
        (payloads, cuts) => {
          const bytes = encodeFrames(payloads)
          const decoder = new FrameDecoder()
          const decoded: Uint8Array[] = []
          for (let at = 0, i = 0; at < bytes.length; i++) {
            const length = cuts[i % cuts.length] as number
            decoded.push(...decoder.push(bytes.subarray(at, at + length)))
            at += length
          }
          expect(decoded.map((payload) => Buffer.from(payload).toString('hex'))).toEqual(
            payloads.map((payload) => Buffer.from(payload).toString('hex')),
          )
          expect(decoder.isAtBoundary).toBe(true)
        },
      ),
    )
  })

  it('encodes the length as u32 big-endian', () => {
    expect(Buffer.from(encodeFrameHeader(0x010203)).toString('hex')).toBe('00010203')
  })

  it('accepts the largest frame and refuses one byte more, and a length of 2 GiB, before allocating', () => {
    expect(new FrameDecoder().push(encodeFrames([new Uint8Array(MAX_FRAME_BYTES)]))).toHaveLength(1)
    for (const length of [MAX_FRAME_BYTES + 1, 2 ** 31]) {
      const header = Buffer.alloc(4)
      header.writeUInt32BE(length)
      expect(
        isDittoError(
          thrownBy(() => new FrameDecoder().push(header)),
          'DITTO_LIMIT',
        ),
      ).toBe(true)
    }
  })

  it('refuses an empty frame', () => {
    expect(
      isDittoError(
        thrownBy(() => new FrameDecoder().push(new Uint8Array(4))),
        'DITTO_PROTOCOL',
      ),
    ).toBe(true)
  })
})
