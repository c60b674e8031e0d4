import { DittoError, isDittoError, type KnockMatch } from '@dittofs/interface'
import { ManualClock, memoryLinkPair, pseudoRandomBytes, settle } from '@dittofs/testing'
import { MESSAGE_TYPE } from '@dittofs/wire'
import { describe, expect, it } from 'vitest'
import type { Session, StatementExchange } from '../src/index.ts'
import { RawPeer } from './raw-peer.ts'
import { connect, HOME, keyOf, TestDevice, WORK } from './test-device.ts'

const NAMES = ['alice', 'bob', 'carol']
const bobKey = keyOf('bob')

async function codeOf(session: Session): Promise<string | undefined> {
  const reason = await session.ended
  return isDittoError(reason) ? reason.code : undefined
}

describe('a session', () => {
  it('ends when the peer says no hello within 10 s', async () => {
    const clock = new ManualClock()
    const alice = await TestDevice.open('alice', NAMES, { clock })
    const peer = new RawPeer(alice, bobKey)
    await clock.advance(9_999)
    expect(peer.session.isOver).toBe(false)
    await clock.advance(1)
    expect(await peer.endCode()).toBe('DITTO_LINK_TIMEOUT')
  })

  it('pings every 30 s and ends when nothing was heard for 90 s', async () => {
    const clock = new ManualClock()
    const alice = await TestDevice.open('alice', NAMES, { clock })
    const peer = await RawPeer.greet(alice, bobKey, [HOME])
    await clock.advance(30_000)
    await peer.next('ping')
    peer.send({ type: 'pong', nonce: 0 })
    await settle()
    await clock.advance(89_000)
    expect(peer.session.isOver).toBe(false)
    await clock.advance(31_000)
    expect(await peer.endCode()).toBe('DITTO_LINK_TIMEOUT')
  })

  it('ends after 30 s with a peer that shares no space', async () => {
    const clock = new ManualClock()
    const alice = await TestDevice.open('alice', NAMES, { clock })
    const peer = await RawPeer.greet(alice, bobKey, [WORK])
    await clock.advance(29_000)
    expect(peer.session.isOver).toBe(false)
    await clock.advance(1_000)
    expect(await peer.endCode()).toBe('DITTO_NOT_A_MEMBER')
  })

  it('tells a goodbye from a cut', async () => {
    const alice = await TestDevice.open('alice', NAMES)
    const bob = await TestDevice.open('bob', NAMES)
    const [hers, his] = connect(alice, bob)
    await alice.upToDate()
    await hers.end()
    expect(await his.ended).toBeUndefined()
    const [herSecond, hisSecond] = connect(alice, bob)
    await alice.upToDate()
    hisSecond.link.abort(new DittoError('DITTO_LINK_CUT', 'the cable was pulled'))
    expect(await codeOf(herSecond)).toBe('DITTO_LINK_CUT')
  })

  it('says the code it ends with to the peer', async () => {
    const alice = await TestDevice.open('alice', NAMES)
    const bob = await TestDevice.open('bob', NAMES)
    const [hers, his] = connect(alice, bob)
    await alice.upToDate()
    await hers.end(new DittoError('DITTO_BUSY', 'too much to do'))
    expect(await codeOf(his)).toBe('DITTO_BUSY')
  })

  it('closes the link of a peer that does not read', async () => {
    const clock = new ManualClock()
    const alice = await TestDevice.open('alice', NAMES, { clock })
    const [link, theirs] = memoryLinkPair({ keys: [bobKey, alice.key] })
    theirs.close = () => new Promise(() => undefined)
    const session = alice.engine.attach(theirs)
    const ended = session.end()
    await clock.advance(1_000)
    await ended
    expect(isDittoError(await theirs.closed, 'DITTO_LINK_TIMEOUT')).toBe(true)
    link.abort(new Error('over'))
  })
})

