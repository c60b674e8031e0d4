import { buffer } from 'node:stream/consumers'
import type { Announcement, IncomingDuplex, Sighting } from '@dittofs/interface'
import { describe, expect, it } from 'vitest'
import { MemoryNetwork, memoryTransport, transportSuite } from '../src/index.ts'

const setup = (latencyMs: number) => async () => {
  const network = new MemoryNetwork({ latencyMs })
  return {
    dialer: memoryTransport(network, { host: 'alice' }),
    listener: memoryTransport(network, { host: 'bob' }),
    nobody: async () => 'memory://nobody:1',
  }
}

transportSuite('in memory', { setup: setup(0) })
transportSuite('in memory with latency', { setup: setup(1) })

const announcement = (seed: number): Announcement => ({
  nonce: Buffer.alloc(8, seed),
  tags: [Buffer.alloc(8, seed + 1)],
})

describe('MemoryNetwork', () => {
  it('kills what runs between two hosts when they are cut, and lets them dial again when joined', async () => {
    const network = new MemoryNetwork()
    const alice = memoryTransport(network, { host: 'alice' })
    const accepted: IncomingDuplex[] = []
    const listener = await memoryTransport(network, { host: 'bob' }).listen({
      port: 0,
      onConnection: (incoming) => void accepted.push(incoming),
    })
    const [address] = listener.addresses()
    const duplex = await alice.dial(address!)
    const closed = Promise.all(
      [duplex, accepted[0]!.duplex].map((end) => new Promise((resolve) => end.once('close', resolve))),
    )
    network.setReachable('bob', 'alice', false)
    await closed
    await expect(alice.dial(address!)).rejects.toMatchObject({ code: 'DITTO_PEER_UNREACHABLE' })
    network.setReachable('alice', 'bob', true)
    const again = await alice.dial(address!)
    again.end(Buffer.from('back'))
    expect((await buffer(accepted[1]!.duplex)).toString()).toBe('back')
    again.destroy()
    expect(network.dials).toBe(3)
  })

  it('lets devices that discover see each other, and again when one refreshes', async () => {
    const network = new MemoryNetwork()
    const heard: [string, Sighting][] = []
    const discover = async (host: string, port: number, seed: number) =>
      memoryTransport(network, { host }).discover({
        port,
        announcement: () => announcement(seed),
        onSighting: (sighting) => void heard.push([host, sighting]),
      })
    const alice = await discover('alice', 1, 10)
    const bob = await discover('bob', 2, 20)
    await new Promise(setImmediate)
    expect(heard).toEqual([
      ['alice', { ...announcement(20), addresses: ['memory://bob:2'], via: 'memory' }],
      ['bob', { ...announcement(10), addresses: ['memory://alice:1'], via: 'memory' }],
    ])
    alice.refresh()
    await new Promise(setImmediate)
    expect(heard[2]?.[0]).toBe('bob')
    await alice.close()
    bob.refresh()
    await new Promise(setImmediate)
    expect(heard).toHaveLength(3)
    expect(alice.state()).toEqual([{ name: 'memory', isUp: false }])
  })
})
