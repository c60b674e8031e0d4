import { exchangeMetadata, pseudoRandomBytes } from '@dittofs/testing'
import { describe, expect, it } from 'vitest'
import { connect, HOME, TestDevice } from './test-device.ts'

const NAMES = ['alice', 'bob', 'carol']

describe('a sync engine', () => {
  it('brings what one device has to another, and the reverse', async () => {
    const alice = await TestDevice.open('alice', NAMES)
    const bob = await TestDevice.open('bob', NAMES)
    await alice.write({
      'docs/plan.txt': Buffer.from('plan'),
      'video.bin': pseudoRandomBytes(1, 3_000_000),
      empty: Buffer.of(),
    })
    await bob.write({ 'notes.txt': Buffer.from('notes') })
    connect(alice, bob)
    await Promise.all([alice.upToDate(), bob.upToDate()])
    expect(await bob.files()).toEqual(await alice.files())
    expect(Object.keys(await bob.files()).sort()).toEqual(['docs/plan.txt', 'empty', 'notes.txt', 'video.bin'])
    expect(bob.engine.spaceState(HOME)).toMatchObject({ missingChunks: 0, missingBytes: 0, isSettled: true })
    expect(alice.engine.peers()).toMatchObject([{ peer: bob.key, name: 'bob', isUpToDate: true, isPeerUpToDate: true }])
  })

  it('passes changes on as they happen, also through a device between', async () => {
    const alice = await TestDevice.open('alice', NAMES)
    const bob = await TestDevice.open('bob', NAMES)
    const carol = await TestDevice.open('carol', NAMES)
    connect(alice, bob)
    connect(bob, carol)
    await Promise.all([alice.upToDate(), bob.upToDate(), carol.upToDate()])
    await alice.write({ 'a.txt': Buffer.from('from alice'), 'b.bin': pseudoRandomBytes(2, 2_000_000) })
    await carol.write({ 'c.txt': Buffer.from('from carol') })
    const all = ['a.txt', 'b.bin', 'c.txt']
    await expect.poll(async () => Object.keys(await carol.files()).sort()).toEqual(all)
    await expect.poll(async () => Object.keys(await alice.files()).sort()).toEqual(all)
    await Promise.all([alice.upToDate(), bob.upToDate(), carol.upToDate()])
    expect(await carol.files()).toEqual(await alice.files())
    expect(await bob.files()).toEqual(await alice.files())
  })

  it('passes on content of a newcomer that the device between received in less time than progress is told in', async () => {
    const alice = await TestDevice.open('alice', NAMES)
    const bob = await TestDevice.open('bob', NAMES)
    const carol = await TestDevice.open('carol', NAMES)
    connect(bob, carol)
    await Promise.all([bob.upToDate(), carol.upToDate()])
    await alice.write({ 'small.txt': Buffer.from('made while away') })
    connect(alice, bob)
    await expect.poll(async () => Object.keys(await carol.files())).toEqual(['small.txt'])
  })

  it('is done when what two devices lack is nowhere, one after the other finding that out', async () => {
    const [alice, bob] = [await TestDevice.open('alice', NAMES), await TestDevice.open('bob', NAMES)]
    const carol = await TestDevice.open('carol', NAMES)
    await carol.write({ 'small.txt': Buffer.from('small'), 'other.txt': Buffer.from('other') })
    for (const device of [alice, bob]) await exchangeMetadata(carol.tree(), device.tree())
    await bob.write({ 'bob.txt': Buffer.from('bob') })
    connect(alice, bob)
    await Promise.all([alice.upToDate(), bob.upToDate()])
    for (const { engine } of [alice, bob]) {
      expect(engine.spaceState(HOME)).toMatchObject({ missingChunks: 2, isSettled: true })
      expect(engine.peers()).toMatchObject([{ isUpToDate: true, isPeerUpToDate: true }])
    }
  })
})
