import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { decodeTicket, encodeTicket } from '@dittofs/membership'
import { temporaryDirectory } from '@dittofs/testing'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { endAfterTest } from './support/lan.ts'
import { ProcessDevice } from './support/process-device.ts'
import { ProcessSignaling } from './support/process-signaling.ts'
import { describeTree, writeRandomTree } from './support/tree.ts'

interface Status {
  readonly links: readonly { readonly name: string; readonly isUp: boolean; readonly reason?: string }[]
  readonly peers: readonly { readonly name: string; readonly link?: string }[]
  readonly chunks: { readonly bytes: number }
}

/** Limits of an address are for many devices behind it: here all are. */
async function signalingServer(port = 0): Promise<ProcessSignaling> {
  const server = await ProcessSignaling.start('--host', '127.0.0.1', '--port', `${port}`)
  onTestFinished(async () => void (await server.stop()))
  return server
}

/** A device that is told of no other, and knows a signaling server. */
async function deviceAt(directory: string, name: string, servers: readonly string[]): Promise<ProcessDevice> {
  const home = path.join(directory, name)
  await mkdir(home, { mode: 0o700 })
  await writeFile(path.join(home, 'config.toml'), `signaling = ${JSON.stringify(servers)}\n`, { mode: 0o600 })
  const device = new ProcessDevice({ home, name, daemonArgs: ['--host', '127.0.0.1', '--no-mdns', '--no-beacon'] })
  endAfterTest([device])
  return device
}

/** A ticket whose only address is that at the signaling server. */
async function ticketBySignaling(device: ProcessDevice): Promise<string> {
  await vi.waitUntil(async () => (await linkOf(device))?.isUp === true, { timeout: 300_000, interval: 50 })
  const ticket = decodeTicket((await device.must('invite')).trim())
  const addresses = ticket.addresses.filter((address) => address.startsWith('webrtc://'))
  expect(addresses).toHaveLength(1)
  return encodeTicket({ ...ticket, addresses })
}

function statusOf(device: ProcessDevice): Promise<Status> {
  return device.json<Status>('status')
}

async function linkOf(device: ProcessDevice) {
  return (await statusOf(device)).links.find(({ name }) => name === 'webrtc')
}

async function untilLinked(device: ProcessDevice): Promise<void> {
  const isLinked = async () => (await statusOf(device)).peers.some(({ link }) => link === 'webrtc')
  await vi.waitUntil(isLinked, { timeout: 300_000, interval: 100 })
}

describe('two daemons that share a signaling server and nothing else', () => {
  it('pair by a ticket that names it and become the same, though one is killed in the middle', async () => {
    const server = await signalingServer()
    const directory = await temporaryDirectory()
    const alice = await deviceAt(directory, 'alice', [server.origin])
    // Where the other device is, the ticket says.
    const bob = await deviceAt(directory, 'bob', [])
    await alice.start()
    await bob.start()
    expect((await linkOf(bob))?.reason).toMatch(/^No signaling server is configured/)

    const source = path.join(directory, 'photos')
    await writeRandomTree(source, { files: 200, maxFileBytes: 400_000, seed: 11 })
    await alice.must('add', source)
    await bob.must('join', await ticketBySignaling(alice))
    await vi.waitUntil(async () => (await statusOf(bob)).chunks.bytes > 2_000_000, { timeout: 300_000, interval: 20 })
    await bob.kill()
    await bob.start()
    await untilLinked(bob)
    await bob.must('sync', '--timeout', '300')
    await expect.poll(async () => (await statusOf(bob)).peers).toMatchObject([{ name: 'alice', link: 'webrtc' }])
    await bob.must('get', 'photos', '-o', path.join(directory, 'arrived'))
    expect(await describeTree(path.join(directory, 'arrived'))).toEqual(await describeTree(source))
    expect(await bob.json('verify')).toMatchObject({ damaged: [] })
    // The server was told nothing that it could log of them.
    expect(server.log.join('\n')).not.toMatch(/photos|alice|bob/)
  })

  it('stay connected while the server is gone, and find each other again when it is back', async () => {
    const server = await signalingServer()
    const directory = await temporaryDirectory()
    const alice = await deviceAt(directory, 'alice', [server.origin])
    const bob = await deviceAt(directory, 'bob', [server.origin])
    await alice.start()
    await bob.start()
    await bob.must('join', await ticketBySignaling(alice))
    await untilLinked(bob)

    await server.stop()
    await vi.waitUntil(async () => (await linkOf(alice))?.isUp === false, { timeout: 300_000, interval: 50 })
    await expect.poll(async () => (await linkOf(alice))?.reason).toContain(server.origin)
    await writeFile(path.join(directory, 'one.txt'), 'without the server')
    await alice.must('add', path.join(directory, 'one.txt'))
    await bob.must('sync', '--timeout', '300')
    await bob.must('get', 'one.txt', '-o', path.join(directory, 'one at bob.txt'))

    await bob.stop()
    await signalingServer(server.port)
    await bob.start()
    await untilLinked(bob)
    await writeFile(path.join(directory, 'two.txt'), 'with it again')
    await bob.must('add', path.join(directory, 'two.txt'))
    await alice.must('sync', '--timeout', '300')
    await alice.must('get', 'two.txt', '-o', path.join(directory, 'two at alice.txt'))
  })
})
