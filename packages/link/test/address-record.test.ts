import { createHash, createPrivateKey, createPublicKey, sign } from 'node:crypto'
import { deviceKey } from '@dittofs/interface'
import { encodeCbor } from '@dittofs/wire'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MAX_RECORDED_ADDRESSES, readAddressRecord, signAddressRecord } from '../src/index.ts'

/** An Ed25519 key that is the same in every run. @see RFC 8410 section 7 for the prefix */
function identity(name: string) {
  const seed = createHash('sha256').update(name).digest()
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed])
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  const raw = createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).subarray(-32)
  return { key: deviceKey.fromBytes(raw), sign: (bytes: Uint8Array) => new Uint8Array(sign(null, bytes, privateKey)) }
}

const alice = identity('alice')
const FIELDS = { sequence: 7, time: 1_700_000_000_000, addresses: ['webrtc://aa@signal.example.org'] }
const GOLDEN = [
  '82', // a list of two: body, signature
  '5870', // the body, 112 bytes
  'a5', // a map of five, keys by length, then by bytes
  '617601', // "v": 1
  '6474696d651b0000018bcfe56800', // "time": 1,700,000,000,000 ms
  `666465766963655820${alice.key}`, // "device": its key
  '6873657175656e636507', // "sequence": 7
  '6961646472657373657381781e', // "addresses": a list of one text of 30 bytes
  Buffer.from('webrtc://aa@signal.example.org').toString('hex'),
  '5840', // the signature over "dittofs addresses v1\0" and the body, 64 bytes
].join('')

describe('an address record', () => {
  it('begins with these bytes, and ends with the signature of its device', () => {
    const record = signAddressRecord(alice, FIELDS)
    expect(Buffer.from(record.bytes.subarray(0, -64)).toString('hex')).toBe(GOLDEN)
    // Ed25519 signs the same to the same bytes.
    expect(createHash('sha256').update(record.bytes).digest('hex')).toBe(
      'f846823e9302b12eda6beb10c7a86782741ed3f2880b2c7409b9f80588108aa3',
    )
    const read = readAddressRecord(record.bytes)
    expect(read).toMatchObject({ device: alice.key, ...FIELDS })
    expect(read.isSigned()).toBe(true)
  })

  it('is not signed once any of its bytes is another', () => {
    const { bytes } = signAddressRecord(alice, FIELDS)
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const forged = Uint8Array.from(bytes)
        forged[at] = (forged[at] as number) ^ change
        try {
          expect(readAddressRecord(forged).isSigned()).toBe(false)
        } catch (error) {
          expect(error).toMatchObject({ code: 'DITTO_PROTOCOL' })
        }
      }),
    )
  })

  it('is refused when it is not well-formed', () => {
    const device = deviceKey.toBytes(alice.key)
    const good = { v: 1, device, sequence: 1, time: 1, addresses: ['webrtc://a@b'] }
    const record = (body: unknown) => encodeCbor([encodeCbor(body), new Uint8Array(64)])
    expect(readAddressRecord(record(good)).isSigned()).toBe(false)
    for (const body of [
      [],
      { ...good, v: 2 },
      { ...good, device: device.subarray(1) },
      { ...good, sequence: -1 },
      { ...good, time: 'now' },
      { ...good, addresses: 'webrtc://a@b' },
      { ...good, addresses: ['no scheme'] },
      { ...good, addresses: ['webrtc://with\u001b[31mcolour'] },
      { ...good, addresses: [`webrtc://${'a'.repeat(200)}`] },
      { ...good, addresses: Array.from({ length: MAX_RECORDED_ADDRESSES + 1 }, () => 'webrtc://a@b') },
    ]) {
      expect(() => readAddressRecord(record(body))).toThrow(expect.objectContaining({ code: 'DITTO_PROTOCOL' }))
    }
    for (const bytes of [encodeCbor([]), encodeCbor([1, 2]), new Uint8Array(3000)]) {
      expect(() => readAddressRecord(bytes)).toThrow(expect.objectContaining({ code: 'DITTO_PROTOCOL' }))
    }
  })

  it('is not made of what is no address', () => {
    expect(() => signAddressRecord(alice, { ...FIELDS, addresses: ['nowhere'] })).toThrow(RangeError)
  })
})
