import { createSocket } from 'node:dgram'
import type { Announcement, Discovery, Sighting } from '@dittofs/interface'
import { freeUdpPort, loopbackInterfaces, ManualClock } from '@dittofs/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { encodeBeacon } from '../../src/discovery/beacon-packet.ts'
import type { NetworkInterfaces } from '../../src/interfaces.ts'
import { type TcpTransportInit, tcpTransport } from '../../src/tcp-transport.ts'

const announcement = (seed: number): Announcement => ({
  nonce: Buffer.alloc(8, seed),
  tags: [Buffer.alloc(8, seed + 100)],
})

interface Heard {
  readonly discovery: Discovery
  readonly sightings: Sighting[]
  /** Resolves with the first sighting of that nonce. */
  sees(seed: number): Promise<Sighting>
}

async function discover(seed: number, init: TcpTransportInit): Promise<Heard> {
  const sightings: Sighting[] = []
  let wake: () => void = () => undefined
  const discovery = await tcpTransport({ networkInterfaces: loopbackInterfaces, ...init }).discover({
    port: 4_000 + seed,
    announcement: () => announcement(seed),
    onSighting: (sighting) => {
      sightings.push(sighting)
      wake()
    },
  })
  onTestFinished(() => discovery.close())
  const sees = async (other: number): Promise<Sighting> => {
    for (;;) {
      const found = sightings.find(({ nonce }) => nonce[0] === other)
      if (found !== undefined) return found
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
  }
  return { discovery, sightings, sees }
}

describe.each([
  { via: 'mdns', init: { mdns: true, beacon: false } },
  { via: 'beacon', init: { mdns: false, beacon: true } },
])('discovery by $via alone, on the loopback', ({ via, init }) => {
  const portOf = (port: number) => (via === 'mdns' ? { mdnsPort: port } : { beaconPort: port })

  it('lets an old and a new device see each other at once, with tags and address', async () => {
    const port = await freeUdpPort()
    const alice = await discover(1, { ...init, ...portOf(port) })
    const bob = await discover(2, { ...init, ...portOf(port) })
    for (const [who, other] of [
      [alice, 2],
      [bob, 1],
    ] as const) {
      const sighting = await who.sees(other)
      expect(sighting.via).toBe(via)
      expect(Buffer.concat([...sighting.tags])).toEqual(Buffer.alloc(8, other + 100))
      expect(sighting.addresses).toEqual([`tcp://127.0.0.1:${4_000 + other}`])
    }
    expect([...alice.sightings.map(({ nonce }) => nonce[0])]).not.toContain(1)
    expect(alice.discovery.state()).toContainEqual({ name: via, isUp: true })
    expect(alice.discovery.state().filter(({ isUp }) => !isUp)).toMatchObject([{ reason: 'It is switched off.' }])
  })

  it('is heard again after a refresh', async () => {
    const port = await freeUdpPort()
    const alice = await discover(1, { ...init, ...portOf(port) })
    const bob = await discover(2, { ...init, ...portOf(port) })
    await Promise.all([alice.sees(2), bob.sees(1)])
    bob.sightings.length = 0
    alice.discovery.refresh()
    expect((await bob.sees(1)).via).toBe(via)
  })

  it('goes on after packets of every hostile kind', async () => {
    const port = await freeUdpPort()
    const alice = await discover(1, { ...init, ...portOf(port) })
    const attacker = createSocket('udp4')
    onTestFinished(() => void attacker.close())
    const group = via === 'mdns' ? '224.0.0.251' : '127.255.255.255'
    await new Promise<void>((resolve) => attacker.bind(0, '127.0.0.1', resolve))
    attacker.setBroadcast(true)
    attacker.setMulticastInterface('127.0.0.1')
    for (const packet of hostilePackets()) {
      await new Promise((resolve) => attacker.send(packet, port, group, resolve))
    }
    const bob = await discover(2, { ...init, ...portOf(port) })
    await Promise.all([alice.sees(2), bob.sees(1)])
    expect(alice.discovery.state()).toContainEqual({ name: via, isUp: true })
  })

  it('closes twice, and while nothing has been heard', async () => {
    const alice = await discover(1, { ...init, ...portOf(await freeUdpPort()) })
    await alice.discovery.close()
    await alice.discovery.close()
    alice.discovery.refresh()
    expect(alice.discovery.state().every(({ isUp, reason }) => !isUp && reason !== undefined)).toBe(true)
  })
})

it('stays on the loopback for a device that listens there alone', async () => {
  const [mdnsPort, beaconPort] = [await freeUdpPort(), await freeUdpPort()]
  const transport = tcpTransport({ mdnsPort, beaconPort })
  const listener = await transport.listen({ port: 0, host: '127.0.0.1', onConnection: () => undefined })
  onTestFinished(() => listener.close())
  const discovery = await transport.discover({
    port: 4_001,
    announcement: () => announcement(1),
    onSighting: () => undefined,
  })
  onTestFinished(() => discovery.close())
  const bob = await discover(2, { mdnsPort, beaconPort })
  expect((await bob.sees(1)).addresses).toEqual(['tcp://127.0.0.1:4001'])
})

describe('discovery that cannot work', () => {
  it('says so where there is no network, and works once there is one', async () => {
    let interfaces: NetworkInterfaces = {}
    const [mdnsPort, beaconPort] = [await freeUdpPort(), await freeUdpPort()]
    const clock = new ManualClock()
    const alice = await discover(1, { mdnsPort, beaconPort, networkInterfaces: () => interfaces, clock })
    for (const { isUp, reason } of alice.discovery.state()) {
      expect(isUp).toBe(false)
      expect(reason).toMatch(/^UDP port \d+: no network with (?:multicast|broadcast) is connected\.$/)
    }
    const bob = await discover(2, { mdnsPort, beaconPort })
    interfaces = loopbackInterfaces()
    // The interfaces are looked at every 10 s.
    clock.pass(10_000)
    await Promise.all([alice.sees(2), bob.sees(1)])
    expect(alice.discovery.state()).toContainEqual({ name: 'mdns', isUp: true })
  })

  it('says so where another program holds the ports for itself, and ends cleanly', async () => {
    const holder = createSocket('udp4')
    await new Promise<void>((resolve) => holder.bind(0, '0.0.0.0', resolve))
    onTestFinished(() => void holder.close())
    const { port } = holder.address()
    const { discovery } = await discover(1, { mdnsPort: port, beaconPort: port })
    for (const { isUp, reason } of discovery.state()) {
      expect(isUp).toBe(false)
      expect(reason).toContain('another program holds the port')
    }
  })

  it('is not started by a signal that has been aborted', async () => {
    const reason = new Error('changed my mind')
    const discovering = tcpTransport().discover({
      port: 1,
      announcement: () => announcement(1),
      onSighting: () => undefined,
      signal: AbortSignal.abort(reason),
    })
    await expect(discovering).rejects.toBe(reason)
  })
})

/** Garbage, cut and overlong packets, and DNS messages that are well formed and mad. */
function* hostilePackets(): Generator<Buffer> {
  yield Buffer.alloc(0)
  yield Buffer.alloc(1_500, 0xff)
  yield Buffer.alloc(9_000, 0xff)
  yield encodeBeacon({ port: 1, nonce: Buffer.alloc(8), tags: [] }).subarray(0, 15)
  const name = Buffer.from('\x08_dittofs\x04_tcp\x05local\x00', 'latin1')
  const instance = Buffer.concat([Buffer.from('\x01x', 'latin1'), name])
  const header = (flags: number, questions: number, answers: number) =>
    Buffer.from([0, 0, flags, 0, questions >> 8, questions & 255, answers >> 8, answers & 255, 0, 0, 0, 0])
  const record = (type: number, owner: Buffer, data: Buffer, ttl = 120) => {
    const fixed = Buffer.alloc(10)
    fixed.writeUInt16BE(type, 0)
    fixed.writeUInt16BE(1, 2)
    fixed.writeUInt32BE(ttl, 4)
    fixed.writeUInt16BE(data.length, 8)
    return Buffer.concat([owner, fixed, data])
  }
  const ptr = record(12, name, instance)
  const srv = (port: number) => record(33, instance, Buffer.concat([Buffer.from([0, 0, 0, 0, port >> 8, port]), name]))
  // A pointer without SRV and TXT; SRV without TXT, twice with another port; TXT of odd strings; a goodbye.
  yield Buffer.concat([header(0x84, 0, 1), ptr])
  yield Buffer.concat([header(0x84, 0, 2), ptr, srv(0)])
  yield Buffer.concat([header(0x84, 0, 2), ptr, srv(7)])
  yield Buffer.concat([
    header(0x84, 0, 3),
    ptr,
    srv(7),
    record(16, instance, Buffer.from('\x00\x01=\x0a__proto__=\x03v=1')),
  ])
  yield Buffer.concat([header(0x84, 0, 3), ptr, srv(7), record(16, instance, Buffer.alloc(0))])
  yield Buffer.concat([header(0x84, 0, 1), record(12, name, instance, 0)])
  // 200 questions in one packet; a name that points at itself; counts that lie.
  const question = Buffer.concat([name, Buffer.from([0, 12, 0, 1])])
  yield Buffer.concat([
    header(0, 200, 0),
    question,
    ...Array.from({ length: 199 }, () => Buffer.from([0xc0, 12, 0, 12, 0, 1])),
  ])
  yield Buffer.concat([header(0x84, 0, 1), Buffer.from([0xc0, 12]), Buffer.alloc(20), name])
  yield Buffer.concat([header(0x84, 0, 30), ptr])
  yield Buffer.concat([header(0, 8, 0), name])
}
