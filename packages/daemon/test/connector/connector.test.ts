import type { Transport } from '@dittofs/interface'
import { createIdentity, knockKey } from '@dittofs/link'
import { ManualClock, MemoryNetwork, memoryTransport, turnClock } from '@dittofs/testing'
import { describe, expect, it } from 'vitest'
import { MAX_DIALS } from '../../src/connector/dial-plan.ts'
import { TestDevice, TestSpace } from './support/test-device.ts'

/** So many milliseconds pass in each turn of the event loop. */
const STEP_MS = 8

/** Announces a port at which it does not listen. */
function deaf(network: MemoryNetwork, host: string): Transport {
  const transport = memoryTransport(network, { host })
  return {
    name: transport.name,
    capabilities: transport.capabilities,
    listen: async () => ({ addresses: () => [`memory://${host}:9`], close: () => Promise.resolve() }),
    dial: (address, options) => transport.dial(address, options),
    discover: (options) => transport.discover(options),
  }
}

/** Tells when an announcement was heard and dealt with. */
function hearing(network: MemoryNetwork, host: string, onHeard: () => void): Transport {
  const transport = memoryTransport(network, { host })
  return {
    name: transport.name,
    capabilities: transport.capabilities,
    listen: (options) => transport.listen(options),
    dial: (address, options) => transport.dial(address, options),
    discover: (options) =>
      transport.discover({
        ...options,
        onSighting: (sighting) => {
          options.onSighting(sighting)
          onHeard()
        },
      }),
  }
}

function lan() {
  const network = new MemoryNetwork()
  const space = new TestSpace()
  const clock = turnClock(STEP_MS)
  const device = (host: string, init: Partial<Parameters<typeof TestDevice.create>[0]> = {}) =>
    TestDevice.create({ network, space, clock, host, ...init })
  return { network, space, clock, device }
}

async function pair() {
  const there = lan()
  const [alice, bob] = await Promise.all([there.device('alice'), there.device('bob')])
  await Promise.all([alice.start(), bob.start()])
  await Promise.all([alice.isLinkedTo(bob), bob.isLinkedTo(alice)])
  return { ...there, alice, bob }
}

