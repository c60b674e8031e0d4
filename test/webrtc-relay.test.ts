import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { skipBecause } from './support/environment.ts'
import { type Home, NatNetwork } from './support/nat-network.ts'
import { ProcessSignaling } from './support/process-signaling.ts'
import { certificateFor, opensslUnavailable } from './support/test-authority.ts'
import { relayUnavailable, TurnRelay } from './support/turn-relay.ts'
import { WebRtcDevice, type WebRtcDeviceInit } from './support/webrtc-device.ts'

const MIB = 1024 * 1024
const PORT = 3478
const TLS_PORT = 5349
/** Where nothing listens. */
const DEAD_PORT = 3999

const canRun = !skipBecause(relayUnavailable() ?? opensslUnavailable())

describe.runIf(canRun)('two devices that need servers to reach each other', () => {
  let network: NatNetwork
  let relay: TurnRelay
  let signaling: ProcessSignaling
  let directory: string
  let environment: NodeJS.ProcessEnv

  beforeAll(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'dittofs-relay-'))
    network = await NatNetwork.create(['symmetric', 'symmetric', 'port-restricted', 'port-restricted'])
    const certificate = await certificateFor(network.server.address, directory)
    environment = { NODE_EXTRA_CA_CERTS: certificate.authority }
    const tls = { ...certificate, port: TLS_PORT }
    relay = await TurnRelay.start({ host: network.server, directory, port: PORT, tls })
    signaling = await ProcessSignaling.startAt(network.server)
  })

  afterAll(async () => {
    await signaling?.stop()
    await relay?.stop()
    await network?.close()
    await rm(directory, { recursive: true, force: true })
  })

  const server = (port: number) => `${network.server.address}:${port}`
  const withCredentials = (...urls: readonly string[]) => ({ ...relay.iceServers[1], urls })

  function device(place: Home, init: Partial<WebRtcDeviceInit>): WebRtcDevice {
    const started = new WebRtcDevice(place.device, { server: signaling.origin, iceServers: [], ...init }, environment)
    onTestFinished(async () => {
      expect(await started.stop()).toBe(0)
    })
    return started
  }

  /** Sends 1 MiB each way between two homes. */
  async function exchange(first: number, second: number, iceServers: readonly object[]): Promise<void> {
    const [here, there] = [network.homes[first] as Home, network.homes[second] as Home]
    const bob = device(there, { iceServers, bytes: MIB })
    const alice = device(here, { iceServers, dial: await bob.address(), bytes: MIB })
    for (const [sender, receiver] of [
      [alice, bob],
      [bob, alice],
    ] as const) {
      const [{ sha256 }, received] = await Promise.all([sender.line('sent'), receiver.line('received')])
      expect(received).toMatchObject({ bytes: MIB, sha256 })
    }
  }

  /** Drops all UDP that leaves the homes until the test has finished, as networks of offices do. */
  async function blockUdp(): Promise<void> {
    for (const { device: host } of network.homes) {
      await host.exec('nft', [
        `table inet office {
          chain out { type filter hook output priority 0; meta l4proto udp drop; }
        }`,
      ])
      onTestFinished(() => host.exec('nft', ['delete', 'table', 'inet', 'office']))
    }
  }

  it('use the next STUN server where the first is dead', async () => {
    const before = await relay.exchangedBytes()
    await exchange(2, 3, [{ urls: [`stun:${server(DEAD_PORT)}`, `stun:${server(PORT)}`] }])
    expect((await relay.exchangedBytes()) - before).toBeLessThan(MIB / 64)
  })

  it('use the next TURN server where the first is dead', async () => {
    const before = await relay.exchangedBytes()
    await exchange(0, 1, [withCredentials(`turn:${server(DEAD_PORT)}`, `turn:${server(PORT)}`)])
    expect((await relay.exchangedBytes()) - before).toBeGreaterThan(2 * MIB)
  })

  it('use TURN over TCP where no UDP gets out', async () => {
    await blockUdp()
    const before = await relay.exchangedBytes()
    await exchange(0, 1, [withCredentials(`turn:${server(PORT)}`, `turn:${server(PORT)}?transport=tcp`)])
    expect((await relay.exchangedBytes()) - before).toBeGreaterThan(2 * MIB)
  })

  it('use TURN over TLS where no UDP gets out, and nothing but TLS may', async () => {
    await blockUdp()
    await exchange(0, 1, [withCredentials(`turns:${server(TLS_PORT)}`)])
  })

  it('survive the end of a TURN server over TCP, and go on when it is back', async () => {
    const files = path.join(directory, 'brief')
    await mkdir(files)
    const port = PORT + 1
    const first = await TurnRelay.start({ host: network.server, directory: files, port })
    const iceServers = [{ ...first.iceServers[1], urls: `turn:${server(port)}?transport=tcp` }]
    const bob = device(network.homes[1] as Home, { iceServers })
    const init = { iceServers, dial: await bob.address(), bytes: MIB, waits: true }
    const alice = device(network.homes[0] as Home, init)
    await bob.line('progress', ({ received }) => received > MIB / 2)
    await first.stop()
    const second = await TurnRelay.start({ host: network.server, directory: files, port, user: first.iceServers[1] })
    onTestFinished(() => second.stop())
    alice.finish()
    const [{ sha256 }, received] = await Promise.all([alice.line('sent'), bob.line('received')])
    expect(received).toMatchObject({ bytes: MIB, sha256 })
  }, 90_000)
})
