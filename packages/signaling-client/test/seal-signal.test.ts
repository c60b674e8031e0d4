import { isDittoError } from '@dittofs/interface'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { openSignal, sealSignal } from '../src/seal-signal.ts'
import { signalingKey } from '../src/signaling-key.ts'
import { testIdentity } from './support/test-identity.ts'

const ORIGIN = 'wss://signal.example.org'
const [alice, bob, carol] = ['alice', 'bob', 'carol'].map((name) => signalingKey(testIdentity(name), ORIGIN)) as [
  ReturnType<typeof signalingKey>,
  ReturnType<typeof signalingKey>,
  ReturnType<typeof signalingKey>,
]
const content = {
  id: new Uint8Array(16).fill(1),
  sentAt: 1_800_000_000_000,
  session: new Uint8Array(16).fill(2),
  kind: 'offer',
  body: 'v=0',
} as const

const refused = expect.objectContaining({ code: 'DITTO_PROTOCOL' }) as Error

describe('signalingKey', () => {
  it('is the same each time at one server, and another at each other server', () => {
    expect(signalingKey(testIdentity('alice'), ORIGIN).hex).toBe(alice.hex)
    expect(signalingKey(testIdentity('alice'), 'wss://other.example.org').hex).not.toBe(alice.hex)
    expect(alice.hex).not.toBe(testIdentity('alice').key)
  })
})

describe('sealSignal', () => {
  it('seals what only the receiver can open, and learns from whom it is', async () => {
    const sealed = await sealSignal(alice, bob.publicKey, content)
    expect(await openSignal(bob, alice.publicKey, sealed)).toEqual({ ...content, device: testIdentity('alice').key })
    await expect(openSignal(carol, alice.publicKey, sealed)).rejects.toThrow(refused)
  })

  it('shows nothing but its length, which is one of few', async () => {
    const short = await sealSignal(alice, bob.publicKey, { ...content, body: 'a' })
    const longer = await sealSignal(alice, bob.publicKey, { ...content, body: 'a'.repeat(60) })
    expect(longer.length).toBe(short.length)
    expect(short.length % 256).toBe(48)
    for (const secret of [alice.device, content.id, content.session, Buffer.from('sentAt')].map((bytes) =>
      Buffer.from(bytes),
    )) {
      expect(Buffer.from(short).includes(secret)).toBe(false)
    }
    const again = await sealSignal(alice, bob.publicKey, { ...content, body: 'a' })
    expect(Buffer.from(again).equals(short)).toBe(false)
  })

  it.each([
    ['no point of the curve', `02${'00'.repeat(31)}`],
    ['the neutral element', `01${'00'.repeat(31)}`],
    ['a point of order eight', 'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a'],
  ])('refuses to seal to %s', async (_, hex) => {
    await expect(sealSignal(alice, Buffer.from(hex, 'hex'), content)).rejects.toMatchObject({
      code: 'DITTO_PEER_UNREACHABLE',
    })
  })
})

describe('openSignal', () => {
  it('refuses a signal that the server says is from somebody else', async () => {
    const sealed = await sealSignal(alice, bob.publicKey, content)
    await expect(openSignal(bob, carol.publicKey, sealed)).rejects.toThrow(refused)
  })

  it('refuses a signal for the same device at another server', async () => {
    const elsewhere = signalingKey(testIdentity('bob'), 'wss://other.example.org')
    const sealed = await sealSignal(alice, bob.publicKey, content)
    await expect(openSignal(elsewhere, alice.publicKey, sealed)).rejects.toThrow(refused)
  })

  it("refuses a sender who names another's device as its own", async () => {
    const mallory = { ...signalingKey(testIdentity('mallory'), ORIGIN), device: alice.device }
    const withOwnProof = await sealSignal(mallory, bob.publicKey, content)
    const withStolenProof = await sealSignal({ ...mallory, proof: alice.proof }, bob.publicKey, content)
    await expect(openSignal(bob, mallory.publicKey, withOwnProof)).rejects.toThrow(refused)
    await expect(openSignal(bob, mallory.publicKey, withStolenProof)).rejects.toThrow(refused)
  })

  it('refuses a proof that was made for another server', async () => {
    const elsewhere = signalingKey(testIdentity('alice'), 'wss://other.example.org')
    const sealed = await sealSignal({ ...alice, proof: elsewhere.proof }, bob.publicKey, content)
    await expect(openSignal(bob, alice.publicKey, sealed)).rejects.toThrow(refused)
  })

  it('refuses keys that are no points, or that everybody has the secret of', async () => {
    const sealed = await sealSignal(alice, bob.publicKey, content)
    for (const from of [Buffer.alloc(32), Buffer.alloc(32, 0xff), Buffer.from(`01${'00'.repeat(31)}`, 'hex')]) {
      await expect(openSignal(bob, from, sealed)).rejects.toThrow(refused)
    }
  })

  it('opens what this version sealed when it was first written', async () => {
    const sealed = Buffer.from(VECTOR, 'hex')
    expect(await openSignal(bob, alice.publicKey, sealed)).toEqual({ ...content, device: testIdentity('alice').key })
  })

  it('refuses every signal with one bit changed, and any bytes', async () => {
    const sealed = Buffer.from(VECTOR, 'hex')
    const flipped = fc.nat({ max: sealed.length * 8 - 1 }).map((bit) => {
      const wrong = Buffer.from(sealed)
      wrong[bit >> 3] = (wrong[bit >> 3] as number) ^ (1 << (bit & 7))
      return wrong
    })
    await fc.assert(
      fc.asyncProperty(fc.oneof(flipped, fc.uint8Array({ maxLength: 400 })), async (wrong) => {
        const error: unknown = await openSignal(bob, alice.publicKey, wrong).catch((failure: unknown) => failure)
        expect(isDittoError(error, 'DITTO_PROTOCOL')).toBe(true)
      }),
      { numRuns: 60 },
    )
  })
})

/** `content` from alice to bob. */
const VECTOR = [
  '353ad3b36bb619390379085855f339b890e08a5673ee8a77530e8b4550efde5025ff1f0588889fd135a0839c8efc5b91',
  '7746a5a7f41133f9dbe4b638eb79e1057651943cf77eb615e63f6a3be965f86268b0f25a8a22334e21ae5b70872af429',
  '26012440ace70f65df4883b1f25ca68ba55ae59dc9c649472b8732571093cea188f63747b23be8afd6c1818c0fcb72dc',
  '92e8f34ee449ce1dd3cd30158f8c6dc3d7239f4f0b63ef0e6b9e6f87c6c7ef4fc263eaa7212a06e9402f9193c7584ece',
  '0ccc4ff8de518105babee286dc2d025bdc96a1ececbe1809878b3ecb59dcf3311a2974cf24ecfc096da9917ac3d583fe',
  'e637bb3039bf199b7bfe572c7b76ac4443bed0c1336302fc8cb62666d977834b88624e01c8e664bcb593835a15783cf8',
  '45fad64f5bf4267e979e509672c4f8bc',
].join('')
