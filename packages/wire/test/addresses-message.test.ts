import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  decodeAddressesMessage,
  encodeAddressesMessage,
  encodeCbor,
  MAX_ADDRESS_RECORD_BYTES,
  MAX_ADDRESS_RECORDS,
} from '../src/index.ts'

describe('the addresses message', () => {
  it('is these bytes', () => {
    const expected = [
      '21', // addresses
      'a1', // a map of one entry
      '677265636f726473', // "records"
      '82', // a list of two
      '43010203', // a record of three bytes; real ones are longer
      '41ff',
    ].join('')
    const records = [Uint8Array.of(1, 2, 3), Uint8Array.of(255)]
    expect(Buffer.from(encodeAddressesMessage(records)).toString('hex')).toBe(expected)
    expect(decodeAddressesMessage(Buffer.from(expected, 'hex')).map((record) => [...record])).toEqual([
      [1, 2, 3],
      [255],
    ])
  })

  it('is refused when it holds none, too many, too long ones, or something else', () => {
    const message = (body: unknown) => Buffer.concat([Buffer.of(0x21), encodeCbor(body)])
    for (const body of [
      [],
      {},
      { records: 1 },
      { records: [] },
      { records: ['text'] },
      { records: Array.from({ length: MAX_ADDRESS_RECORDS + 1 }, () => Uint8Array.of(1)) },
      { records: [new Uint8Array(MAX_ADDRESS_RECORD_BYTES + 1)] },
    ]) {
      expect(() => decodeAddressesMessage(message(body))).toThrow(expect.objectContaining({ code: 'DITTO_PROTOCOL' }))
    }
  })

  it('gives records or a protocol error for any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          decodeAddressesMessage(Buffer.concat([Buffer.of(0x21), bytes]))
        } catch (error) {
          expect(error).toMatchObject({ code: 'DITTO_PROTOCOL' })
        }
      }),
    )
  })
})
