import { deflateRawSync } from 'node:zlib'
import { pseudoRandomBytes, turnClock } from '@dittofs/testing'
import { encodePackedChunks } from '@dittofs/wire'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { packRecords, unpackRecords } from '../src/chunk-packing.ts'
import { PackingCost } from '../src/packing-cost.ts'
import { WireRate } from '../src/wire-rate.ts'
import { RawPeer } from './raw-peer.ts'
import { connect, HOME, keyOf, TestDevice } from './test-device.ts'

const NAMES = ['alice', 'bob', 'mallory']
const LINE = 'The same words again and again, with a number behind them: '

function text(bytes: number): Buffer {
  let written = ''
  for (let number = 0; written.length < bytes; number++) written += `${LINE}${number * number}\n`
  return Buffer.from(written.slice(0, bytes))
}

const plain = (records: readonly { index: number; bytes: Uint8Array }[]) =>
  records.map(({ index, bytes }) => ({ index, hex: Buffer.from(bytes).toString('hex') }))

describe('packing chunks', () => {
  it('gives them back as they were', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ minLength: 1, maxLength: 400 }), { minLength: 1 }), async (all) => {
        const records = all.map((bytes, index) => ({ index, bytes: Buffer.concat([text(2500), bytes]) }))
        const packed = await packRecords(records)
        expect(plain(await unpackRecords(packed ?? []))).toEqual(plain(records))
      }),
      { numRuns: 30 },
    )
  })

  it('leaves alone what does not shrink, by a sample, and single chunks of what does', async () => {
    expect(await packRecords([{ index: 0, bytes: pseudoRandomBytes(1, 100_000) }])).toBeUndefined()
    const mixed = [text(50_000), pseudoRandomBytes(2, 50_000), text(60_000)].map((bytes, index) => ({ index, bytes }))
    const packed = (await packRecords(mixed)) ?? []
    expect(packed.map(({ length, bytes }) => bytes.length < length)).toEqual([true, false, true])
  })

  it.each([
    ['longer than it says', deflateRawSync(text(5000)), 4000],
    ['shorter than it says', deflateRawSync(text(5000)), 6000],
    ['no DEFLATE', pseudoRandomBytes(3, 300), 4000],
    ['cut short', deflateRawSync(text(5000)).subarray(0, 100), 5000],
    ['a thousand times as long as it says', deflateRawSync(new Uint8Array(50_000_000)), 60_000],
  ])('is refused when a chunk is %s', async (_, bytes, length) => {
    await expect(unpackRecords([{ index: 0, length, bytes }])).rejects.toMatchObject({ code: 'DITTO_PROTOCOL' })
  })
})

describe('how fast a link is', () => {
  it('is slow or not by what comes while something is asked for', () => {
    const rate = new WireRate()
    expect(rate.packing).toEqual({})
    rate.begin(0)
    for (let at = 1; at <= 10; at++) rate.received(1_000_000, at * 100)
    expect(rate.packing).toEqual({ packBelow: 10_000_000 })
    for (let at = 11; at <= 60; at++) rate.received(10_000_000, at * 100)
    expect(rate.packing).toEqual({})
  })

  it('does not count the time in which nothing is asked for', () => {
    const rate = new WireRate()
    for (let second = 0; second < 10; second++) {
      rate.begin(second * 1000)
      rate.received(20_000_000, second * 1000 + 250)
    }
    expect(rate.packing).toEqual({})
  })
})

describe('compressing', () => {
  it('stops for a while where it is slower than the links it is asked for on', () => {
    const cost = new PackingCost()
    expect(cost.isWorthIt(1_000_000)).toBe(true)
    cost.packed(800_000, 10)
    expect(cost.isWorthIt(20_000_000)).toBe(true)
    expect(Array.from({ length: 40 }, () => cost.isWorthIt(60_000_000)).indexOf(true)).toBe(32)
  })
})

describe('content on a slow link', () => {
  const RATE = 1_000_000
  async function bytesFor(content: Uint8Array): Promise<number> {
    const clock = turnClock(50)
    const limits = { upload: () => RATE, download: () => undefined }
    const bob = await TestDevice.open('bob', NAMES, { clock, limits })
    await bob.write({ 'large.bin': content })
    const alice = await TestDevice.open('alice', NAMES, { clock })
    const [session] = connect(alice, bob)
    await expect.poll(() => alice.tree().lookup('large.bin')).toBeDefined()
    await alice.upToDate()
    expect(await alice.files()).toEqual(await bob.files())
    return session.link.bytesReceived
  }

  it('is compressed where it shrinks, once the link is known to be slow', async () => {
    // By the clock of this test compression is slow as well, so that only now and then a frame is compressed.
    expect(await bytesFor(text(8_000_000))).toBeLessThan(7_900_000)
  })

  it('is compressed only for a peer that allows it', async () => {
    const alice = await TestDevice.open('alice', NAMES)
    await alice.write({ 'file.bin': text(9000) })
    const content = alice.tree().lookup('file.bin')?.file?.content
    if (content?.kind !== 'inline') throw new TypeError('a small file is inline')
    const ids = Buffer.from(content.chunks.map(({ id }) => id).join(''), 'hex')
    const peer = await RawPeer.greet(alice, keyOf('mallory'), [HOME])
    peer.send({ type: 'want', request: 1, space: 100, ids, packBelow: 1_000 })
    const packed = await peer.next('packedChunks')
    expect(packed.records[0]?.bytes.length).toBeLessThan(3000)
    expect(Buffer.from((await unpackRecords(packed.records))[0]?.bytes ?? []).toString()).toBe(text(9000).toString())
    peer.send({ type: 'want', request: 2, space: 100, ids })
    expect((await peer.next('chunks')).records[0]?.bytes.length).toBe(9000)
  })

  it('goes as it is where it does not', async () => {
    const bytes = await bytesFor(pseudoRandomBytes(4, 6_000_000))
    expect(bytes).toBeGreaterThan(6_000_000)
    expect(bytes).toBeLessThan(6_050_000)
  })

  it('ends the link when it cannot be unpacked', async () => {
    const alice = await TestDevice.open('alice', NAMES)
    const bob = await TestDevice.open('bob', NAMES)
    await bob.write({ 'file.bin': text(9000) })
    for (const message of await bob.tree().receive(alice.tree().hello(), alice.key, true)) {
      await alice.tree().receive(message, bob.key, true)
    }
    const peer = await RawPeer.greet(alice, keyOf('mallory'), [HOME])
    const { request } = await peer.next('want')
    peer.link.send(...encodePackedChunks(request, [{ index: 0, length: 9000, bytes: pseudoRandomBytes(5, 100) }]))
    expect(await peer.endCode()).toBe('DITTO_PROTOCOL')
  })
})
