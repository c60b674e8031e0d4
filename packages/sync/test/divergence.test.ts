import type { Action, MetadataStore } from '@dittofs/interface'
import { exchangeMetadata, pseudoRandomBytes, settle, turnClock } from '@dittofs/testing'
import { encodeMessage, MESSAGE_TYPE } from '@dittofs/wire'
import { describe, expect, it } from 'vitest'
import type { Divergence, Repair } from '../src/index.ts'
import { RawPeer } from './raw-peer.ts'
import { connect, HOME, keyOf, TestDevice } from './test-device.ts'

const NAMES = ['alice', 'bob', 'carol', 'mallory']
const mallory = keyOf('mallory')

/** A symlink: an entry of the tree without bytes that a peer would have to give. */
const link = (path: string): Action => ({ type: 'symlink', path, symlink: { target: path, mtimeNs: 0n } })

const text = (content: string) => Buffer.from(content)

async function open(name: string): Promise<TestDevice> {
  return TestDevice.open(name, NAMES, { clock: turnClock(20) })
}

/** What the engine of a device tells of copies that differ. */
function heard(device: TestDevice): { diverged: (Divergence & { peer: string })[]; repaired: Repair[] } {
  const events: ReturnType<typeof heard> = { diverged: [], repaired: [] }
  device.engine.on('space:diverged', (_, peer, divergence) => events.diverged.push({ ...divergence, peer }))
  device.engine.on('space:repaired', (_, repair) => events.repaired.push(repair))
  return events
}

/**
 * Alice, and bob whom somebody told forged entries of alice's log: what another device with alice's keys, and her first
 * entry, would have written. Both hold as much of the log as soon as they have exchanged.
 */
async function misled(): Promise<{ alice: TestDevice; bob: TestDevice }> {
  const [alice, bob, forger] = [await open('alice'), await open('bob'), await open('alice')]
  await forger.write({ 'forged.txt': text('forged') })
  await exchangeMetadata(forger.tree(), bob.tree())
  await bob.write({ 'bob.txt': text('bob') })
  await alice.write({ 'true.txt': text('true') })
  await alice.write({ 'second.txt': text('second') })
  return { alice, bob }
}

function expectSame(...devices: readonly TestDevice[]): void {
  const [first, ...others] = devices.map((device) => Buffer.from(device.tree().digest()).toString('hex'))
  expect(others).toEqual(others.map(() => first))
}

/** A peer that has said that it holds what the device holds, and that it waits for nothing, with a digest of its own. */
async function settledPeer(device: TestDevice, digest: Uint8Array): Promise<RawPeer> {
  const peer = await RawPeer.greet(device, mallory, [HOME])
  peer.sendMetadata(100, device.tree().hello(), true)
  peer.send({ type: 'progress', space: 100, chunks: 0, bytes: 0, isSettled: true, digest })
  return peer
}

const digestOf = (log: number, digest: Uint8Array) => {
  const bytes = Buffer.alloc(40)
  bytes.writeBigUInt64BE(BigInt(log))
  bytes.set(digest, 8)
  return bytes
}

async function logOf(store: MetadataStore, owner: string): Promise<number> {
  const log = (await store.logDigests()).logs.find((one) => one.owner === keyOf(owner))?.log
  if (log === undefined) throw new TypeError(`no log of ${owner}`)
  return log
}

