import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { decodeTicket, encodeTicket } from '@dittofs/membership'
import { temporaryDirectory } from '@dittofs/testing'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { skipBecause } from './support/environment.ts'
import { endAfterTest } from './support/lan.ts'
import { type Home, NatNetwork } from './support/nat-network.ts'
import { ProcessDevice } from './support/process-device.ts'
import { ProcessSignaling } from './support/process-signaling.ts'
import { describeTree, writeRandomTree } from './support/tree.ts'
import { relayUnavailable, TurnRelay } from './support/turn-relay.ts'

interface Status {
  readonly links: readonly { readonly name: string; readonly isUp: boolean }[]
  readonly peers: readonly { readonly name: string; readonly link?: string }[]
  readonly chunks: { readonly bytes: number }
}

const canRun = !skipBecause(relayUnavailable())

describe.runIf(canRun)('two daemons behind different routers', () => {
  it('go on through the signaling server when both get another address in the middle of a sync', async () => {
    const directory = await temporaryDirectory()
    const network = await NatNetwork.create(['port-restricted', 'port-restricted'])
    onTestFinished(() => network.close())
    const [here, there] = network.homes as readonly [Home, Home]
    const relayFiles = path.join(directory, 'relay')
    await mkdir(relayFiles)
    const relay = await TurnRelay.start({ host: network.server, directory: relayFiles, port: 3478 })
    onTestFinished(() => relay.stop())
    const signaling = await ProcessSignaling.startAt(network.server)
    onTestFinished(async () => void (await signaling.stop()))

    const start = async (name: string, { device: host }: Home) => {
      const home = path.join(directory, name)
      await mkdir(home, { mode: 0o700 })
      const config = `signaling = ["${signaling.origin}"]\nstun = "${network.server.address}:3478"\n`
      await writeFile(path.join(home, 'config.toml'), config, { mode: 0o600 })
      const made = new ProcessDevice({ home, name, host, daemonArgs: ['--no-mdns', '--no-beacon'] })
      endAfterTest([made])
      await made.start()
      return made
    }
    const [alice, bob] = [await start('alice', here), await start('bob', there)]
    const statusOf = (device: ProcessDevice) => device.json<Status>('status')
    const until = (isSo: () => Promise<boolean>) => vi.waitUntil(isSo, { timeout: 300_000, interval: 100 })
    await until(async () => (await statusOf(alice)).links.some(({ name, isUp }) => name === 'webrtc' && isUp))

    const source = path.join(directory, 'photos')
    await writeRandomTree(source, { files: 60, maxFileBytes: 1_500_000, seed: 21 })
    await alice.must('add', source)
    const ticket = decodeTicket((await alice.must('invite')).trim())
    const addresses = ticket.addresses.filter((address) => address.startsWith('webrtc://'))
    await bob.must('join', encodeTicket({ ...ticket, addresses }))
    await until(async () => (await statusOf(bob)).chunks.bytes > 4_000_000)

    await Promise.all([here.move(), there.move()])
    // The first may still be told of the link that the move broke.
    await until(async () => (await bob.run('sync', '--timeout', '300')).status === 0)
    await bob.must('get', 'photos', '-o', path.join(directory, 'arrived'))
    expect(await describeTree(path.join(directory, 'arrived'))).toEqual(await describeTree(source))
    await expect.poll(async () => (await statusOf(bob)).peers).toMatchObject([{ name: 'alice', link: 'webrtc' }])
  })
})
