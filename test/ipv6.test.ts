import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { decodeTicket, encodeTicket } from '@dittofs/membership'
import { temporaryDirectory } from '@dittofs/testing'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { skipBecause } from './support/environment.ts'
import { endAfterTest, onLan } from './support/lan.ts'
import { packetFilterUnavailable, type TestHost, TestNetwork } from './support/network.ts'
import { pair } from './support/pairing.ts'
import { ProcessDevice } from './support/process-device.ts'
import { ProcessSignaling } from './support/process-signaling.ts'
import { describeTree, writeRandomTree } from './support/tree.ts'

interface Status {
  readonly links: readonly { readonly name: string; readonly isUp: boolean }[]
  readonly peers: readonly { readonly link?: string; readonly remote?: string }[]
}

const statusOf = (device: ProcessDevice) => device.json<Status>('status')

describe.skipIf(skipBecause(packetFilterUnavailable()))('two devices in a network that has IPv6 alone', () => {
  it.each([
    ['mDNS', '--no-beacon'],
    ['the beacon', '--no-mdns'],
  ])(
    'find each other by %s and become the same over TCP',
    async (_, without) => {
      const directory = await temporaryDirectory()
      const { devices } = await onLan(directory, ['alice', 'bob'], { daemonArgs: [without], family: 'IPv6' })
      const [alice, bob] = devices
      await alice.start()
      await bob.start()
      expect(alice.ready?.addresses.every((address) => address.startsWith('tcp://[fd00:77::1]:'))).toBe(true)
      await pair(alice, bob)
      // Other ports than those the ticket carried: what was remembered is of no use, only discovery is.
      await alice.stop()
      await bob.stop()
      await alice.start()
      await bob.start()

      const source = path.join(directory, 'notes')
      await writeRandomTree(source, { files: 20, maxFileBytes: 100_000, seed: 4 })
      await alice.must('add', source)
      await bob.must('sync', '--timeout', '60')
      await bob.must('get', 'notes', '-o', path.join(directory, 'arrived'))
      expect(await describeTree(path.join(directory, 'arrived'))).toEqual(await describeTree(source))
      const [peer] = (await statusOf(bob)).peers
      expect(peer?.link).toBe('tcp')
      expect(peer?.remote).toMatch(/^tcp:\/\/\[f[de]/)
    },
    120_000,
  )

  it('become the same by WebRTC where no TCP goes between them', async () => {
    const directory = await temporaryDirectory()
    const network = await TestNetwork.create(3, 'IPv6')
    onTestFinished(() => network.close())
    const [server, ...hosts] = network.hosts as [TestHost, TestHost, TestHost]
    const signaling = await ProcessSignaling.startAt(server)
    onTestFinished(async () => void (await signaling.stop()))
    const start = async (name: string, host: TestHost) => {
      await host.exec('nft', [
        `table ip6 lan {
          chain out {
            type filter hook output priority 0;
            ip6 daddr != { ${server.address}, ${host.address} } meta l4proto tcp drop;
          }
        }`,
      ])
      const home = path.join(directory, name)
      await mkdir(home, { mode: 0o700 })
      await writeFile(path.join(home, 'config.toml'), `signaling = ["${signaling.origin}"]\n`, { mode: 0o600 })
      const device = new ProcessDevice({ home, name, host, daemonArgs: ['--no-mdns', '--no-beacon'] })
      endAfterTest([device])
      await device.start()
      return device
    }
    const [alice, bob] = [await start('alice', hosts[0]), await start('bob', hosts[1])]
    const isUp = async () => (await statusOf(alice)).links.some((link) => link.name === 'webrtc' && link.isUp)
    await vi.waitUntil(isUp, { timeout: 20_000, interval: 50 })
    const ticket = decodeTicket((await alice.must('invite')).trim())
    const addresses = ticket.addresses.filter((address) => address.startsWith('webrtc://'))
    expect(addresses).toHaveLength(1)

    const source = path.join(directory, 'notes')
    await writeRandomTree(source, { files: 20, maxFileBytes: 100_000, seed: 5 })
    await alice.must('add', source)
    await bob.must('join', encodeTicket({ ...ticket, addresses }))
    await bob.must('sync', '--timeout', '60')
    await bob.must('get', 'notes', '-o', path.join(directory, 'arrived'))
    expect(await describeTree(path.join(directory, 'arrived'))).toEqual(await describeTree(source))
    expect((await statusOf(bob)).peers).toMatchObject([{ link: 'webrtc' }])
  }, 120_000)
})
