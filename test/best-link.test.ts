import { createHash } from 'node:crypto'
import path from 'node:path'
import { openDevice } from '@dittofs/daemon'
import { systemClock } from '@dittofs/interface'
import {
  type CuttableTransport,
  cuttableTransport,
  MemoryNetwork,
  temporaryDirectory,
  wideTransport,
} from '@dittofs/testing'
import { tcpTransport } from '@dittofs/transport-tcp'
import { describe, expect, it, onTestFinished } from 'vitest'
import { writeLargeFile } from './support/tree.ts'

const MIB = 1024 ** 2
const SILENT = { debug() {}, info() {}, warn() {}, error() {} }

type Device = Awaited<ReturnType<typeof openDevice>>

interface Party {
  readonly device: Device
  readonly tcp: CuttableTransport
  readonly webrtc: CuttableTransport
}

async function open(directory: string, network: MemoryNetwork, name: string): Promise<Party> {
  const tcp = cuttableTransport(tcpTransport({ clock: systemClock, logger: SILENT, mdns: false, beacon: false }))
  const webrtc = cuttableTransport(wideTransport(network, name), false)
  const device = await openDevice({
    ...{ home: path.join(directory, name), name, logger: SILENT, transports: [tcp, webrtc] },
    ...{ online: true, host: '127.0.0.1', port: 0 },
  })
  onTestFinished(() => device.close())
  return { device, tcp, webrtc }
}

async function sentBytes(device: Device): Promise<number> {
  return Number(/^dittofs_link_sent_bytes_total (\d+)/m.exec(await device.metrics())?.[1])
}

async function links({ device }: Party): Promise<string> {
  const [peer] = (await device.status()).peers
  return [peer?.link ?? 'none', ...(peer?.standby ?? [])].join(' ')
}

async function hashOf(device: Device, file: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const bytes of device.read(file)) hash.update(bytes)
  return hash.digest('hex')
}

describe('links that come and go in the middle of a transfer', () => {
  it('leave both ends identical, having sent hardly more than the file', async () => {
    const directory = await temporaryDirectory()
    const network = new MemoryNetwork()
    const alice = await open(directory, network, 'alice')
    const bob = await open(directory, network, 'bob')
    await bob.device.join((await alice.device.invite()).ticket)
    const size = 200 * MIB
    await writeLargeFile(path.join(directory, 'film.mov'), size, 7)
    // Pulled before there is anything to fetch, so that all of it comes while links come and go.
    const setUp = (transport: 'tcp' | 'webrtc', isUp: boolean) => {
      for (const party of [alice, bob]) party[transport].setUp(isUp)
    }
    const cut = (transport: 'tcp' | 'webrtc') => {
      setUp(transport, false)
      for (const party of [alice, bob]) party[transport].cut()
    }
    cut('tcp')
    await expect.poll(() => links(bob)).toBe('none')
    await alice.device.add([path.join(directory, 'film.mov')])
    const before = await sentBytes(alice.device)
    const fetched = async (share: number) => {
      await expect
        .poll(async () => size - ((await bob.device.spaces())[0]?.missingBytes ?? size), { interval: 5 })
        .toBeGreaterThan(share * size)
    }
    const seen: string[] = []
    const look = async () => void seen.push(await links(bob))

    setUp('webrtc', true)
    for (const party of [alice, bob]) void party.device.sync({ timeoutMs: 1000 }).catch(() => undefined)
    await expect.poll(() => links(bob), { interval: 5 }).toBe('webrtc')
    await fetched(0.15)
    await look()
    setUp('tcp', true)
    const start = performance.now()
    for (const party of [alice, bob]) void party.device.sync({ timeoutMs: 1000 }).catch(() => undefined)
    await expect.poll(() => links(bob), { interval: 5 }).toBe('tcp webrtc')
    const takeoverMs = performance.now() - start
    const leftAtTakeover = (await bob.device.spaces())[0]?.missingBytes ?? 0
    await fetched(0.35)
    cut('tcp')
    await expect.poll(() => links(bob), { interval: 5 }).toBe('webrtc')
    await fetched(0.55)
    await look()
    setUp('tcp', true)
    await expect.poll(() => links(bob), { interval: 5 }).toMatch(/^tcp/)
    await fetched(0.75)
    cut('webrtc')
    await look()
    await bob.device.waitUntilSynced()
    await expect.poll(async () => (await bob.device.spaces())[0]?.missingBytes).toBe(0)

    expect(seen).toEqual(['webrtc', 'webrtc', 'tcp'])
    expect(await hashOf(bob.device, 'film.mov')).toBe(await hashOf(alice.device, 'film.mov'))
    const sent = (await sentBytes(alice.device)) - before
    process.stdout.write(`sent ${(sent / size).toFixed(4)} of the size; took over in ${takeoverMs.toFixed(0)} ms\n`)
    expect(sent).toBeLessThan(1.05 * size)
    // It did not wait for the transfer to end, nor for a link that failed just before to be tried again of itself.
    expect(leftAtTakeover).toBeGreaterThan(0)
  })
})