describe('hearing all that devices have to say', () => {
  it('asks a device again until it answers, and then knows what it holds', async () => {
    const clock = new ManualClock()
    const alice = await TestDevice.open('alice', NAMES, { clock })
    const peer = await RawPeer.greet(alice, bobKey, [HOME])
    const hearing = alice.engine.hearAll()
    await peer.next('ping')
    await clock.advance(2_000)
    const { nonce } = await peer.next('ping')
    peer.send({ type: 'pong', nonce })
    expect([...(await hearing)]).toEqual([])
  })

  it('names those that had not answered when the time was over', async () => {
    const clock = new ManualClock()
    const alice = await TestDevice.open('alice', NAMES, { clock })
    await RawPeer.greet(alice, bobKey, [HOME])
    const over = new AbortController()
    const hearing = alice.engine.hearAll({ signal: over.signal })
    await clock.advance(4_000)
    over.abort()
    expect([...(await hearing)]).toEqual([bobKey])
  })

  it('waits no more for a device that is gone', async () => {
    const alice = await TestDevice.open('alice', NAMES, { clock: new ManualClock() })
    const peer = await RawPeer.greet(alice, bobKey, [HOME])
    const hearing = alice.engine.hearAll()
    await settle()
    peer.link.abort(new DittoError('DITTO_LINK_CUT', 'the cable was pulled'))
    expect([...(await hearing)]).toEqual([])
  })

  it('learns with the answer that a device has changed, though its metadata still waits behind other bytes', async () => {
    const clock = new ManualClock()
    const alice = await TestDevice.open('alice', NAMES, { clock })
    const peer = await RawPeer.greet(alice, bobKey, [HOME])
    peer.sendMetadata(100, alice.tree().hello(), true)
    await clock.advance(100)
    const before = await peer.next('progress')
    await alice.write({ 'new.txt': pseudoRandomBytes(1, 10) })
    peer.send({ type: 'ping', nonce: 7 })
    const after = await peer.next('progress')
    await peer.next('pong')
    expect(Buffer.from(after.digest ?? []).equals(Buffer.from(before.digest ?? []))).toBe(false)
  })
})

describe('two sessions with one device', () => {
  it('keep the link dialled by the lower key when both dial at once', async () => {
    const alice = await TestDevice.open('alice', NAMES)
    const bob = await TestDevice.open('bob', NAMES)
    const dialled = [connect(alice, bob), connect(bob, alice)]
    const kept = alice.key < bob.key ? 0 : 1
    await Promise.all(dialled[1 - kept]?.map((session) => session.ended) ?? [])
    await Promise.all([alice.upToDate(), bob.upToDate()])
    expect(dialled[kept]?.every((session) => session.isOpen)).toBe(true)
    expect(alice.engine.peers()).toHaveLength(1)
  })

  it('keep the newer link when one side dials again', async () => {
    const alice = await TestDevice.open('alice', NAMES)
    const bob = await TestDevice.open('bob', NAMES)
    const first = connect(alice, bob)
    await alice.upToDate()
    const second = connect(alice, bob)
    await Promise.all(first.map((session) => session.ended))
    await Promise.all([alice.upToDate(), bob.upToDate()])
    expect(second.every((session) => session.isOpen)).toBe(true)
  })

  it('end both when two running devices use one identity', async () => {
    const alice = await TestDevice.open('alice', NAMES)
    const bob = await TestDevice.open('bob', NAMES)
    const copy = await TestDevice.open('bob', NAMES, { instance: pseudoRandomBytes(99, 16) })
    const [first] = connect(alice, bob)
    await alice.upToDate()
    const [second, theirs] = connect(alice, copy)
    expect(await codeOf(first)).toBe('DITTO_IDENTITY_CLONED')
    expect(await codeOf(second)).toBe('DITTO_IDENTITY_CLONED')
    expect(await codeOf(theirs)).toBe('DITTO_IDENTITY_CLONED')
  })

  it('let a restarted device take the place of its earlier run, whose link answers no more', async () => {
    const clock = new ManualClock()
    const alice = await TestDevice.open('alice', NAMES, { clock })
    const dead = await RawPeer.greet(alice, bobKey, [HOME])
    const [link, theirs] = memoryLinkPair({ keys: [bobKey, alice.key] })
    const session = alice.engine.attach(theirs)
    const bob = await TestDevice.open('bob', NAMES, { instance: pseudoRandomBytes(99, 16) })
    bob.engine.attach(link)
    await clock.advance(5_000)
    expect(await dead.endCode()).toBeUndefined()
    await clock.advance(1_000)
    expect(session.isOpen).toBe(true)
  })

  it('are at most four', async () => {
    const alice = await TestDevice.open('alice', NAMES)
    const peers = Array.from({ length: 5 }, () => new RawPeer(alice, bobKey))
    expect(await peers[4]?.endCode()).toBe('DITTO_BUSY')
    expect(peers.slice(0, 4).every(({ session }) => !session.isOver)).toBe(true)
  })
})

