import { spawn } from 'node:child_process'
import path from 'node:path'
import { createInterface } from 'node:readline'
import type { DiscoveryState } from '@dittofs/interface'
import { describe, expect, it, onTestFinished } from 'vitest'
import { skipBecause } from './support/environment.ts'
import { namespacesUnavailable, packetFilterUnavailable, type TestHost, TestNetwork } from './support/network.ts'

const script = path.join(import.meta.dirname, 'support', 'discover-device.mjs')

interface Line {
  readonly event: 'ready' | 'sighting'
  readonly seed: number
  readonly via: string
  readonly addresses: readonly string[]
  /** What answered at each address. */
  readonly greetings: readonly string[]
  readonly state: readonly DiscoveryState[]
}

/** A device that discovers, in the host's network, until the test has finished. */
class Discoverer {
  readonly #lines: Line[] = []
  #hasEnded = false
  #wake: () => void = () => undefined

  constructor(host: TestHost, seed: number, means: readonly string[]) {
    const child = spawn('ip', ['netns', 'exec', host.namespace, process.execPath, script, `${seed}`, ...means], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    const exited = new Promise((resolve) => child.once('exit', resolve)).then(() => {
      this.#hasEnded = true
      this.#wake()
    })
    onTestFinished(async () => {
      child.stdin.end()
      await exited
    })
    createInterface({ input: child.stdout }).on('line', (line) => {
      this.#lines.push(JSON.parse(line) as Line)
      this.#wake()
    })
  }

  /** The first line, come or still to come, that `matches`. */
  async line(matches: (line: Line) => boolean): Promise<Line> {
    for (;;) {
      const found = this.#lines.find(matches)
      if (found !== undefined) return found
      if (this.#hasEnded) throw new Error('the device ended too early; see its standard error')
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  ready(): Promise<Line> {
    return this.line(({ event }) => event === 'ready')
  }

  sees(seed: number): Promise<Line> {
    return this.line((line) => line.event === 'sighting' && line.seed === seed)
  }

  heardBy(via: string): boolean {
    return this.#lines.some((line) => line.via === via)
  }
}

async function twoHosts(): Promise<TestNetwork> {
  const network = await TestNetwork.create(2)
  onTestFinished(() => network.close())
  return network
}

async function startTwo(network: TestNetwork, ...means: readonly string[]): Promise<readonly [Discoverer, Discoverer]> {
  const [first, second] = network.hosts
  const alice = new Discoverer(first!, 1, means)
  // One after the other: the second has to be heard by a device that is there already, and to hear of it.
  await alice.ready()
  const bob = new Discoverer(second!, 2, means)
  return [alice, bob]
}

describe('two hosts on one network that has no router', () => {
  it.skipIf(skipBecause(namespacesUnavailable()))('find each other by mDNS, at addresses that answer', async () => {
    const network = await twoHosts()
    const [alice, bob] = await startTwo(network, 'mdns')
    const [bobSeen, aliceSeen] = await Promise.all([alice.sees(2), bob.sees(1)])
    for (const [seen, host, greeting] of [
      [bobSeen, network.hosts[1]!, 'seed 2'],
      [aliceSeen, network.hosts[0]!, 'seed 1'],
    ] as const) {
      expect(seen.via).toBe('mdns')
      // Of the others some may not work yet: a new IPv6 address is checked for a second or two (RFC 4862).
      const first = seen.addresses.findIndex((address) => address.startsWith(`tcp://${host.address}:`))
      expect(seen.greetings[first]).toBe(greeting)
      expect(seen.state).toContainEqual({ name: 'mdns', isUp: true })
    }
  })

  it.skipIf(skipBecause(packetFilterUnavailable()))(
    'find each other by the beacon where multicast is dropped, and say that mDNS is down',
    async () => {
      const network = await twoHosts()
      await network.blockMulticast()
      const [alice, bob] = await startTwo(network, 'mdns', 'beacon')
      const [bobSeen, aliceSeen] = await Promise.all([alice.sees(2), bob.sees(1)])
      expect([bobSeen, aliceSeen].map(({ via, greetings }) => [via, greetings])).toEqual([
        ['beacon', ['seed 2']],
        ['beacon', ['seed 1']],
      ])
      expect([alice, bob].map((device) => device.heardBy('mdns'))).toEqual([false, false])
      expect(bobSeen.state[0]).toMatchObject({ name: 'mdns', isUp: false })
      expect(bobSeen.state[0]?.reason).toContain('firewall')
    },
  )

  it.skipIf(skipBecause(namespacesUnavailable()))(
    'find and reach each other where there are link-local IPv6 addresses alone',
    async () => {
      for (const means of ['mdns', 'beacon']) {
        const network = await twoHosts()
        for (const host of network.hosts) await host.exec('ip', ['-4', 'addr', 'flush', 'dev', 'eth0'])
        const [alice, bob] = await startTwo(network, means)
        const [bobSeen, aliceSeen] = await Promise.all([alice.sees(2), bob.sees(1)])
        expect(bobSeen.addresses[0]).toMatch(/^tcp:\/\/\[fe80:.*%25eth0\]:\d+$/)
        expect([bobSeen.greetings, aliceSeen.greetings]).toEqual([['seed 2'], ['seed 1']])
      }
    },
  )

  it.skipIf(skipBecause(namespacesUnavailable()))('find each other once the cable is plugged in', async () => {
    const network = await twoHosts()
    await network.hosts[1]!.exec('ip', ['link', 'set', 'eth0', 'down'])
    const [alice, bob] = await startTwo(network, 'mdns', 'beacon')
    const { state } = await bob.ready()
    expect(state.map(({ name, isUp }) => [name, isUp])).toEqual([
      ['mdns', true],
      ['beacon', true],
    ])
    await network.hosts[1]!.exec('ip', ['link', 'set', 'eth0', 'up'])
    const seen = await Promise.all([alice.sees(2), bob.sees(1)])
    expect(seen.flatMap(({ greetings }) => greetings).sort()).toContain('seed 2')
  })
})
