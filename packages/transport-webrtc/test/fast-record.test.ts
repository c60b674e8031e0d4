import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { isDataRecord, isKnownForm, openRecord, type RecordKeys, sealRecord } from '../src/fast-record.ts'

const KEYS: RecordKeys = {
  ...{ blockAlgorithm: 'aes-128-gcm', nonceImplicitLength: 4, nonceExplicitLength: 8, authTagLength: 16 },
  ...{ clientWriteKey: Buffer.alloc(16, 1), serverWriteKey: Buffer.alloc(16, 2) },
  ...{ clientNonce: Buffer.alloc(12, 3), serverNonce: Buffer.alloc(12, 4) },
}

describe('a DTLS record', () => {
  it('is a header, the nonce, what is sealed and the tag', () => {
    const record = sealRecord(KEYS, true, 1, 5, Buffer.from('hi')).toString('hex')
    expect(record.slice(0, 42)).toBe(
      [
        '17', // application data
        'fefd', // DTLS 1.2
        '0001', // epoch
        '000000000005', // sequence number
        '001a', // length: nonce, 2 bytes, tag
        '0001000000000005', // explicit nonce: epoch and sequence number
      ].join(''),
    )
    expect(record).toHaveLength(2 * (13 + 8 + 2 + 16))
  })

  it.each([true, false])('is read by the other side alone, whoever sent it (client: %s)', (isClient) => {
    const plain = randomBytes(1228)
    const record = sealRecord(KEYS, isClient, 1, 2 ** 40, plain)
    expect(isDataRecord(record)).toBe(true)
    expect(openRecord(KEYS, !isClient, record)).toEqual(plain)
    expect(openRecord(KEYS, isClient, record)).toBeUndefined()
  })

  it('is not genuine with any bit of it changed', () => {
    const record = sealRecord(KEYS, true, 1, 7, Buffer.from('some bytes'))
    for (let at = 0; at < record.length; at++) {
      const changed = Buffer.from(record)
      changed.writeUInt8(changed.readUInt8(at) ^ 1, at)
      expect(isDataRecord(changed) && openRecord(KEYS, false, changed) !== undefined).toBe(false)
    }
  })

  it('of another kind, of several or of none is left to werift', () => {
    const record = sealRecord(KEYS, true, 1, 7, Buffer.from('some bytes'))
    for (const other of [Buffer.concat([record, record]), record.subarray(0, -1), Buffer.alloc(0), Buffer.alloc(60)]) {
      expect(isDataRecord(other)).toBe(false)
    }
    expect(isKnownForm(undefined)).toBe(false)
    expect(isKnownForm({ ...KEYS, nonceExplicitLength: 0 })).toBe(false)
  })
})