describe('members', () => {
  it('are cut off at once when they are removed, and learn nothing more', async () => {
    const alice = await TestDevice.open('alice', NAMES)
    const bob = await TestDevice.open('bob', NAMES)
    const [session] = connect(alice, bob)
    await alice.upToDate()
    await alice.members().remove(bob.key)
    expect(session.isOver).toBe(true)
    expect(await codeOf(session)).toBe('DITTO_NOT_A_MEMBER')
    await alice.write({ 'secret.txt': Buffer.from('secret') })
    const [again] = connect(alice, bob)
    // Long enough for statements, spaces and metadata, had there been any.
    expect(await again.isAlive(5_000)).toBe(true)
    expect(again.shared.size).toBe(0)
    expect(await bob.files()).toEqual({})
  })

  it('stay connected for the spaces they still share', async () => {
    const alice = await TestDevice.open('alice', NAMES, { spaces: [HOME, WORK] })
    const bob = await TestDevice.open('bob', NAMES, { spaces: [HOME, WORK] })
    const [session] = connect(alice, bob)
    await Promise.all([alice.upToDate(), bob.upToDate()])
    await alice.members(WORK).remove(bob.key)
    await alice.write({ 'secret.txt': Buffer.from('secret') }, WORK)
    await alice.write({ 'shared.txt': Buffer.from('shared') }, HOME)
    await alice.upToDate()
    expect(session.isOpen).toBe(true)
    expect(Object.keys(await bob.files(HOME))).toEqual(['shared.txt'])
    expect(await bob.files(WORK)).toEqual({})
  })

  it('come in during a session when they are added', async () => {
    const alice = await TestDevice.open('alice', NAMES)
    const bob = await TestDevice.open('bob', NAMES)
    await alice.members().remove(bob.key)
    await alice.write({ 'a.txt': Buffer.from('a') })
    connect(alice, bob)
    await expect.poll(() => alice.engine.peers().length).toBe(1)
    await alice.members().add(bob.key, 'bob', 'full')
    await alice.upToDate()
    expect(await bob.files()).toEqual(await alice.files())
  })

  it('who may only read get everything and change nothing', async () => {
    const alice = await TestDevice.open('alice', NAMES, { readers: ['bob'] })
    const bob = await TestDevice.open('bob', NAMES, { readers: ['bob'] })
    await alice.write({ 'a.txt': Buffer.from('a') })
    await bob.write({ 'b.txt': Buffer.from('b') })
    const [session] = connect(alice, bob)
    await expect.poll(async () => Object.keys(await bob.files()).sort()).toEqual(['a.txt', 'b.txt'])
    await alice.write({ 'c.txt': Buffer.from('c') })
    await expect.poll(async () => Object.keys(await bob.files()).sort()).toEqual(['a.txt', 'b.txt', 'c.txt'])
    expect(session.isOpen).toBe(true)
    expect(Object.keys(await alice.files()).sort()).toEqual(['a.txt', 'c.txt'])
  })

  it('who may only read and send changes all the same are cut off', async () => {
    const alice = await TestDevice.open('alice', NAMES, { readers: ['bob'] })
    const bob = await TestDevice.open('bob', NAMES)
    await bob.write({ 'b.txt': Buffer.from('b') })
    const [session] = connect(alice, bob)
    expect(await codeOf(session)).toBe('DITTO_ROLE')
    expect(await alice.files()).toEqual({})
  })

  it('exchange statements before they name any space', async () => {
    const order: number[] = []
    const received: string[] = []
    const statements = (name: string): StatementExchange => ({
      start: (_peer, match: KnockMatch) => [
        Uint8Array.of(MESSAGE_TYPE.statements, ...Buffer.from(`${name} ${match.kind}`)),
      ],
      changed: () => [],
      receive: async (payload) => {
        const text = Buffer.from(payload.subarray(1)).toString()
        received.push(text)
        return text.endsWith('answer') ? [] : [Uint8Array.of(MESSAGE_TYPE.statements, ...Buffer.from('answer'))]
      },
    })
    const alice = await TestDevice.open('alice', NAMES, { statements: statements('alice') })
    const bob = await TestDevice.open('bob', NAMES, { statements: statements('bob') })
    connect(alice, bob, {
      onFrame: (payload, sender) => {
        if (sender === alice.key) order.push(payload[0] as number)
        return undefined
      },
    })
    await alice.upToDate()
    expect(received.sort()).toEqual(['alice space', 'answer', 'answer', 'bob space'])
    expect(order.indexOf(MESSAGE_TYPE.statements)).toBeLessThan(order.indexOf(MESSAGE_TYPE.spaces))
    expect(order.indexOf(MESSAGE_TYPE.spaces)).toBeLessThan(order.indexOf(MESSAGE_TYPE.metadata))
  })
})
