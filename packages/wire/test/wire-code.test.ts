import { DittoError, ERROR_CODES } from '@dittofs/interface'
import { describe, expect, it } from 'vitest'
import { agreeVersion } from '../src/protocol-version.ts'
import { fromWireCode, toWireCode, WIRE_CODE_DONE } from '../src/wire-code.ts'

describe('wire codes', () => {
  it('keep their numbers', () => {
    const numbers: Record<number, string> = {}
    for (let number = 1; number < 16; number++) numbers[number] = String(fromWireCode(number))
    expect(numbers).toEqual({
      1: 'DITTO_INTERNAL',
      2: 'DITTO_PROTOCOL',
      3: 'DITTO_PROTOCOL_VERSION',
      4: 'DITTO_LIMIT',
      5: 'DITTO_NOT_A_MEMBER',
      6: 'DITTO_ROLE',
      7: 'DITTO_IDENTITY_CLONED',
      8: 'DITTO_CHUNK_CORRUPT',
      9: 'DITTO_UPDATE_INVALID',
      10: 'DITTO_UPDATE_GAP',
      11: 'DITTO_STATEMENT_INVALID',
      12: 'DITTO_LINK_TIMEOUT',
      13: 'DITTO_BUSY',
      14: 'DITTO_TIMEOUT',
      15: 'DITTO_INTERNAL',
    })
  })

  it('map back to the code they came from, or to the generic one', () => {
    for (const code of ERROR_CODES) {
      const back = fromWireCode(toWireCode(new DittoError(code, 'x')))
      expect([code, 'DITTO_INTERNAL']).toContain(back)
    }
  })

  it('tell a normal end from a failure, and nothing of a foreign error', () => {
    expect(toWireCode(undefined)).toBe(WIRE_CODE_DONE)
    expect(fromWireCode(WIRE_CODE_DONE)).toBeUndefined()
    expect(fromWireCode(toWireCode(new Error('/home/alice')))).toBe('DITTO_INTERNAL')
  })
})

describe('agreeVersion', () => {
  it('takes the highest that both speak', () => {
    expect(agreeVersion([1, 2, 3], [2, 3, 9])).toBe(3)
  })

  it('says that the older device must be updated where there is none', () => {
    expect(() => agreeVersion([1], [2])).toThrow(/update the older one/)
  })
})
