import { randomBytes as secureRandomBytes } from 'node:crypto'
import { chmod, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { isDittoError } from '@dittofs/interface'
import { temporaryDirectory } from '@dittofs/testing'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { createIdentity, type Identity, loadOrCreateIdentity } from '../src/identity.ts'
import { decodePartHeader, isPartFor, openPart, PART_HEADER_BYTES, partSealer } from '../src/sealed-part.ts'
import { agreementKeyOf, x25519 } from '../src/x25519.ts'

const random = (size: number) => new Uint8Array(secureRandomBytes(size))
const bundle = new Uint8Array(16).fill(7)
const content = Buffer.from('what alice has for bob')
let alice: Identity
let bob: Identity
let carol: Identity

beforeAll(async () => {
  ;[alice, bob, carol] = [await createIdentity(), await createIdentity(), await createIdentity()]
})

function seal(index = 0, isLast = false): Uint8Array {
  return partSealer(alice, bob.key, random)({ bundle, index, isLast }, content)
}

function open(identity: Identity, part: Uint8Array) {
  const header = decodePartHeader(part.subarray(0, PART_HEADER_BYTES))
  return { header, ...openPart(identity, header, part.subarray(PART_HEADER_BYTES)) }
}

function codeOf(action: () => unknown): string | undefined {
  try {
    action()
  } catch (error) {
    return isDittoError(error) ? error.code : String(error)
  }
  return undefined
}

describe('a sealed part', () => {
  it('is read by the device it is for, which learns from whom it is', () => {
    const opened = open(bob, seal(3, true))
    expect(opened.sender).toBe(alice.key)
    expect(Buffer.from(opened.content).equals(content)).toBe(true)
    expect(opened.header).toMatchObject({ index: 3, isLast: true })
  })

  it('is for nobody else, and says so only to who knows the key', () => {
    const part = seal()
    const header = decodePartHeader(part.subarray(0, PART_HEADER_BYTES))
    expect([isPartFor(header, bob.key), isPartFor(header, carol.key), isPartFor(header, alice.key)]).toEqual([
      true,
      false,
      false,
    ])
    expect(codeOf(() => open(carol, part))).toBe('DITTO_BUNDLE_DAMAGED')
  })

  it('shows neither key and nothing of its content', () => {
    const part = Buffer.from(seal())
    for (const secret of [alice.publicKey, bob.publicKey, content]) {
      expect(part.includes(Buffer.from(secret))).toBe(false)
    }
  })

  it('is never the same twice', () => {
    expect(Buffer.from(seal()).equals(seal())).toBe(false)
  })

  it('notices every byte that was changed, and every length it was cut to', () => {
    const part = seal()
    for (let at = 0; at < part.length; at++) {
      const changed = Uint8Array.from(part)
      changed[at] = (changed[at] ?? 0) ^ 1
      expect(
        codeOf(() => open(bob, changed)),
        `byte ${at}`,
      ).toBe('DITTO_BUNDLE_DAMAGED')
      expect(
        codeOf(() => open(bob, part.subarray(0, at))),
        `length ${at}`,
      ).toBe('DITTO_BUNDLE_DAMAGED')
    }
  })

  it('refuses an ephemeral key of small order', () => {
    expect(x25519(random(32), new Uint8Array(32))).toBeUndefined()
    expect(bob.agree(Uint8Array.of(1, ...new Uint8Array(31)))).toBeUndefined()
  })

  it('agrees alike on both sides', () => {
    const shared = alice.agree(agreementKeyOf(bob.key))
    expect(shared).toEqual(bob.agree(agreementKeyOf(alice.key)))
    expect(shared).toHaveLength(32)
  })

  it('answers any bytes with a header or DITTO_BUNDLE_DAMAGED', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), fc.boolean(), (bytes, hasMagic) => {
        const start = hasMagic ? Buffer.from('DITTOBDL\x01', 'latin1') : Buffer.of()
        const code = codeOf(() => decodePartHeader(Buffer.concat([start, bytes]).subarray(0, PART_HEADER_BYTES)))
        expect([undefined, 'DITTO_BUNDLE_DAMAGED']).toContain(code)
      }),
      { numRuns: 2000 },
    )
  })
})

describe('the bytes of a part', () => {
  /** The device whose Ed25519 private key is 32 times one byte. */
  async function deviceOf(byte: number): Promise<Identity> {
    const directory = await temporaryDirectory()
    const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.alloc(32, byte)])
    const pem = `-----BEGIN PRIVATE KEY-----\n${der.toString('base64')}\n-----END PRIVATE KEY-----\n`
    await writeFile(path.join(directory, 'key.pem'), pem, { mode: 0o600 })
    await chmod(directory, 0o700)
    return loadOrCreateIdentity(directory)
  }

  const VECTOR = [
    '444954544f42444c', // DITTOBDL
    '01', // version
    '07'.repeat(16), // ID of the bundle
    '00000002', // number of the part
    '01', // it is the last
    'e7ca0e73be7b2d71f4b5ec5984114ee5', // whom it is for
    '5dfedd3b6bd47f6fa28ee15d969d5bb0ea53774d488bdaf9df1c6e0124b3ef22', // X25519 public key of the secret 03..03
    '00000075', // 32 + 64 + 5 + 16
    'a79daf6a3a15d32a09a41cfa3352346d27d255267253f93ece483f629f698fe11ceb9555d6f3e660ae15e7ba2355f5e9521581f6bdc1a968dde5d719fddbe6e7730e3ec814bea9e77d9520bb0dfb71018bd4bc6188f3a3b67cd20e8585fc51caef3c1a79a0', // sender's key, signature and content "hello", encrypted
    'a673f7c7795a7d4b56498f28ebb2e63b', // tag of the cipher
  ]

  it('are those of the documented construction', async () => {
    const [sender, recipient] = [await deviceOf(1), await deviceOf(2)]
    const seal = partSealer(sender, recipient.key, (size) => new Uint8Array(size).fill(3))
    const part = Buffer.from(seal({ bundle, index: 2, isLast: true }, Buffer.from('hello')))
    expect(part.toString('hex')).toBe(VECTOR.join(''))
    expect(Buffer.from(open(recipient, part).content).toString()).toBe('hello')
  })
})
