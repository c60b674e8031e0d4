import { freeUdpPort, loopbackInterfaces, MemoryNetwork, turnClock } from '@dittofs/testing'
import { tcpTransport } from '@dittofs/transport-tcp'
import { expect, it } from 'vitest'
import { TestDevice, TestSpace } from './support/test-device.ts'

it.each(['mdns', 'beacon'])(
  'links two devices over TCP that find each other by %s, again after a restart',
  async (via) => {
    const port = await freeUdpPort()
    const init = { network: new MemoryNetwork(), space: new TestSpace(), clock: turnClock(1) }
    const transports = () => [
      tcpTransport({
        networkInterfaces: loopbackInterfaces,
        mdns: via === 'mdns',
        beacon: via === 'beacon',
        ...(via === 'mdns' ? { mdnsPort: port } : { beaconPort: port }),
      }),
    ]
    const alice = await TestDevice.create({ ...init, host: 'alice', transports: transports() })
    const bob = await TestDevice.create({ ...init, host: 'bob', transports: transports() })
    await Promise.all([alice.start(), bob.start()])
    await Promise.all([alice.isLinkedTo(bob), bob.isLinkedTo(alice)])
    expect(alice.connector.state().links.map(({ name, isUp }) => [name, isUp])).toEqual([
      ['tcp', true],
      ['mdns', via === 'mdns'],
      ['beacon', via === 'beacon'],
    ])
    await bob.stop()
    await alice.until(() => alice.links.length === 0)
    // Another port than before.
    await bob.start()
    await Promise.all([alice.isLinkedTo(bob), bob.isLinkedTo(alice)])
    expect(alice.links[0]?.remote).toContain('tcp://127.0.0.1:')
  },
)
