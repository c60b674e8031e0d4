import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { skipBecause } from './support/environment.ts'
import { type Home, NAT_TYPES, NatNetwork, type NatType } from './support/nat-network.ts'
import { ProcessSignaling } from './support/process-signaling.ts'
import { relayUnavailable, TurnRelay } from './support/turn-relay.ts'
import { WebRtcDevice, type WebRtcDeviceInit } from './support/webrtc-device.ts'

const MIB = 1024 * 1024

const LIMITS = path.join(import.meta.dirname, '..', 'docs', 'limits.md')
const TABLE = /(?<=<!-- generated: nat -->\n)[\s\S]*?(?=<!-- end -->)/

const PAIRS = NAT_TYPES.flatMap((a, index) => NAT_TYPES.slice(index).map((b) => [a, b] as const))

type Way = 'direct' | 'relayed'

/** Holes are punched unless one side must be told a port that the other side's router chooses only for it. */
function expectedWay(a: NatType, b: NatType): Way {
  const isStrict = (nat: NatType) => nat === 'symmetric' || nat === 'port-restricted'
  const needsRelay = (a === 'symmetric' && isStrict(b)) || (b === 'symmetric' && isStrict(a))
  return needsRelay ? 'relayed' : 'direct'
}

function markdownTable(ways: ReadonlyMap<string, Way>): string {
  const rows = NAT_TYPES.map((a) => [
    a,
    ...NAT_TYPES.map((b) => ways.get(`${a} ${b}`) ?? ways.get(`${b} ${a}`) ?? 'not tried'),
  ])
  const lines = [['one \\ other', ...NAT_TYPES], NAT_TYPES.concat('symmetric').map(() => '---'), ...rows]
  return `\n${lines.map((cells) => `| ${cells.join(' | ')} |\n`).join('')}\n`
}

const canRun = !skipBecause(relayUnavailable())

describe.runIf(canRun)('two devices behind routers', () => {
  let network: NatNetwork
  let relay: TurnRelay
  let signaling: ProcessSignaling
  let directory: string

  beforeAll(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'dittofs-nat-'))
    network = await NatNetwork.create([...NAT_TYPES, ...NAT_TYPES])
    relay = await TurnRelay.start({ host: network.server, directory, port: 3478 })
    signaling = await ProcessSignaling.startAt(network.server)
  })

  afterAll(async () => {
    await signaling?.stop()
    await relay?.stop()
    await network?.close()
    await rm(directory, { recursive: true, force: true })
  })

  const home = (nat: NatType, side: 0 | 1): Home =>
    network.homes.filter((candidate) => candidate.nat === nat)[side] as Home

  function device(place: Home, init: Partial<WebRtcDeviceInit> = {}): WebRtcDevice {
    const started = new WebRtcDevice(place.device, {
      server: signaling.origin,
      iceServers: relay.iceServers,
      ...init,
    })
    onTestFinished(async () => {
      expect(await started.stop()).toBe(0)
    })
    return started
  }

  /** Sends 1 MiB each way. @returns bytes that devices and relay exchanged meanwhile */
  async function exchanged(from: NatType, to: NatType): Promise<number> {
    const bob = device(home(to, 1), { bytes: MIB })
    const dial = await bob.address()
    const before = await relay.exchangedBytes()
    const alice = device(home(from, 0), { dial, bytes: MIB })
    for (const [sender, receiver] of [
      [alice, bob],
      [bob, alice],
    ] as const) {
      const [{ sha256 }, received] = await Promise.all([sender.line('sent'), receiver.line('received')])
      expect(received).toMatchObject({ bytes: MIB, sha256 })
    }
    return (await relay.exchangedBytes()) - before
  }

  const ways = new Map<string, Way>()

  it.each(PAIRS)('reach each other, %s and %s, by the relay only where it must be', async (a, b) => {
    const bytes = await exchanged(a, b)
    // What is relayed crosses the relay whole; otherwise it hears of a few requests alone.
    const way = bytes > 2 * MIB ? 'relayed' : bytes < MIB / 64 ? 'direct' : `both: ${bytes} bytes relayed`
    expect(way).toBe(expectedWay(a, b))
    ways.set(`${a} ${b}`, way as Way)
  })

  it('are told so in docs/limits.md (write it anew with DITTOFS_WRITE_DOCS=1)', async () => {
    const page = await readFile(LIMITS, 'utf8')
    const table = markdownTable(ways)
    if (process.env.DITTOFS_WRITE_DOCS === '1') await writeFile(LIMITS, page.replace(TABLE, table))
    else expect(TABLE.exec(page)?.[0]).toBe(table)
  })

  it.each(['the dialer', 'the listener'])('go on over another way when %s gets another address', async (who) => {
    const [here, there] = [home('port-restricted', 0), home('port-restricted', 1)]
    const bob = device(there)
    const alice = device(here, { dial: await bob.address(), bytes: 8 * MIB, waits: true })
    await bob.line('progress', ({ received }) => received > MIB)
    const [moving, place] = who === 'the dialer' ? [alice, here] : [bob, there]
    await place.move()
    moving.noticeNetworkChange()
    await bob.line('progress', ({ received }) => received > 7 * MIB)
    alice.finish()
    const [{ sha256 }, received] = await Promise.all([alice.line('sent'), bob.line('received')])
    expect(received).toMatchObject({ bytes: 8 * MIB, sha256 })
  })

  it('stay connected by a relay that renews nonces and allocations', async () => {
    const files = path.join(directory, 'brief')
    await mkdir(files)
    const options = ['stale-nonce=3', 'max-allocate-lifetime=12']
    const brief = await TurnRelay.start({ host: network.server, directory: files, port: 3479, options })
    onTestFinished(() => brief.stop())
    const { iceServers } = brief
    const bob = device(home('symmetric', 1), { iceServers })
    const alice = device(home('symmetric', 0), { iceServers, dial: await bob.address(), bytes: MIB, waits: true })
    await bob.line('progress', ({ received }) => received > MIB / 2)
    // Each of the two has an allocation.
    await brief.logged('REFRESH processed, success', 2)
    alice.finish()
    const [{ sha256 }, received] = await Promise.all([alice.line('sent'), bob.line('received')])
    expect(received).toMatchObject({ bytes: MIB, sha256 })
  })
})
