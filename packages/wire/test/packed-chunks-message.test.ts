import { isDittoError, MAX_FRAME_BYTES } from '@dittofs/interface'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeMessage } from '../src/message.ts'
import { MESSAGE_TYPE } from '../src/message-type.ts'
import { encodePackedChunks } from '../src/packed-chunks-message.ts'

const unhex = (...parts: string[]) => new Uint8Array(Buffer.from(parts.join('').replaceAll(' ', ''), 'hex'))

/** A change here is a change of the protocol. */
const RECORDS = [
  { index: 0, length: 3, bytes: unhex('aabbcc') },
  { index: 4095, length: 1000, bytes: unhex('63 60 18 05 a3 00 00') },
]
const VECTOR = [
  '4b 00000009', // type packedChunks, request 9
  '0000 00000003 00000003 aabbcc', // index 0: 3 bytes as they are
  '0fff 000003e8 00000007 63601805a30000', // index 4,095: 1,000 bytes in 7 of raw DEFLATE
]

function codeOf(payload: Uint8Array): string | undefined {
  try {
    decodeMessage(payload)
  } catch (error) {
    return isDittoError(error) ? error.code : String(error)
  }
  return undefined
}

describe('packed chunks', () => {
  it('are an index, the length, the packed length and the bytes each', () => {
    expect(Buffer.concat(encodePackedChunks(9, RECORDS)).toString('hex')).toBe(VECTOR.join('').replaceAll(' ', ''))
    expect(decodeMessage(unhex(...VECTOR))).toEqual({ type: 'packedChunks', request: 9, records: RECORDS })
  })

  it.each([
    ['without a chunk', '4b 00000009'],
    ['cut short in a head', '4b 00000009 0000 00000003 0000'],
    ['cut short in a chunk', '4b 00000009 0000 00000003 00000003 aabb'],
    ['of no bytes', '4b 00000009 0000 00000000 00000000'],
    ['packed into nothing', '4b 00000009 0000 00000003 00000000'],
    ['longer packed than not', '4b 00000009 0000 00000001 00000002 aabb'],
    ['longer than any chunk may be', '4b 00000009 0000 00040001 00000001 aa'],
    ['of an index that no request has', '4b 00000009 1000 00000001 00000001 aa'],
    ['more in all than a frame holds', `4b 00000009 ${'0000 00040000 00000001 aa '.repeat(5)}`],
  ])('are refused when they are %s', (_, hex) => {
    expect(codeOf(unhex(hex))).toBe('DITTO_PROTOCOL')
  })

  it('are not encoded when they would be refused', () => {
    expect(() => encodePackedChunks(1, [])).toThrow(RangeError)
    expect(() => encodePackedChunks(1, [{ index: 4096, length: 1, bytes: unhex('aa') }])).toThrow(RangeError)
    expect(() => encodePackedChunks(1, [{ index: 0, length: 1, bytes: unhex('aabb') }])).toThrow(RangeError)
    const large = { index: 0, length: 262_144, bytes: new Uint8Array(262_144) }
    expect(() => encodePackedChunks(1, [large, large, large, large])).toThrow(RangeError)
  })

  it('give a message or a protocol error for any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (body) => {
        expect([undefined, 'DITTO_PROTOCOL']).toContain(codeOf(Uint8Array.of(MESSAGE_TYPE.packedChunks, ...body)))
      }),
    )
  })

  it('of the largest frame are read in bounded time', () => {
    const payload = new Uint8Array(MAX_FRAME_BYTES)
    payload[0] = MESSAGE_TYPE.packedChunks
    for (let at = 5; at + 11 <= payload.length; at += 11) payload.set([1, 0, 0, 0, 1], at + 5)
    const start = process.cpuUsage()
    expect(codeOf(payload)).toBe('DITTO_PROTOCOL')
    // Of the processor, in microseconds: what else runs on the machine does not count.
    expect(process.cpuUsage(start).user).toBeLessThan(1_000_000)
  })
})
