import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  allocateData,
  decodeLaneMessage,
  encodeCredit,
  encodeEnd,
  encodeHello,
  MAX_COUNT,
  MAX_LANE_MESSAGE_BYTES,
} from '../src/lane-message.ts'

const count = fc.integer({ min: 0, max: MAX_COUNT })
const hex = (bytes: Buffer) => bytes.toString('hex')

describe('the messages of a lane', () => {
  it('have these bytes', () => {
    const token = '000102030405060708090a0b0c0d0e0f'
    // type 1, version 1, lane 2, token
    expect(hex(encodeHello(2, token))).toBe(`010102${token}`)
    // type 2, number 48 bits, payload
    const data = allocateData(0x010203040506, 3)
    data.write('abc', 7)
    expect(hex(data)).toBe('02010203040506616263')
    // type 3, bytes 48 bits, messages 48 bits
    expect(hex(encodeCredit(4 * 1024 * 1024, 2_048))).toBe('03000000400000000000000800')
    // type 4, count 48 bits
    expect(hex(encodeEnd(7))).toBe('04000000000007')
  })

  it('are read as they were written', () => {
    fc.assert(
      fc.property(count, count, fc.uint8Array({ minLength: 1, maxLength: 100 }), (a, b, payload) => {
        const data = allocateData(a, payload.length)
        data.set(payload, 7)
        expect(decodeLaneMessage(data)).toEqual({ type: 'data', number: a, payload: Buffer.from(payload) })
        expect(decodeLaneMessage(encodeCredit(a, b))).toEqual({ type: 'credit', bytes: a, messages: b })
        expect(decodeLaneMessage(encodeEnd(a))).toEqual({ type: 'end', count: a })
      }),
    )
  })

  it.each([
    ['nothing', Buffer.alloc(0)],
    ['an unknown type', Buffer.from([9, 0])],
    ['a hello that is too short', Buffer.from('0101', 'hex')],
    ['data without a payload', Buffer.from('02000000000000', 'hex')],
    ['a credit that is too long', Buffer.alloc(14, 3)],
    ['an end that is too short', Buffer.from('0400', 'hex')],
    ['more than a message may have', Buffer.alloc(MAX_LANE_MESSAGE_BYTES + 1, 2)],
  ])('are refused: %s', (_, bytes) => {
    expect(() => decodeLaneMessage(bytes)).toThrow(expect.objectContaining({ code: 'DITTO_PROTOCOL' }))
  })

  it('are a message or a protocol error, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        try {
          decodeLaneMessage(Buffer.from(bytes))
        } catch (error) {
          expect(error).toMatchObject({ code: 'DITTO_PROTOCOL' })
        }
      }),
    )
  })
})