describe('Connector', () => {
  it('links two devices that hear each other, once, and carries frames', async () => {
    const { alice, bob } = await pair()
    expect([alice.links.length, bob.links.length]).toEqual([1, 1])
    alice.links[0]!.send(Buffer.from('hello'))
    const frame = await bob.links[0]!.frames()[Symbol.asyncIterator]().next()
    expect(Buffer.from(frame.value as Uint8Array).toString()).toBe('hello')
    expect(alice.connector.state().problems.size).toBe(0)
    expect(alice.connector.state().links.map(({ name, isUp }) => [name, isUp])).toEqual([
      ['memory', true],
      ['memory', true],
    ])
  })

  it('links them again after a restart by what it remembers alone', async () => {
    const { alice, bob, clock } = await pair()
    const dialler = alice.addressBook.entries.size > 0 ? alice : bob
    const other = dialler === alice ? bob : alice
    const [address] = dialler.addressBook.entries.get(other.key)!
    await dialler.stop()
    await other.until(() => other.links.length === 0)
    expect(address).toBe(other.connector.addresses()[0])
    await dialler.start({ canDiscover: false })
    await Promise.all([dialler.isLinkedTo(other), other.isLinkedTo(dialler)])
    expect(clock.monotonic()).toBeLessThan(20_000)
  })

  it('links them again after both have new addresses', async () => {
    const { alice, bob } = await pair()
    await Promise.all([alice.stop(), bob.stop()])
    await alice.start({ host: 'elsewhere' })
    await bob.start({ host: 'somewhere' })
    await Promise.all([alice.isLinkedTo(bob), bob.isLinkedTo(alice)])
    const known = [alice.addressBook.entries.get(bob.key), bob.addressBook.entries.get(alice.key)]
    expect(known.flat().some((address) => /elsewhere|somewhere/.test(address ?? ''))).toBe(true)
  })

  it('links them again when the network comes back', async () => {
    const { network, alice, bob } = await pair()
    network.setReachable('alice', 'bob', false)
    await Promise.all([alice, bob].map((device) => device.until(() => device.links.length === 0)))
    network.setReachable('alice', 'bob', true)
    await Promise.all([alice.isLinkedTo(bob), bob.isLinkedTo(alice)])
    expect([alice.links.length, bob.links.length]).toEqual([1, 1])
  })

  it('leaves one link, the same at both ends, when both dial at once', async () => {
    const { device } = lan()
    const alice = await device('alice', { canDiscover: false })
    const bob = await device('bob', { canDiscover: false })
    await Promise.all([alice.start(), bob.start()])
    alice.addressBook.entries.set(bob.key, bob.connector.addresses())
    bob.addressBook.entries.set(alice.key, alice.connector.addresses())
    const ports = [alice, bob].map((each) => Number(/:(\d+)$/.exec(each.connector.addresses()[0]!)![1]))
    await Promise.all([alice.stop(), bob.stop()])
    await Promise.all([alice.start({ listen: { port: ports[0]! } }), bob.start({ listen: { port: ports[1]! } })])
    await Promise.all([alice.isLinkedTo(bob), bob.isLinkedTo(alice)])
    const label = 'EXPORTER-dittofs-test'
    const sides = () =>
      [alice, bob].map(({ links }) =>
        links.map((link) => Buffer.from(link.exportKeyingMaterial(8, label)).toString('hex')),
      )
    const isOver = () => {
      const [atAlice, atBob] = sides()
      const isSame = atAlice?.length === 1 && atBob?.length === 1 && atAlice[0] === atBob[0]
      return isSame && !alice.connector.isDialing && !bob.connector.isDialing
    }
    while (!isOver()) await new Promise(setImmediate)
    expect(sides()[0]).toEqual(sides()[1])
  })

  it('reaches an address that a person gave, without any discovery', async () => {
    const { device } = lan()
    const alice = await device('alice', { canDiscover: false })
    const bob = await device('bob', { canDiscover: false })
    await alice.start()
    await bob.start({ peerAddresses: ['memory://nowhere:1', alice.connector.addresses()[0]!] })
    await Promise.all([alice.isLinkedTo(bob), bob.isLinkedTo(alice)])
    expect(bob.addressBook.entries.get(alice.key)).toEqual(alice.connector.addresses())
  })

  it('tells strangers nothing and does not link to them', async () => {
    const { network, clock, device } = lan()
    const alice = await device('alice')
    const stranger = await TestDevice.create({
      network,
      clock,
      host: 'mallory',
      space: new TestSpace('home', Buffer.alloc(32, 'another')),
    })
    await alice.start()
    await stranger.start({ peerAddresses: alice.connector.addresses() })
    const bob = await device('bob')
    await bob.start()
    await alice.isLinkedTo(bob)
    expect([alice.links.length, stranger.links.length]).toEqual([1, 0])
  })

  it('says of each device it cannot reach why', async () => {
    const { device, space } = lan()
    const alice = await device('alice', { canDiscover: false })
    const bob = await createIdentity()
    const carol = await createIdentity()
    space.members.add(bob.key).add(carol.key)
    alice.addressBook.entries.set(bob.key, ['memory://gone:1'])
    await alice.start()
    while (alice.connector.state().problems.size < 2) await new Promise(setImmediate)
    expect(Object.fromEntries(alice.connector.state().problems)).toEqual({
      [bob.key]: 'Nobody answers at memory://gone:1.',
      [carol.key]: 'It has not been seen on any network yet.',
    })
  })

  it('cuts off a device that is wanted no more', async () => {
    const { alice, bob, space } = await pair()
    space.members.delete(bob.key)
    alice.connector.disconnect(bob.key, new Error('removed'))
    alice.connector.secretsChanged()
    await Promise.all([alice, bob].map((each) => each.until(() => each.links.length === 0)))
    bob.connector.refresh()
    await expect.poll(() => bob.connector.state().problems.get(alice.key)).toMatch(/\./)
    expect(alice.links).toEqual([])
  })

  it('hears of a space later than of its members', async () => {
    const { device, network, clock } = lan()
    const space = new TestSpace('work', Buffer.alloc(32, 'work'))
    const alice = await TestDevice.create({ network, clock, host: 'alice', space })
    await alice.start()
    const bob = await device('bob')
    const secrets = { ...new TestSpace('none', Buffer.alloc(32, 'none')).secrets() }
    let onHeard = () => {}
    const heard = new Promise<void>((resolve) => {
      onHeard = resolve
    })
    await bob.start({ secrets, transports: [hearing(network, 'bob', () => onHeard())] })
    await heard
    expect(bob.connector.isDialing).toBe(false)
    expect(bob.links).toEqual([])
    space.members.add(bob.key)
    Object.assign(secrets, space.secrets())
    bob.connector.secretsChanged()
    await Promise.all([alice.isLinkedTo(bob), bob.isLinkedTo(alice)])
    expect(bob.links).toHaveLength(1)
  })

  it('refuses to start where its port is taken, and closes cleanly after that', async () => {
    const { device } = lan()
    const alice = await device('shared host')
    const bob = await device('shared host')
    await alice.start()
    const port = Number(/:(\d+)$/.exec(alice.connector.addresses()[0]!)![1])
    await expect(bob.start({ listen: { port } })).rejects.toMatchObject({ code: 'DITTO_PORT_IN_USE' })
  })

  describe('backoff', () => {
    it('dials a device that is away ever more rarely, and at once on a refresh', async () => {
      const network = new MemoryNetwork()
      const clock = new ManualClock({ hasRealWork: true })
      const alice = await TestDevice.create({
        network,
        clock,
        space: new TestSpace(),
        host: 'alice',
        canDiscover: false,
      })
      await alice.start({ peerAddresses: ['memory://away:1'] })
      await clock.advance(60_000)
      // 0, 1, 3, 7, 15, 31 s, each a quarter earlier or later.
      expect(network.dials).toBeGreaterThanOrEqual(6)
      expect(network.dials).toBeLessThanOrEqual(7)
      await clock.advance(3_600_000 - 60_000)
      const afterAnHour = network.dials
      expect(afterAnHour).toBeGreaterThanOrEqual(18)
      expect(afterAnHour).toBeLessThanOrEqual(26)
      await clock.advance(30_000)
      alice.connector.refresh()
      await clock.advance(1_000)
      expect(network.dials).toBeGreaterThan(afterAnHour)
    })

    it('is not undone by hearing the same announcement over and over', async () => {
      const network = new MemoryNetwork()
      const clock = new ManualClock({ hasRealWork: true })
      const space = new TestSpace()
      const alice = await TestDevice.create({ network, clock, space, host: 'alice' })
      const bob = await TestDevice.create({ network, clock, space, host: 'bob' })
      await alice.start()
      await bob.start({ transports: [deaf(network, 'bob')] })
      for (let i = 0; i < 60; i++) {
        bob.connector.refresh()
        await clock.advance(1_000)
      }
      expect(network.dials).toBeLessThanOrEqual(9)
    })
  })

  describe('many devices', () => {
    it('a newcomer among 50 dials a few at a time, and nobody over and over', async () => {
      const { network, device } = lan()
      const others = await Promise.all(Array.from({ length: 49 }, (_, i) => device(`device${i}`)))
      // They do not hear each other, so that all that happens is the newcomer's doing.
      for (const first of others) {
        for (const second of others) if (first !== second) network.setReachable(hostOf(first), hostOf(second), false)
      }
      for (const other of others) await other.start()
      const newcomer = await device('newcomer')
      let atOnce = 0
      let most = 0
      const transport = memoryTransport(network, { host: 'newcomer' })
      const counting: Transport = {
        name: transport.name,
        capabilities: transport.capabilities,
        listen: (options) => transport.listen(options),
        discover: (options) => transport.discover(options),
        dial: (address, options) => {
          most = Math.max(most, ++atOnce)
          return transport.dial(address, options)
        },
      }
      await newcomer.start({ transports: [counting] })
      // A dial is over when its link is there.
      newcomer.onLink = () => void atOnce--
      await newcomer.isLinkedTo(...others)
      expect(newcomer.links).toHaveLength(49)
      expect(most).toBeLessThanOrEqual(MAX_DIALS)
      // Each pair once, or once from either side where the first dial took longer than the other's patience.
      expect(network.dials).toBeLessThanOrEqual(2 * 49)

      function hostOf(other: TestDevice): string {
        return `device${others.indexOf(other)}`
      }
    })

    it('twelve that are switched on together end up with one link for each pair', async () => {
      const { network, device } = lan()
      const devices = await Promise.all(Array.from({ length: 12 }, (_, i) => device(`device${i}`)))
      await Promise.all(devices.map((each) => each.start()))
      await Promise.all(devices.map((each) => each.isLinkedTo(...devices.filter((other) => other !== each))))
      await Promise.all(devices.map((each) => each.until(() => each.links.length === 11)))
      expect(network.dials).toBeLessThanOrEqual(2 * 66)
    })
  })
})

