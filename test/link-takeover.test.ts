import { mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { connectDevice } from '@dittofs/daemon'
import { temporaryDirectory } from '@dittofs/testing'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { skipBecause } from './support/environment.ts'
import { endAfterTest } from './support/lan.ts'
import { LanSwitch } from './support/lan-switch.ts'
import { type Home, NatNetwork } from './support/nat-network.ts'
import { ProcessDevice } from './support/process-device.ts'
import { ProcessSignaling } from './support/process-signaling.ts'
import { writeLargeFile } from './support/tree.ts'
import { relayUnavailable, TurnRelay } from './support/turn-relay.ts'

const MIB = 1024 ** 2
const FILE_BYTES = 48 * MIB
/** Slow enough for the network to change several times before the file is there. */
const DOWNLOAD_LIMIT = '3 MiB'

const canRun = !skipBecause(relayUnavailable())

describe.runIf(canRun)('two daemons in one LAN, each behind a router of its own to the outside', () => {
  it('go on by WebRTC when the cable is pulled in a transfer, and by TCP once it is back', async () => {
    const directory = await temporaryDirectory()
    const network = await NatNetwork.create(['port-restricted', 'port-restricted'])
    onTestFinished(() => network.close())
    const homes = network.homes as readonly [Home, Home]
    const lan = await LanSwitch.connect(homes.map(({ device }) => device))
    onTestFinished(() => lan.close())
    const relayFiles = path.join(directory, 'relay')
    await mkdir(relayFiles)
    const relay = await TurnRelay.start({ host: network.server, directory: relayFiles, port: 3478 })
    onTestFinished(() => relay.stop())
    const signaling = await ProcessSignaling.startAt(network.server)
    onTestFinished(async () => void (await signaling.stop()))

    const start = async (name: string, { device: host }: Home, setting = '') => {
      const home = path.join(directory, name)
      await mkdir(home, { mode: 0o700 })
      const servers = `signaling = ["${signaling.origin}"]\nstun = "${network.server.address}:3478"\n`
      await writeFile(path.join(home, 'config.toml'), servers + setting, { mode: 0o600 })
      const made = new ProcessDevice({ home, name, host })
      endAfterTest([made])
      await made.start()
      return made
    }
    const alice = await start('alice', homes[0])
    const bob = await start('bob', homes[1], `download_limit = "${DOWNLOAD_LIMIT}"\n`)
    // Asked directly: a command takes longer to start than some of what is looked at here.
    const follow = async (device: ProcessDevice) => {
      const connected = await connectDevice({ home: device.home })
      onTestFinished(() => connected.close())
      return connected
    }
    const [atAlice, atBob] = [await follow(alice), await follow(bob)]
    const until = (isSo: () => Promise<boolean>) => vi.waitUntil(isSo, { timeout: 60_000, interval: 20 })
    const isLinkedBy = async (device: typeof atAlice, link: string) => (await device.status()).peers[0]?.link === link
    const areLinkedBy = (link: string) =>
      until(async () => (await isLinkedBy(atAlice, link)) && (await isLinkedBy(atBob, link)))
    const fetched = async () => (await atBob.status()).chunks.bytes
    const untilFetched = (bytes: number) => until(async () => (await fetched()) >= bytes)

    for (const device of [atAlice, atBob]) {
      await until(async () => (await device.status()).links.some(({ name, isUp }) => name === 'webrtc' && isUp))
    }
    await bob.must('join', (await alice.must('invite')).trim())
    await areLinkedBy('tcp')
    const film = path.join(directory, 'film.mov')
    await writeLargeFile(film, FILE_BYTES, 17)
    const sentBefore = await alice.metric('dittofs_link_sent_bytes_total')
    await alice.must('add', film)

    await untilFetched(0.15 * FILE_BYTES)
    expect(await isLinkedBy(atBob, 'tcp')).toBe(true)
    await lan.setPlugged(0, false)
    const pulled = performance.now()
    await areLinkedBy('webrtc')
    const silenceMs = performance.now() - pulled
    const atPull = await fetched()
    await untilFetched(atPull + 0.2 * FILE_BYTES)
    expect(await isLinkedBy(atBob, 'webrtc')).toBe(true)

    await lan.setPlugged(0, true)
    const plugged = performance.now()
    await until(() => isLinkedBy(atBob, 'tcp'))
    const takeoverMs = performance.now() - plugged
    const atReturn = await fetched()
    expect(atReturn).toBeLessThan(FILE_BYTES)
    await areLinkedBy('tcp')
    await bob.must('sync', '--timeout', '60')
    expect(await isLinkedBy(atBob, 'tcp')).toBe(true)

    await bob.must('get', 'film.mov', '-o', path.join(directory, 'arrived.mov'))
    expect((await readFile(path.join(directory, 'arrived.mov'))).equals(await readFile(film))).toBe(true)
    const sent = (await alice.metric('dittofs_link_sent_bytes_total')) - sentBefore
    const share = (bytes: number) => (bytes / FILE_BYTES).toFixed(3)
    process.stdout.write(
      [
        `by TCP to ${share(atPull)} of the file`,
        `by WebRTC, ${silenceMs.toFixed(0)} ms after the cable was pulled, to ${share(atReturn)}`,
        `by TCP, ${takeoverMs.toFixed(0)} ms after it was back, to the end`,
        `sent ${share(sent)} of the size\n`,
      ].join('; '),
    )
    expect(sent).toBeLessThan(1.05 * FILE_BYTES)
    // A second or so on a machine with nothing else to do.
    expect(takeoverMs).toBeLessThan(10_000)
  }, 240_000)
})