describe('a log that was forged', () => {
  it.each(['the owner dials', 'the other dials'])('gives way to its owner’s copy when %s', async (who) => {
    const { alice, bob } = await misled()
    const [hers, his] = [heard(alice), heard(bob)]
    if (who === 'the owner dials') connect(alice, bob)
    else connect(bob, alice)
    await Promise.all([alice.upToDate(), bob.upToDate()])
    expectSame(alice, bob)
    expect(Object.keys(await bob.files()).sort()).toEqual(['bob.txt', 'second.txt', 'true.txt'])
    expect(await alice.files()).toEqual(await bob.files())
    expect(his.repaired).toEqual([{ owner: alice.key, droppedEntries: 1, lostPaths: ['forged.txt'] }])
    expect([hers.repaired, hers.diverged, his.diverged]).toEqual([[], [], []])
    expect(bob.log.lines).toContainEqual(
      expect.objectContaining({
        fields: expect.objectContaining({ code: 'DITTO_DIVERGED', owner: alice.key }) as object,
      }),
    )
    for (const device of [alice, bob]) {
      expect(device.engine.peers()).toMatchObject([{ isUpToDate: true, isPeerUpToDate: true }])
      expect(device.engine.peers()[0]).not.toHaveProperty('divergence')
    }
  })

  it('gives way to a copy that comes in many parts', async () => {
    const { alice, bob } = await misled()
    await alice.tree().transact(Array.from({ length: 9000 }, (_, at) => link(`links/${at}`)))
    const parts: number[] = []
    connect(alice, bob, {
      onFrame: (payload) => {
        if (payload[0] === MESSAGE_TYPE.logPart) parts.push(payload.length)
        return undefined
      },
    })
    await Promise.all([alice.upToDate(), bob.upToDate()])
    expectSame(alice, bob)
    expect(bob.tree().counts()).toMatchObject({ symlinks: 9000, files: 3 })
    expect(parts.length).toBeGreaterThan(2)
  })

  it('stays on both devices while its owner is away, which both say, and is repaired when it comes', async () => {
    const { alice, bob } = await misled()
    const carol = await open('carol')
    await exchangeMetadata(alice.tree(), carol.tree())
    const [bobs, carols] = [heard(bob), heard(carol)]
    connect(bob, carol)
    await Promise.all([bob.upToDate(), carol.upToDate()])
    expect(Object.keys(await bob.files())).toContain('forged.txt')
    expect(Object.keys(await carol.files())).toContain('true.txt')
    const divergence = { owners: [alice.key], isBeingRepaired: false }
    expect(bobs).toEqual({ diverged: [{ ...divergence, peer: carol.key }], repaired: [] })
    expect(carols).toEqual({ diverged: [{ ...divergence, peer: bob.key }], repaired: [] })
    for (const device of [bob, carol]) {
      expect(device.engine.peers()).toMatchObject([{ isUpToDate: false, isPeerUpToDate: false, divergence }])
    }

    connect(alice, bob)
    connect(alice, carol)
    const isSame = (device: TestDevice) => device.engine.peers().every((peer) => peer.isUpToDate && peer.isPeerUpToDate)
    await expect.poll(() => [alice, bob, carol].every(isSame)).toBe(true)
    expectSame(alice, bob, carol)
    expect(bobs.repaired).toHaveLength(1)
    expect(carols.repaired).toHaveLength(0)
    const names = Object.keys(await alice.files()).sort()
    expect(names).toEqual(['bob.txt', 'second.txt', 'true.txt'])
    for (const device of [bob, carol]) expect(Object.keys(await device.files()).sort()).toEqual(names)
  })

  it('is repaired both ways when each device holds a forged log of the other', async () => {
    const { alice, bob } = await misled()
    const forger = await open('bob')
    await forger.write({ 'also forged.txt': text('also forged') })
    await exchangeMetadata(forger.tree(), alice.tree())
    await bob.write({ 'bob again.txt': text('bob again') })
    const [hers, his] = [heard(alice), heard(bob)]
    connect(alice, bob)
    await Promise.all([alice.upToDate(), bob.upToDate()])
    expectSame(alice, bob)
    expect([hers.repaired.length, his.repaired.length]).toEqual([1, 1])
    expect(Object.keys(await alice.files()).sort()).toEqual(['bob again.txt', 'bob.txt', 'second.txt', 'true.txt'])
  })

  it('stays as it is at a device that may only read, which is never asked', async () => {
    const { alice, bob } = await misled()
    for (const device of [alice, bob]) await device.members().add(bob.key, 'bob', 'read')
    const types: number[] = []
    connect(alice, bob, {
      onFrame: (payload) => {
        types.push(payload[0] as number)
        return undefined
      },
    })
    await expect.poll(async () => Object.keys(await bob.files())).toContain('second.txt')
    await settle()
    expect(types).not.toContain(MESSAGE_TYPE.digests)
    expect(alice.engine.peers()[0]).not.toHaveProperty('divergence')
  })
})

