import type { Transport } from '@dittofs/interface'
import { MemoryNetwork, memoryTransport, turnClock } from '@dittofs/testing'
import { describe, expect, it } from 'vitest'
import { HEAD_START_MS } from '../../src/connector/dial-plan.ts'
import { TestDevice, TestSpace } from './support/test-device.ts'

/** Two networks side by side: what runs over one does not know of the other. */
function neighbourhood() {
  const networks = { tcp: new MemoryNetwork(), webrtc: new MemoryNetwork(), ble: new MemoryNetwork() }
  const space = new TestSpace()
  const clock = turnClock(8)
  const transports = (host: string, names: readonly (keyof typeof networks)[]): Transport[] =>
    names.map((name) =>
      memoryTransport(networks[name], {
        ...{ host, name },
        capabilities: { isMetered: name === 'ble', isSlow: name === 'ble' },
      }),
    )
  const device = (host: string) => TestDevice.create({ network: networks.tcp, space, clock, host })
  return { networks, space, clock, transports, device }
}

function names(device: TestDevice): readonly string[] {
  return device.links.map((link) => link.transport).sort()
}

describe('Connector, with several transports', () => {
  it('opens one link over each transport by which both hear each other, the same at both ends', async () => {
    const { transports, device } = neighbourhood()
    const [alice, bob] = await Promise.all([device('alice'), device('bob')])
    await Promise.all([
      alice.start({ transports: transports('alice', ['tcp', 'webrtc']) }),
      bob.start({ transports: transports('bob', ['tcp', 'webrtc']) }),
    ])
    await alice.until(() => names(alice).includes('tcp'))
    await bob.until(() => names(bob).join() === names(alice).join())
    for (const transport of names(alice)) {
      const ends = [alice, bob].map(({ links }) => links.filter((link) => link.transport === transport))
      expect(ends.map((links) => links.length)).toEqual([1, 1])
      expect(ends[0]?.[0]?.isInitiator).toBe(ends[1]?.[0]?.isInitiator === false)
    }
  })

  it('dials nobody over a worse transport while a better link is up, and does once it is lost', async () => {
    const { networks, transports, device, clock } = neighbourhood()
    const [alice, bob] = await Promise.all([device('alice'), device('bob')])
    await bob.start({ transports: transports('bob', ['tcp', 'webrtc']) })
    const [tcp, webrtc] = bob.connector.addresses()
    alice.addressBook.entries.set(bob.key, [webrtc as string, tcp as string])
    await alice.start({ transports: transports('alice', ['tcp', 'webrtc']), listen: undefined as never })
    await alice.isLinkedTo(bob)
    expect(names(alice)).toEqual(['tcp'])
    await clock.sleep(4 * HEAD_START_MS)
    expect([networks.webrtc.dials, names(alice)]).toEqual([0, ['tcp']])
    networks.tcp.setReachable('alice', 'bob', false)
    await alice.until(() => names(alice).includes('webrtc'))
    // And back, by itself, as soon as it can be: the worse one stands by.
    networks.tcp.setReachable('alice', 'bob', true)
    await alice.until(() => names(alice).length === 2)
    expect(names(alice)).toEqual(['tcp', 'webrtc'])
    expect(networks.webrtc.dials).toBe(1)
  })

  it('finds a device again at once after all links were cut', async () => {
    const { networks, transports, device, clock } = neighbourhood()
    const [alice, bob] = await Promise.all([device('alice'), device('bob')])
    await alice.start({ transports: transports('alice', ['tcp']) })
    await bob.start({ transports: transports('bob', ['tcp']) })
    await Promise.all([alice.isLinkedTo(bob), bob.isLinkedTo(alice)])
    const links = [...alice.links]
    const start = clock.monotonic()
    networks.tcp.cut()
    await alice.until(() => alice.links.some((link) => !links.includes(link)))
    expect(clock.monotonic() - start).toBeLessThan(1000)
  })

  it.each([
    ['has moved, and dials anew, where its own addresses', false, 1],
    ['dials anew, and has not moved, where addresses that a server lends it', true, 0],
  ] as const)('%s have changed', async (_, hasServedAddresses, expectedMoves) => {
    const { networks, transports, device, space } = neighbourhood()
    const alice = await device('alice')
    const [transport] = transports('alice', ['tcp'])
    let addresses = ['tcp://alice:1']
    let moves = 0
    await alice.start({
      transports: [
        {
          name: 'tcp',
          capabilities: {
            ...{ canListen: true, canDial: true, canDiscover: false, isMetered: false, isSlow: false },
            hasServedAddresses,
          },
          listen: async () => ({ addresses: () => addresses, close: () => Promise.resolve() }),
          dial: (address, options) => (transport as Transport).dial(address, options),
          discover: () => Promise.reject(new Error('never asked')),
        },
      ],
      peerAddresses: ['tcp://away:1'],
      onMoved: () => void moves++,
    })
    alice.connector.look()
    expect([moves, space.members.size]).toEqual([0, 1])
    const before = networks.tcp.dials
    addresses = ['tcp://elsewhere:1']
    alice.connector.look()
    alice.connector.look()
    expect(moves).toBe(expectedMoves)
    await expect.poll(() => networks.tcp.dials).toBeGreaterThan(before + 1)
  })
})
