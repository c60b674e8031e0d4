import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { decodeTicket, encodeTicket } from '@dittofs/membership'
import { temporaryDirectory } from '@dittofs/testing'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { skipBecause } from './support/environment.ts'
import { endAfterTest } from './support/lan.ts'
import { ProcessDevice } from './support/process-device.ts'
import { ProcessSignaling } from './support/process-signaling.ts'
import { opensslUnavailable } from './support/test-authority.ts'
import { TlsFront } from './support/tls-front.ts'

interface Status {
  readonly links: readonly { readonly name: string; readonly isUp: boolean; readonly reason?: string }[]
  readonly peers: readonly { readonly link?: string }[]
}

const canRun = !skipBecause(opensslUnavailable())

describe.runIf(canRun)('a signaling server behind TLS, under an authority of its own', () => {
  it('serves devices that trust the authority, and others say why not', async () => {
    const directory = await temporaryDirectory()
    const front = await TlsFront.start(directory)
    onTestFinished(() => front.close())
    const server = await ProcessSignaling.start('--host', '127.0.0.1', '--port', '0', '--origin', front.origin)
    onTestFinished(async () => void (await server.stop()))
    front.passTo(server.port)

    const device = async (name: string, environment: NodeJS.ProcessEnv) => {
      const home = path.join(directory, name)
      await mkdir(home, { mode: 0o700 })
      await writeFile(path.join(home, 'config.toml'), `signaling = ["${front.origin}"]\n`, { mode: 0o600 })
      const daemonArgs = ['--host', '127.0.0.1', '--no-mdns', '--no-beacon']
      const made = new ProcessDevice({ home, name, daemonArgs, environment })
      endAfterTest([made])
      await made.start()
      return made
    }
    const trusting = { NODE_EXTRA_CA_CERTS: front.authority }
    const [alice, bob, carol] = [
      await device('alice', trusting),
      await device('bob', trusting),
      await device('carol', {}),
    ]
    const linkOf = async (of: ProcessDevice) =>
      (await of.json<Status>('status')).links.find(({ name }) => name === 'webrtc')
    await vi.waitUntil(async () => (await linkOf(alice))?.isUp === true, { timeout: 300_000, interval: 50 })
    await vi.waitUntil(async () => /certificate/.test((await linkOf(carol))?.reason ?? ''), {
      timeout: 300_000,
      interval: 50,
    })
    expect((await linkOf(carol))?.isUp).toBe(false)

    const ticket = decodeTicket((await alice.must('invite')).trim())
    const addresses = ticket.addresses.filter((address) => address.startsWith('webrtc://'))
    expect(addresses).toHaveLength(1)
    await bob.must('join', encodeTicket({ ...ticket, addresses }))
    await writeFile(path.join(directory, 'one.txt'), 'by way of TLS')
    await alice.must('add', path.join(directory, 'one.txt'))
    await bob.must('sync', '--timeout', '300')
    await bob.must('get', 'one.txt', '-o', path.join(directory, 'arrived.txt'))
    await expect.poll(async () => (await bob.json<Status>('status')).peers).toMatchObject([{ link: 'webrtc' }])
  })
})