describe('changes between two devices that hold the same', () => {
  it('are exchanged without comparing logs', async () => {
    const [alice, bob] = [await TestDevice.open('alice', NAMES), await TestDevice.open('bob', NAMES)]
    const types: number[] = []
    connect(alice, bob, {
      onFrame: (payload) => {
        types.push(payload[0] as number)
        return undefined
      },
    })
    for (let round = 0; round < 5; round += 1) {
      await alice.write({ [`a${round}`]: text(`a${round}`) })
      await bob.write({ [`b${round}`]: text(`b${round}`) })
      await Promise.all([alice.upToDate(), bob.upToDate()])
    }
    expectSame(alice, bob)
    expect(types).not.toContain(MESSAGE_TYPE.digests)
  })
})

describe('a member that lies about digests', () => {
  const lie = pseudoRandomBytes(7, 32)

  it('changes nothing, and is not waited for', async () => {
    const alice = await open('alice')
    await alice.write({ 'a.txt': text('a') })
    const bob = await open('bob')
    await bob.tree().transact([link('b')])
    await exchangeMetadata(alice.tree(), bob.tree())
    const { stateHash, logs } = await alice.tree().logDigests()
    const before = alice.tree().digest()
    const events = heard(alice)
    const peer = await settledPeer(alice, lie)
    const told = Buffer.concat(logs.map(({ log }) => digestOf(log, lie)))
    peer.send({ type: 'digests', space: 100, state: stateHash, logs: told, hasMore: false })
    expect((await peer.next('digests')).logs.length).toBe(80)
    await alice.upToDate()
    expect(events.repaired).toEqual([])
    expect(events.diverged).toHaveLength(1)
    expect(new Set(events.diverged[0]?.owners)).toEqual(new Set([keyOf('alice'), keyOf('bob')]))
    expect(alice.engine.peers()).toMatchObject([{ isUpToDate: false, isPeerUpToDate: false }])
    expect(alice.tree().digest()).toEqual(before)
    expect(peer.received.some(({ type }) => type === 'wantLog')).toBe(false)
  })

  it('is not waited for when it says nothing of its logs', async () => {
    const alice = await open('alice')
    await alice.write({ 'a.txt': text('a') })
    const peer = await settledPeer(alice, lie)
    await peer.next('digests')
    await alice.upToDate()
    expect(alice.engine.peers()).toMatchObject([{ divergence: { owners: [], isBeingRepaired: false } }])
    expect(peer.session.isOver).toBe(false)
  })

  /** A peer whose own log, which alice holds, has another digest by what it tells. */
  async function liarWithLog(): Promise<{ alice: TestDevice; log: number; peer: RawPeer; source: TestDevice }> {
    const [alice, source] = [await open('alice'), await open('mallory')]
    await alice.write({ 'a.txt': text('a') })
    await source.tree().transact([link('m')])
    await exchangeMetadata(alice.tree(), source.tree())
    const { stateHash } = await alice.tree().logDigests()
    const log = await logOf(alice.tree(), 'mallory')
    const peer = await settledPeer(alice, lie)
    peer.send({ type: 'digests', space: 100, state: stateHash, logs: digestOf(log, lie), hasMore: false })
    expect(await peer.next('wantLog')).toMatchObject({ log, from: 0 })
    return { alice, log, peer, source }
  }

  it('changes nothing with the copy that is held already', async () => {
    const { alice, log, peer, source } = await liarWithLog()
    const [before, events] = [alice.tree().digest(), heard(alice)]
    peer.send({ type: 'logPart', space: 100, log, from: 0, ...source.tree().ownLogPart(log, 0) })
    await alice.upToDate()
    expect(events.repaired).toEqual([])
    expect(alice.engine.peers()).toMatchObject([{ divergence: { owners: [mallory], isBeingRepaired: false } }])
    expect(alice.tree().digest()).toEqual(before)
  })

  it.each<[string, string, (part: { from: number; to: number; end: number; update: Uint8Array }) => object]>([
    ['garbage', 'DITTO_UPDATE_INVALID', (part) => ({ ...part, update: pseudoRandomBytes(3, 90) })],
    ['parts that lead nowhere', 'DITTO_PROTOCOL', (part) => ({ ...part, to: 0 })],
    ['a part that ends behind the end', 'DITTO_PROTOCOL', (part) => ({ ...part, end: part.to - 1 })],
  ])('is cut off for %s, and changes nothing', async (_, code, change) => {
    const { alice, log, peer, source } = await liarWithLog()
    const before = alice.tree().digest()
    const part = { from: 0, ...source.tree().ownLogPart(log, 0) }
    peer.link.send(encodeMessage({ type: 'logPart', space: 100, log, ...part, ...change(part) }))
    expect(await peer.endCode()).toBe(code)
    expect(alice.tree().digest()).toEqual(before)
  })

  it('cannot hand in the log of another as its own', async () => {
    const { alice, log, peer } = await liarWithLog()
    const before = alice.tree().digest()
    const own = await logOf(alice.tree(), 'alice')
    peer.send({ type: 'logPart', space: 100, log, from: 0, ...alice.tree().ownLogPart(own, 0) })
    expect(await peer.endCode()).toBe('DITTO_UPDATE_INVALID')
    expect(alice.tree().digest()).toEqual(before)
  })

  it('can rewrite its own log, at most once in ten minutes', async () => {
    const { alice, log, peer } = await liarWithLog()
    const events = heard(alice)
    const other = await open('mallory')
    await other.tree().transact([link('n')])
    expect(await logOf(other.tree(), 'mallory')).toBe(log)
    peer.send({ type: 'logPart', space: 100, log, from: 0, ...other.tree().ownLogPart(log, 0) })
    await expect.poll(() => events.repaired).toEqual([{ owner: mallory, droppedEntries: 1, lostPaths: ['m'] }])
    expect(
      alice
        .tree()
        .children('')
        ?.map(({ name }) => name),
    ).toEqual(['a.txt', 'n'])
    const { stateHash } = await alice.tree().logDigests()
    peer.send({ type: 'digests', space: 100, state: stateHash, logs: digestOf(log, lie), hasMore: false })
    await alice.upToDate()
    expect(events.repaired).toHaveLength(1)
    expect(peer.received.filter(({ type }) => type === 'wantLog')).toHaveLength(0)
  })

  it('costs no more than a comparison now and then, however much it tells', async () => {
    const alice = await TestDevice.open('alice', NAMES)
    await alice.write({ 'a.txt': text('a') })
    let comparisons = 0
    const logDigests = alice.tree().logDigests.bind(alice.tree())
    alice.tree().logDigests = () => {
      comparisons += 1
      return logDigests()
    }
    const peer = await settledPeer(alice, lie)
    const logs = pseudoRandomBytes(5, 40 * 4096)
    for (let i = 0; i < 200; i += 1) {
      peer.send({ type: 'digests', space: 100, state: lie, logs, hasMore: i % 3 > 0 })
    }
    peer.send({ type: 'ping', nonce: 3 })
    expect(await peer.next('pong')).toEqual({ type: 'pong', nonce: 3 })
    await settle()
    expect(comparisons).toBeLessThanOrEqual(2)
    expect(peer.session.isOver).toBe(false)
  })
})

