import { DittoError, spaceId } from '@dittofs/interface'
import { encodeCbor } from '@dittofs/wire'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { verifyEd25519 } from '../src/signer.ts'
import { decodeStatement, type StatementBody, signStatement } from '../src/statement.ts'
import { StatementWorld } from './support/statement-world.ts'
import { testDevice } from './support/test-device.ts'

const [alice, bob] = [testDevice('alice'), testDevice('bob')]
const world = new StatementWorld(alice)
const add = world.say(alice, 'add', bob, [world.genesis])
const invalid = expect.objectContaining({ code: 'DITTO_STATEMENT_INVALID' }) as unknown as Error

describe('signStatement', () => {
  it('writes the bytes that the format says', () => {
    const fields = [
      '82 58b8', // array of 2, body of 184 bytes
      'ab', // map of 11, keys by length, then bytes
      '61 76 01', // v: 1
      '64 68617368 66 626c616b6533', // hash: blake3
      '64 6b696e64 67 67656e65736973', // kind: genesis
      '64 6e616d65 65 6669727374', // name: first
      '64 726f6c65 64 66756c6c', // role: full
      '64 7365656e 80', // seen: none
      '64 74696d65 00', // time: 0
      '65 6e6f6e6365 50 00000000000000000000000000000000', // nonce: 16 bytes
      '66 617574686f72 5820 d5bf4a3fcce717b0388bcc2749ebc148ad9969b23f45ee1b605fd58778576ac4', // author
      '67 6368756e6b6572 67 66617374636463', // chunker: fastcdc
      '67 7375626a656374 5820 d5bf4a3fcce717b0388bcc2749ebc148ad9969b23f45ee1b605fd58778576ac4', // subject
      '5840 964fbb0f49f6edca5aa02e05b555b2bc80425eaecd5fcc45557a80132c5ddd7446b12643c8c8eed94a5b54bc6d8d06058ad655fc445d6db9807aa78b03baff06', // signature
    ]
    expect(Buffer.from(world.genesis.bytes).toString('hex')).toBe(fields.join('').replaceAll(' ', ''))
    expect(world.genesis.id).toBe('16ddd049e1e32bf3e7c0cf61f5c4b3699957ac20e3755e48a0ba2bf8130b53f1')
  })

  it('fits its limit with the longest name and 16 heads', () => {
    const body: StatementBody = {
      kind: 'add',
      space: spaceId.parse(world.genesis.id),
      author: alice.key,
      subject: bob.key,
      role: 'read',
      name: 'n'.repeat(128),
      time: Number.MAX_SAFE_INTEGER,
      seen: Array.from({ length: 16 }, (_, i) => i.toString(16).padStart(64, '0')),
    }
    const { bytes } = signStatement(body, alice)
    expect(decodeStatement(bytes, verifyEd25519).body).toEqual(body)
  })
})

describe('decodeStatement', () => {
  it('reads what signStatement wrote', () => {
    for (const statement of [world.genesis, add, world.say(bob, 'leave', bob, [add])]) {
      const decoded = decodeStatement(statement.bytes, verifyEd25519)
      expect(decoded.body).toEqual(statement.body)
      expect(decoded.id).toBe(statement.id)
    }
  })

  it('refuses a forged signature', () => {
    const forged = signStatement(add.body, { key: alice.key, sign: (bytes) => bob.sign(bytes) })
    expect(() => decodeStatement(forged.bytes, verifyEd25519)).toThrowError(invalid)
  })

  it('notices every byte that is changed', () => {
    for (let i = 0; i < add.bytes.length; i++) {
      const changed = Uint8Array.from(add.bytes)
      changed[i] = (changed[i] as number) ^ 1
      expect(() => decodeStatement(changed, verifyEd25519)).toThrowError(invalid)
    }
  })

  const sealed = (body: object) => {
    const bytes = encodeCbor(body)
    return encodeCbor([bytes, alice.sign(Buffer.concat([Buffer.from('dittofs member v1\0'), bytes]))])
  }
  const raw = {
    v: 1,
    kind: 'remove',
    space: new Uint8Array(32),
    author: Buffer.from(alice.key, 'hex'),
    subject: Buffer.from(bob.key, 'hex'),
    time: 1,
    seen: [new Uint8Array(32)],
  }
  it.each([
    ['a field that is not known', { ...raw, extra: 1 }],
    ['an unknown kind', { ...raw, kind: 'promote' }],
    ['another version', { ...raw, v: 2 }],
    ['a negative time', { ...raw, time: -1 }],
    ['a key of 31 bytes', { ...raw, subject: new Uint8Array(31) }],
    ['nothing seen', { ...raw, seen: [] }],
    ['one statement seen twice', { ...raw, seen: [new Uint8Array(32), new Uint8Array(32)] }],
    ['17 heads', { ...raw, seen: Array.from({ length: 17 }, (_, i) => new Uint8Array(32).fill(i)) }],
    ['a device removing itself', { ...raw, subject: raw.author }],
    ['a device leaving for another', { ...raw, kind: 'leave' }],
    ['an unknown role', { ...raw, kind: 'role', role: 'write' }],
    ['a name of 129 bytes', { ...raw, kind: 'add', role: 'full', name: 'n'.repeat(129) }],
  ])('refuses %s, though signed', (_, body) => {
    expect(() => decodeStatement(sealed(raw), verifyEd25519)).not.toThrow()
    expect(() => decodeStatement(sealed(body), verifyEd25519)).toThrowError(invalid)
  })

  it('answers any bytes with a statement or DITTO_STATEMENT_INVALID', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 1100 }),
      fc.anything().map((value) => {
        try {
          return encodeCbor([encodeCbor(value), new Uint8Array(64)])
        } catch {
          return new Uint8Array(0)
        }
      }),
    )
    fc.assert(
      fc.property(bytes, (any) => {
        try {
          decodeStatement(any, () => true)
        } catch (error) {
          expect(error).toBeInstanceOf(DittoError)
        }
      }),
      { numRuns: 2000 },
    )
  })
})
