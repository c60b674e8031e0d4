import { DittoError } from '@dittofs/interface'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeCbor } from '../src/cbor.ts'
import { MESSAGE_TYPE } from '../src/message-type.ts'
import { decodePairingMessage, encodePairingMessage, type PairingMessage } from '../src/pairing-messages.ts'

const bytes = (length: number, value: number) => new Uint8Array(length).fill(value)
const messages: [PairingMessage, string][] = [
  [
    { type: 'join', ticketId: bytes(16, 0x11), tag: bytes(32, 0x22), name: 'phone', platform: 'linux' },
    `10 a4 63746167 5820${'22'.repeat(32)} 646e616d65 6570686f6e65 68706c6174666f726d 656c696e7578 687469636b65744964 50${'11'.repeat(16)}`,
  ],
  [
    { type: 'joinOk', spaceName: 'home', name: 'laptop', meet: bytes(32, 0x33), statements: [bytes(2, 0x44)] },
    `11 a4 646d656574 5820${'33'.repeat(32)} 646e616d65 666c6170746f70 6973706163654e616d65 64686f6d65 6a73746174656d656e7473 81 424444`,
  ],
  [{ type: 'joinNo', reason: 'expired' }, '12 a1 66726561736f6e 02'],
  [{ type: 'joinDone' }, '13 a0'],
  [{ type: 'joinWait' }, '14 a0'],
  [{ type: 'joinNo', reason: 'declined' }, '12 a1 66726561736f6e 05'],
]

describe('encodePairingMessage', () => {
  it.each(messages)('writes $type as the format says', (message, hex) => {
    expect(Buffer.from(encodePairingMessage(message)).toString('hex')).toBe(hex.replaceAll(' ', ''))
    expect(decodePairingMessage(encodePairingMessage(message))).toEqual(message)
  })
})

describe('decodePairingMessage', () => {
  const join = { ticketId: bytes(16, 1), tag: bytes(32, 1), name: '', platform: '' }
  const payload = (type: number, body: unknown) => Buffer.concat([Buffer.of(type), encodeCbor(body)])

  it('takes a reason of a later version for a refusal', () => {
    expect(decodePairingMessage(payload(MESSAGE_TYPE.joinNo, { reason: 99 }))).toEqual({
      type: 'joinNo',
      reason: 'unknown',
    })
  })

  it.each([
    ['a short ticket ID', payload(MESSAGE_TYPE.join, { ...join, ticketId: bytes(15, 1) })],
    ['a tag that is text', payload(MESSAGE_TYPE.join, { ...join, tag: 'x' })],
    ['a name of 129 bytes', payload(MESSAGE_TYPE.join, { ...join, name: 'n'.repeat(129) })],
    ['no reason', payload(MESSAGE_TYPE.joinNo, {})],
    ['no map', payload(MESSAGE_TYPE.joinDone, [])],
    ['513 statements', payload(MESSAGE_TYPE.joinOk, { statements: new Array(513).fill(bytes(1, 1)) })],
    ['a message that is not of pairing', payload(MESSAGE_TYPE.want, {})],
    ['nothing', new Uint8Array(0)],
  ])('refuses %s', (_, wrong) => {
    expect(() => decodePairingMessage(wrong)).toThrowError(expect.objectContaining({ code: 'DITTO_PROTOCOL' }))
  })

  it('answers any bytes with a message or a DittoError', () => {
    const any = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc
        .tuple(fc.constantFrom(0x10, 0x11, 0x12, 0x13, 0x14), fc.uint8Array({ maxLength: 100 }))
        .map(([t, b]) => Buffer.of(t, ...b)),
    )
    fc.assert(
      fc.property(any, (wrong) => {
        try {
          decodePairingMessage(wrong)
        } catch (error) {
          expect(error).toBeInstanceOf(DittoError)
        }
      }),
      { numRuns: 1000 },
    )
  })
})