describe('a device asked for a log', () => {
  it('gives its own, and of another’s nothing', async () => {
    const [alice, bob] = [await open('alice'), await open('bob')]
    await alice.tree().transact([link('one'), link('two'), link('three')])
    await bob.write({ 'b.txt': text('b') })
    await exchangeMetadata(alice.tree(), bob.tree())
    const peer = await settledPeer(alice, alice.tree().digest())
    const own = await logOf(alice.tree(), 'alice')
    peer.send({ type: 'wantLog', space: 100, log: own, from: 1 })
    expect(await peer.next('logPart')).toMatchObject({ log: own, from: 1, to: 4, end: 4 })
    const other = await logOf(alice.tree(), 'bob')
    peer.send({ type: 'wantLog', space: 100, log: other, from: 0 })
    expect(await peer.next('logPart')).toMatchObject({ log: other, end: 0, update: new Uint8Array(0) })
    peer.send({ type: 'wantLog', space: 100, log: own, from: 4 })
    expect(await peer.next('logPart')).toMatchObject({ from: 4, end: 4, update: new Uint8Array(0) })
  })

  it('gives nothing to a member that may only read', async () => {
    const alice = await TestDevice.open('alice', NAMES, { readers: ['mallory'] })
    await alice.write({ 'a.txt': text('a') })
    const peer = await RawPeer.greet(alice, mallory, [HOME])
    peer.send({ type: 'wantLog', space: 100, log: await logOf(alice.tree(), 'alice'), from: 0 })
    peer.send({ type: 'ping', nonce: 4 })
    await peer.next('pong')
    await settle()
    expect(peer.received.some(({ type }) => type === 'logPart')).toBe(false)
  })
})
