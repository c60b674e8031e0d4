import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { openDevice } from '@dittofs/daemon'
import { createIdentity, loadOrCreateIdentity } from '@dittofs/link'
import { temporaryDirectory } from '@dittofs/testing'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { ChromiumPage, chromiumUnavailable } from './support/chromium/chromium.ts'
import { pageRegistration } from './support/chromium/page-registration.ts'
import { pageTransport } from './support/chromium/page-transport.ts'
import { skipBecause } from './support/environment.ts'
import { endAfterTest } from './support/lan.ts'
import { ProcessDevice } from './support/process-device.ts'
import { ProcessSignaling } from './support/process-signaling.ts'
import { describeTree, writeRandomTree } from './support/tree.ts'
import { WebRtcDevice, type WebRtcDeviceInit } from './support/webrtc-device.ts'

const MIB = 1024 ** 2
const SILENT = { debug() {}, info() {}, warn() {}, error() {} }

/** Types of the candidates in use, and the ICE user name of the device. */
interface Path {
  readonly local?: string
  readonly remote?: string
  readonly ufrag?: string
}

interface Exchanged {
  readonly sent: string
  readonly received: { readonly bytes: number; readonly sha256: string }
  readonly path: Path
}

const canRun = !skipBecause(chromiumUnavailable())

describe.runIf(canRun)('a page in Chromium that speaks to a signaling server', () => {
  let signaling: ProcessSignaling
  let page: ChromiumPage

  beforeAll(async () => {
    signaling = await ProcessSignaling.start('--host', '127.0.0.1', '--port', '0')
    page = await ChromiumPage.open()
  })

  afterAll(async () => {
    await page?.close()
    await signaling?.stop()
  })

  function device(init: Partial<WebRtcDeviceInit> = {}): WebRtcDevice {
    const { origin: server } = signaling
    const started = new WebRtcDevice(undefined, { server, iceServers: [], hostAddresses: ['127.0.0.1'], ...init })
    onTestFinished(async () => {
      expect(await started.stop()).toBe(0)
    })
    return started
  }

  async function registered(): Promise<string> {
    return page.call<string>('register', pageRegistration(await createIdentity(), signaling.origin))
  }

  it('dials a device and exchanges messages with it over a data channel', async () => {
    await registered()
    const bob = device({ bytes: 3 * MIB })
    const exchanged = await page.call<Exchanged>('dial', await bob.address(), 6 * MIB)
    expect(await bob.line('received')).toMatchObject({ bytes: 6 * MIB, sha256: exchanged.sent })
    const { sha256 } = await bob.line('sent')
    expect(exchanged.received).toEqual({ bytes: 3 * MIB, sha256 })
  })

  it('is dialled by a device and exchanges messages with it', async () => {
    const dial = await registered()
    const answered = page.call<Exchanged>('answer', 6 * MIB)
    const bob = device({ dial, bytes: 3 * MIB })
    const exchanged = await answered
    expect(await bob.line('received')).toMatchObject({ bytes: 6 * MIB, sha256: exchanged.sent })
    const { sha256 } = await bob.line('sent')
    expect(exchanged.received).toEqual({ bytes: 3 * MIB, sha256 })
  })

  it('finds its way again by an ICE restart when the device has another network', async () => {
    await registered()
    const bob = device({ bytes: 3 * MIB, waits: true })
    const exchanged = page.call<Exchanged>('dial', await bob.address(), 6 * MIB)
    await bob.line('progress', ({ received }) => received > MIB)
    const { ufrag } = await page.call<Path>('path')
    expect(ufrag).toMatch(/^\S{4,}$/)
    bob.noticeNetworkChange()
    await expect.poll(async () => (await page.call<Path>('path')).ufrag).not.toBe(ufrag)
    bob.finish()
    expect(await bob.line('received')).toMatchObject({ bytes: 6 * MIB, sha256: (await exchanged).sent })
    const { sha256 } = await bob.line('sent')
    expect((await exchanged).received).toEqual({ bytes: 3 * MIB, sha256 })
  })

  it('carries the knock, the TLS handshake, the pairing and the sync of a device with a daemon', async () => {
    const directory = await temporaryDirectory()
    const home = path.join(directory, 'alice')
    await mkdir(home, { mode: 0o700 })
    await writeFile(path.join(home, 'config.toml'), `signaling = ["${signaling.origin}"]\n`, { mode: 0o600 })
    const daemonArgs = ['--host', '127.0.0.1', '--no-mdns', '--no-beacon']
    const alice = new ProcessDevice({ home, name: 'alice', daemonArgs })
    endAfterTest([alice])
    await alice.start()
    const source = path.join(directory, 'photos')
    await writeRandomTree(source, { files: 60, maxFileBytes: 300_000, seed: 12 })
    await alice.must('add', source)

    const bobHome = path.join(directory, 'bob')
    await mkdir(bobHome, { mode: 0o700 })
    const identity = await loadOrCreateIdentity(path.join(bobHome, 'identity'))
    await page.call('register', pageRegistration(identity, signaling.origin))
    const bob = await openDevice({
      ...{ home: bobHome, name: 'bob', logger: SILENT, online: true },
      transports: [pageTransport(page)],
    })
    onTestFinished(() => bob.close())
    await bob.join((await alice.must('invite')).trim())
    await writeFile(path.join(directory, 'from bob.txt'), 'written where the page is')
    await bob.add([path.join(directory, 'from bob.txt')])
    await bob.sync({ timeoutMs: 300_000 })
    await bob.waitUntilSynced()
    await expect.poll(async () => (await bob.spaces())[0]?.missingBytes).toBe(0)
    await expect.poll(async () => (await bob.status()).peers).toMatchObject([{ name: 'alice', link: 'webrtc' }])

    await bob.get('photos', { directory, output: path.join(directory, 'arrived') })
    expect(await describeTree(path.join(directory, 'arrived'))).toEqual(await describeTree(source))
    await alice.must('get', 'from bob.txt', '-o', path.join(directory, 'arrived.txt'))
  })
})
