import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import path from 'node:path'
import { connect as connectTls } from 'node:tls'
import { temporaryDirectory } from '@dittofs/testing'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { onLoopback } from './support/lan.ts'
import { pair, peerAddress } from './support/pairing.ts'
import type { ProcessDevice } from './support/process-device.ts'
import { RecordingRelay } from './support/recording-relay.ts'
import { randomBytes } from './support/tree.ts'

/** All that a stranger is ever sent: the knock's challenge. */
const CHALLENGE_BYTES = 32
const KNOCK_BYTES = 160
const MIB = 1024 ** 2
/** Strangers call from an address of their own: an address has only so many places. */
const STRANGER = '127.0.0.2'

function call(device: ProcessDevice, localAddress = STRANGER): Socket {
  const [host, port] = peerAddress(device).split(':') as [string, string]
  const socket = connect({ host, port: Number(port), localAddress })
  socket.on('error', () => undefined)
  return socket
}

/** Sends `bytes` and gives everything that comes back until the device hangs up. */
async function answerTo(device: ProcessDevice, bytes: Buffer): Promise<Buffer> {
  const socket = call(device)
  const received: Buffer[] = []
  socket.on('data', (piece: Buffer) => received.push(piece))
  socket.write(bytes)
  await once(socket, 'close')
  return Buffer.concat(received)
}

async function residentBytes(device: ProcessDevice): Promise<number> {
  const status = await readFile(`/proc/${device.daemonPid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024
}

describe('a stranger on the network', () => {
  let directory: string
  let alice: ProcessDevice
  let bob: ProcessDevice

  beforeEach(async () => {
    directory = await temporaryDirectory()
    ;[alice, bob] = onLoopback(directory, ['alice', 'bob'])
    await alice.start()
    await bob.start()
    await pair(alice, bob)
  })

  it.each([
    ['garbage', randomBytes(4096, 1)],
    ['an HTTP request', Buffer.from('GET / HTTP/1.1\r\nHost: alice\r\n\r\n'.padEnd(KNOCK_BYTES + 10))],
    ['zeros', Buffer.alloc(KNOCK_BYTES)],
  ])('who sends %s gets a random challenge and nothing else', async (_, bytes) => {
    const [first, second] = [await answerTo(alice, bytes), await answerTo(alice, bytes)]
    expect(first).toHaveLength(CHALLENGE_BYTES)
    expect(second).toHaveLength(CHALLENGE_BYTES)
    expect(first.equals(second)).toBe(false)
  })

  it('who begins TLS at once sees no certificate', async () => {
    const socket = connectTls({ socket: call(alice), rejectUnauthorized: false })
    const [error] = (await once(socket, 'error')) as [Error]
    expect(error).toBeInstanceOf(Error)
    expect(socket.getPeerX509Certificate()).toBeUndefined()
  })

  it('who replays a recorded knock gets nothing, and who recorded it has learnt no key, ID or name', async () => {
    const relay = await RecordingRelay.to(peerAddress(alice))
    onTestFinished(() => relay.close())
    await bob.stop()
    await writeFile(path.join(directory, 'the secret plan.txt'), 'nobody else reads this')
    await alice.must('add', path.join(directory, 'the secret plan.txt'))
    await bob.start('--peer', relay.address)
    await bob.must('sync', '--timeout', '300')
    await bob.must('get', 'the secret plan.txt', '-o', path.join(directory, 'out'))

    const recorded = relay.conversations.find(({ fromCaller }) => Buffer.concat(fromCaller).length > KNOCK_BYTES)!
    const knock = Buffer.concat(recorded.fromCaller).subarray(0, KNOCK_BYTES)
    expect(await answerTo(alice, knock)).toHaveLength(CHALLENGE_BYTES)

    const everything = Buffer.concat(
      relay.conversations.flatMap(({ fromCaller, toCaller }) => [...fromCaller, ...toCaller]),
    )
    const names = ['alice', 'bob', 'home', 'secret plan', 'nobody else', alice.ready!.device.id, bob.ready!.device.id]
    for (const name of names) expect(everything.includes(name)).toBe(false)
    for (const device of [alice, bob]) {
      const certificate = await readFile(path.join(device.home, 'identity', 'certificate.pem'), 'utf8')
      const der = Buffer.from(certificate.replaceAll(/-----[A-Z ]+-----|\s/g, ''), 'base64')
      expect(der.length).toBeGreaterThan(100)
      expect(everything.includes(der.subarray(-64))).toBe(false)
    }
  })

  it('who opens 10,000 connections and says nothing costs bounded memory, and members still get through', async () => {
    const sockets = new Set<Socket>()
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy()
    })
    const open = async (count: number): Promise<void> => {
      for (let i = 0; i < count; i++) {
        const socket = call(alice)
        sockets.add(socket)
        socket.on('close', () => sockets.delete(socket))
        if (i % 200 === 199) await once(socket, 'connect').catch(() => undefined)
      }
    }
    const before = await residentBytes(alice)
    // The heap grows to what a flood of any length needs; after that more strangers cost no more.
    await open(5000)
    const flooded = await residentBytes(alice)
    await open(10_000)
    const after = await residentBytes(alice)
    expect(after - flooded).toBeLessThan(40 * MIB)
    expect(after - before).toBeLessThan(150 * MIB)
    await bob.stop()
    await bob.start('--peer', peerAddress(alice))
    await bob.must('sync', '--timeout', '300')
  })
})
