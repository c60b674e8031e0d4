import { createServer } from 'node:net'
import type { IncomingSignal, SignalChannel } from '@dittofs/interface'
import { createIdentity } from '@dittofs/link'
import { signalChannel } from '@dittofs/signaling-client'
import { afterEach, describe, expect, it } from 'vitest'
import { ProcessSignaling } from './support/process-signaling.ts'

const SESSION = '5a'.repeat(16)

describe('dittofs-signaling', () => {
  const cleanups: (() => unknown)[] = []
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
  })

  async function start(...args: string[]): Promise<ProcessSignaling> {
    const server = await ProcessSignaling.start('--host', '127.0.0.1', ...args)
    cleanups.push(() => server.stop('SIGKILL'))
    return server
  }

  async function device(...servers: string[]) {
    const identity = await createIdentity()
    const channel = signalChannel({ identity, servers, mayReceive: () => true })
    cleanups.push(() => channel.close())
    const heard: IncomingSignal[] = []
    channel.open({ onSignal: (signal) => heard.push(signal), onChange: () => undefined })
    await isRegistered(channel)
    return { channel, heard, key: identity.key }
  }

  const isRegistered = (channel: SignalChannel) => expect.poll(() => channel.addresses().length).toBe(1)

  it('carries a negotiation between two devices, and shows nothing of it in its log', async () => {
    const server = await start('--port', '0', '--log-level', 'debug')
    const [alice, bob] = [await device(server.origin), await device(server.origin)]
    const body = 'a=candidate:1 1 UDP 2122317823 198.51.100.7 50000 typ host'
    await alice.channel.send(bob.channel.addresses()[0] as string, { session: SESSION, kind: 'offer', body })
    await expect.poll(() => bob.heard.length).toBe(1)
    const offer = bob.heard[0] as IncomingSignal
    expect(offer).toMatchObject({ device: alice.key, body })
    await bob.channel.send(offer.from, { session: SESSION, kind: 'answer', body })
    await expect.poll(() => alice.heard).toMatchObject([{ device: bob.key, kind: 'answer', body }])

    const addresses = [...alice.channel.addresses(), ...bob.channel.addresses()]
    const signalingKeys = addresses.map((address) => /[0-9a-f]{64}/.exec(address)?.[0] as string)
    expect((await server.stop()).code).toBe(0)
    // Where it listens is its own matter; where devices call from is not.
    const log = server.log.filter((line) => !line.includes('server:listen')).join('\n')
    expect(log).toContain('device:register')
    for (const secret of [alice.key, bob.key, ...signalingKeys, '198.51.100.7', '127.0.0.1', SESSION, 'candidate']) {
      expect(log).not.toContain(secret)
    }
  })

  it('is found again by its devices after it was killed', async () => {
    const first = await start('--port', '0')
    const [alice, bob] = [await device(first.origin), await device(first.origin)]
    const address = bob.channel.addresses()[0] as string
    await first.stop('SIGKILL')
    await expect.poll(() => bob.channel.addresses()).toEqual([])
    await start('--port', String(first.port))
    await isRegistered(alice.channel)
    await isRegistered(bob.channel)
    await alice.channel.send(address, { session: SESSION, kind: 'offer', body: '' })
    await expect.poll(() => bob.heard.length).toBe(1)
  })

  it('tells its devices when it ends, and ends with status 0', async () => {
    const server = await start('--port', '0')
    const { channel } = await device(server.origin)
    const stopped = server.stop()
    await expect
      .poll(() => channel.state()[0]?.reason)
      .toBe('The signaling server closed the connection (1001: the server stops).')
    expect(await stopped).toEqual({ code: 0, stderr: '' })
  })

  it('ends with status 1 and a sentence when its port is taken', async () => {
    const holder = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => holder.once('listening', resolve))
    cleanups.push(() => holder.close())
    const { port } = holder.address() as { port: number }
    expect(await ProcessSignaling.run('--host', '127.0.0.1', '--port', String(port))).toEqual({
      code: 1,
      stderr: `error: Port ${port} is taken; choose another one.\n`,
    })
  })

  it('ends with status 2 for a wrong option, and 0 when asked for help', async () => {
    expect(await ProcessSignaling.run('--port', 'x')).toMatchObject({ code: 2 })
    expect(await ProcessSignaling.run('--help')).toMatchObject({ code: 0, stderr: '' })
  })
})
