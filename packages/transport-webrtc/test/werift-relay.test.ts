import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isUnsignedChallenge } from '../src/werift-relay.ts'

/** A STUN message of the type, with those attributes. */
function stun(type: number, ...attributes: readonly (readonly [type: number, value: Buffer])[]): Buffer {
  const body = attributes.map(([attribute, value]) => {
    const header = Buffer.alloc(4)
    header.writeUInt16BE(attribute, 0)
    header.writeUInt16BE(value.length, 2)
    return Buffer.concat([header, value, Buffer.alloc((4 - (value.length % 4)) % 4)])
  })
  const header = Buffer.alloc(20)
  header.writeUInt16BE(type, 0)
  return Buffer.concat([header, ...body])
}

const REFRESH_SUCCESS = 0x0104
const REFRESH_ERROR = 0x0114
const nonce = [0x0015, Buffer.from('a nonce of odd length')] as const
const signature = [0x0008, Buffer.alloc(20)] as const
const code = (hundreds: number, rest: number) => [0x0009, Buffer.from([0, 0, hundreds, rest])] as const

describe('isUnsignedChallenge', () => {
  it('is true of what a TURN server says that wants another nonce or a name', () => {
    expect(isUnsignedChallenge(stun(REFRESH_ERROR, nonce, code(4, 38)))).toBe(true)
    expect(isUnsignedChallenge(stun(REFRESH_ERROR, code(4, 1), nonce))).toBe(true)
  })

  it.each([
    ['a success', stun(REFRESH_SUCCESS, nonce, code(4, 38))],
    ['another error, which somebody else may have made up', stun(REFRESH_ERROR, nonce, code(4, 37))],
    ['a challenge whose signature can be checked', stun(REFRESH_ERROR, nonce, code(4, 38), signature)],
    ['an error without a code', stun(REFRESH_ERROR, nonce)],
    ['an error cut off in its code', stun(REFRESH_ERROR, code(4, 38)).subarray(0, 26)],
  ])('is false of %s', (_, message) => {
    expect(isUnsignedChallenge(message)).toBe(false)
  })

  it('takes any bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void isUnsignedChallenge(Buffer.from(bytes))))
  })
})
