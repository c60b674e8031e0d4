import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { answerCall, encodeCall, MAX_OFFERED_KEYS, matchAnswer } from '../src/knock-codec.ts'
import { type KnockKey, knockKey } from '../src/knock-key.ts'

const hex = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString('hex')
const meet = Uint8Array.from({ length: 32 }, (_, index) => index)
const ticketSecret = new Uint8Array(16).fill(0x42)
const space: KnockKey = { match: { kind: 'space', name: 'home' }, secret: knockKey(meet, 'knock') }
const ticket: KnockKey = { match: { kind: 'ticket', name: 'one' }, secret: knockKey(ticketSecret, 'knock') }
const challenge = new Uint8Array(32).fill(0x11)

function otherKeys(count: number): KnockKey[] {
  return Array.from({ length: count }, (_, index) => ({
    match: { kind: 'space', name: `other ${index}` } as const,
    secret: new Uint8Array(randomBytes(32)),
  }))
}

describe('knockKey', () => {
  it('derives a key for each purpose', () => {
    expect(hex(knockKey(meet, 'knock'))).toBe('19e55eace8f52b60069fd324f1954e7fbeff94842ff48f0617058b9420c00e22')
    expect(hex(knockKey(meet, 'find'))).toBe('22d47d617978d8f0e46aed9d804b1af3e93d09999f538c2adac77fc63012cc56')
    expect(hex(knockKey(ticketSecret, 'knock'))).toBe(
      'a82e78f8a60074799c506afc39a488bfba03b2e58c1c9ae475e97ceab5c3b8c6',
    )
    expect(hex(knockKey(ticketSecret, 'join'))).toBe('85f32ee96c19d81a097ee00dbef653caa9830da0a399a81f5a690bdb01fb2459')
  })

  it('refuses a secret that could be guessed', () => {
    expect(() => knockKey(new Uint8Array(15), 'knock')).toThrow(RangeError)
  })
})

describe('the knock', () => {
  it('has the bytes that the protocol says', () => {
    const fill = [0x22, 0x33, 0x33, 0x33, 0x33, 0x33, 0x33]
    const call = encodeCall([space, ticket], challenge, (size) => new Uint8Array(size).fill(fill.shift() ?? 0))
    expect(hex(call)).toBe(
      '22'.repeat(32) + // nonce
        '2e87e2094dbca24b1fb918a96643d70e' + // tag of the space, sorted among the others
        '33'.repeat(16 * 6) + // unused ones, random
        'a9d13cc9cffa046a92cb8bdca9caccc4', // tag of the ticket
    )
    const answered = answerCall([space], challenge, call)
    expect(answered?.match).toEqual(space.match)
    expect(hex(answered?.answer)).toBe('8e6706ced0fc16c1f22c0ba100d6977213047e8402e3232fdffb6696df57247e')
    expect(matchAnswer([ticket, space], challenge, call, answered?.answer as Uint8Array)).toEqual(space.match)
  })

  it('finds what both have in common, wherever it stands', () => {
    fc.assert(
      fc.property(fc.nat(MAX_OFFERED_KEYS - 1), fc.nat(127), (before, others) => {
        const offered = [...otherKeys(before), space, ...otherKeys(MAX_OFFERED_KEYS - 1 - before)]
        const held = [...otherKeys(others), space]
        const call = encodeCall(offered, challenge, randomBytes)
        const answered = answerCall(held, challenge, call)
        expect(answered?.match).toBe(space.match)
        expect(matchAnswer(offered, challenge, call, answered?.answer as Uint8Array)).toBe(space.match)
      }),
      { numRuns: 30 },
    )
  })

  it('finds nothing between strangers, nor in any bytes', () => {
    const held = [...otherKeys(8), space]
    expect(answerCall(held, challenge, encodeCall([], challenge, randomBytes))).toBeUndefined()
    expect(answerCall(held, challenge, encodeCall(otherKeys(8), challenge, randomBytes))).toBeUndefined()
    expect(answerCall([], challenge, encodeCall([space], challenge, randomBytes))).toBeUndefined()
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 160, maxLength: 160 }), (call) => {
        expect(answerCall(held, challenge, call)).toBeUndefined()
        expect(matchAnswer(held, challenge, call, call.subarray(0, 32))).toBeUndefined()
      }),
    )
  })

  it('is worth nothing under another challenge, or sent back', () => {
    const call = encodeCall([space], challenge, randomBytes)
    expect(answerCall([space], new Uint8Array(32).fill(0x12), call)).toBeUndefined()
    expect(matchAnswer([space], challenge, call, call.subarray(32, 64))).toBeUndefined()
  })

  it('offers no more keys than there are tags', () => {
    const offered = [...otherKeys(MAX_OFFERED_KEYS), space]
    const call = encodeCall(offered, challenge, randomBytes)
    expect(call).toHaveLength(160)
    expect(answerCall([space], challenge, call)).toBeUndefined()
  })

  it('shows neither how many keys there are nor their order', () => {
    const call = encodeCall([space, ticket], challenge, randomBytes)
    const tags = Array.from({ length: 8 }, (_, index) => hex(call.subarray(32 + index * 16, 48 + index * 16)))
    expect(tags).toEqual([...tags].sort())
    expect(new Set(tags).size).toBe(8)
  })

  it('refuses keys that were not derived', () => {
    const raw: KnockKey = { match: ticket.match, secret: ticketSecret }
    expect(() => encodeCall([raw], challenge, randomBytes)).toThrow(RangeError)
  })
})