describe('Connector.dialTicket', () => {
  const secret = Buffer.alloc(16, 'ticket')
  const match = { kind: 'ticket', name: 'the ticket' } as const
  const knock = { match, secret: knockKey(secret, 'knock') }
  const findKey = knockKey(secret, 'find')

  /** Alice, not yet started, has made a ticket; Bob has it and shares nothing else with her. */
  async function inviterAndJoiner() {
    const network = new MemoryNetwork()
    const clock = turnClock(STEP_MS)
    const space = new TestSpace()
    const secrets = space.secrets()
    const alice = await TestDevice.create({
      network,
      space,
      clock,
      host: 'alice',
      secrets: {
        ...secrets,
        knockKeys: () => [...secrets.knockKeys(), knock],
        findKeys: () => [...secrets.findKeys(), { match, key: findKey }],
        accept: (found, peer) => found.kind === 'ticket' || secrets.accept(found, peer),
      },
    })
    const own = new TestSpace('own', Buffer.alloc(32, 'own'))
    const bob = await TestDevice.create({ network, clock, host: 'bob', space: own })
    return { alice, bob, dial: { knockKey: knock, findKey, expected: alice.key } }
  }

  it('finds the inviter at an address of the ticket, past those that are of no use', async () => {
    const { alice, bob, dial } = await inviterAndJoiner()
    await alice.start()
    await bob.start({ canDiscover: false })
    const addresses = ['memory://gone:1', 'ble://no-such-transport', ...alice.connector.addresses()]
    const link = await bob.connector.dialTicket({ ...dial, addresses })
    expect([link.peer, link.match]).toEqual([alice.key, match])
    await alice.until(() => alice.links.length === 1)
    expect(alice.links[0]).toMatchObject({ peer: bob.key, match })
    expect(bob.links).toEqual([])
    await link.close()
  })

  it.each(['before', 'after'])('finds the inviter by its announcement, heard %s it was asked for', async (when) => {
    const { alice, bob, dial } = await inviterAndJoiner()
    if (when === 'before') await alice.start()
    await bob.start()
    await new Promise(setImmediate)
    const dialling = bob.connector.dialTicket({ ...dial, addresses: ['memory://gone:1'] })
    if (when === 'after') await alice.start()
    const link = await dialling
    expect(link.peer).toBe(alice.key)
    await link.close()
  })

  it('says what it tried when nobody answers', async () => {
    const { bob, dial } = await inviterAndJoiner()
    await bob.start({ canDiscover: false })
    const dialling = bob.connector.dialTicket({ ...dial, addresses: ['memory://gone:1', 'memory://away:2'] })
    await expect(dialling).rejects.toMatchObject({
      code: 'DITTO_PEER_UNREACHABLE',
      details: { reasons: ['Nobody answers at memory://gone:1.', 'Nobody answers at memory://away:2.'] },
    })
  })

  it('takes nobody but the inviter for the inviter', async () => {
    const { alice, bob, dial } = await inviterAndJoiner()
    const { key } = await createIdentity()
    await alice.start()
    await bob.start({ canDiscover: false })
    const addresses = alice.connector.addresses()
    await expect(bob.connector.dialTicket({ ...dial, addresses, expected: key })).rejects.toMatchObject({
      code: 'DITTO_PEER_UNREACHABLE',
    })
  })

  it('rejects with the reason of an abort', async () => {
    const { bob, dial } = await inviterAndJoiner()
    await bob.start()
    const controller = new AbortController()
    const reason = new Error('changed my mind')
    const dialling = bob.connector.dialTicket({
      ...dial,
      addresses: ['memory://gone:1'],
      expected: bob.key,
      signal: controller.signal,
    })
    controller.abort(reason)
    await expect(dialling).rejects.toBe(reason)
  })
})
