import { DittoError, spaceId } from '@dittofs/interface'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeCbor } from '../src/cbor.ts'
import { MESSAGE_TYPE } from '../src/message-type.ts'
import { decodeStatementsMessage, encodeStatementsMessage } from '../src/statements.ts'

const space = spaceId.parse('22'.repeat(32))

describe('encodeStatementsMessage', () => {
  it('writes what the format says', () => {
    const message = { space, have: [new Uint8Array(32).fill(0x33)], statements: [new Uint8Array(2).fill(0x44)] }
    const hex = `20 a3 6468617665 81 5820${'33'.repeat(32)} 657370616365 5820${'22'.repeat(32)} 6a73746174656d656e7473 81 424444`
    expect(Buffer.from(encodeStatementsMessage(message)).toString('hex')).toBe(hex.replaceAll(' ', ''))
    expect(decodeStatementsMessage(encodeStatementsMessage(message))).toEqual(message)
    expect(decodeStatementsMessage(encodeStatementsMessage({ space }))).toEqual({ space })
  })
})

describe('decodeStatementsMessage', () => {
  it.each([
    ['no space', {}],
    ['an ID of 31 bytes', { space: new Uint8Array(32), have: [new Uint8Array(31)] }],
    ['a statement of 1,025 bytes', { space: new Uint8Array(32), statements: [new Uint8Array(1025)] }],
    ['513 IDs', { space: new Uint8Array(32), have: new Array(513).fill(new Uint8Array(32)) }],
    ['statements that are no list', { space: new Uint8Array(32), statements: 'x' }],
  ])('refuses %s', (_, body) => {
    const payload = Buffer.concat([Buffer.of(MESSAGE_TYPE.statements), encodeCbor(body)])
    expect(() => decodeStatementsMessage(payload)).toThrowError(expect.objectContaining({ code: 'DITTO_PROTOCOL' }))
  })

  it('answers any bytes with a message or a DittoError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        try {
          decodeStatementsMessage(Buffer.of(MESSAGE_TYPE.statements, ...bytes))
        } catch (error) {
          expect(error).toBeInstanceOf(DittoError)
        }
      }),
      { numRuns: 1000 },
    )
  })
})
