import type { Logger } from '@dittofs/interface'
import { describe, expect, it, onTestFinished } from 'vitest'
import { skipBecause } from '../../test/support/environment.ts'
import { redisBus } from '../src/redis-bus.ts'
import { type RawDevice, rawKey, sealedSample } from './support/raw-device.ts'
import { RedisServer, redisUnavailable } from './support/redis-server.ts'
import { registered, start } from './support/test-parties.ts'
import type { TestServer } from './support/test-server.ts'

const silent: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

describe.skipIf(skipBecause(redisUnavailable()))('several instances with one bus', () => {
  async function redis(): Promise<RedisServer> {
    const server = await RedisServer.start()
    onTestFinished(() => server.stop())
    return server
  }

  const instance = async (url: string) => start({ bus: await redisBus({ url, logger: silent }) })

  const health = async (server: TestServer) =>
    ((await (await fetch(`${server.url}/healthz`)).json()) as { status: string }).status

  /** Sends until the answer is the one that is waited for: a bus that was down comes back when it comes back. */
  async function untilAnswered(sender: RawDevice, to: Uint8Array, answer: 'sent' | 'absent'): Promise<void> {
    await expect
      .poll(
        async () => {
          sender.write({ type: 'send', id: 1, to, sealed: sealedSample() })
          return (await sender.any()).type
        },
        { interval: 200 },
      )
      .toBe(answer)
  }

  it('relay to one another, in order and unchanged', async () => {
    const { url } = await redis()
    const [first, second] = [await instance(url), await instance(url)]
    const [alice, bob] = [await registered(first), await registered(second)]
    for (let id = 0; id < 15; id++) {
      alice.device.write({ type: 'send', id, to: bob.key.publicKey, sealed: sealedSample(304 + id) })
    }
    for (let id = 0; id < 15; id++) {
      const { from, sealed } = await bob.device.next('deliver')
      expect([Buffer.from(from).toString('hex'), sealed.length]).toEqual([alice.key.hex, 304 + id])
      expect(await alice.device.next('sent')).toEqual({ type: 'sent', id })
    }
    bob.device.write({ type: 'send', id: 1, to: alice.key.publicKey, sealed: sealedSample() })
    await alice.device.next('deliver')
    expect(await health(first)).toBe('ok')
    expect(await (await fetch(`${first.url}/metrics`)).text()).toContain('dittofs_signaling_bus_up 1')
  })

  it('say that nobody is there at any of them, and no longer', async () => {
    const { url } = await redis()
    const [first, second] = [await instance(url), await instance(url)]
    const [alice, bob] = [await registered(first), await registered(second)]
    alice.device.write({ type: 'send', id: 1, to: rawKey().publicKey, sealed: sealedSample() })
    await alice.device.next('absent')
    bob.device.abort()
    await untilAnswered(alice.device, bob.key.publicKey, 'absent')
  })

  it('leave a key to the instance where it was registered last, and bring nothing twice', async () => {
    const { url } = await redis()
    const [first, second] = [await instance(url), await instance(url)]
    const alice = await registered(first)
    const older = await registered(first)
    const moved = await registered(second, older.key)
    expect(await older.device.closed).toBe(4001)
    const back = await registered(second, older.key)
    expect(await moved.device.closed).toBe(4001)
    alice.device.write({ type: 'send', id: 1, to: older.key.publicKey, sealed: sealedSample(304) })
    alice.device.write({ type: 'send', id: 2, to: older.key.publicKey, sealed: sealedSample(305) })
    const lengths = [await back.device.next('deliver'), await back.device.next('deliver')].map((m) => m.sealed.length)
    expect(lengths).toEqual([304, 305])
  })

  it('go on alone while the bus is down, say so, and find each other once it is back', async () => {
    const server = await redis()
    const [first, second] = [await instance(server.url), await instance(server.url)]
    const [alice, bob] = [await registered(first), await registered(second)]
    await server.stop()
    await expect.poll(() => health(first)).toBe('degraded')
    const late = await registered(first)
    alice.device.write({ type: 'send', id: 1, to: late.key.publicKey, sealed: sealedSample() })
    await late.device.next('deliver')
    await alice.device.next('sent')
    alice.device.write({ type: 'send', id: 2, to: bob.key.publicKey, sealed: sealedSample() })
    expect(await alice.device.next('absent')).toEqual({ type: 'absent', id: 2 })
    await server.start()
    await expect.poll(() => health(first)).toBe('ok')
    await untilAnswered(alice.device, bob.key.publicKey, 'sent')
    await untilAnswered(bob.device, late.key.publicKey, 'sent')
  })

  it('start while the bus is down', async () => {
    const server = await redis()
    await server.stop()
    const [first, second] = [await instance(server.url), await instance(server.url)]
    const [alice, bob] = [await registered(first), await registered(second)]
    expect(await health(second)).toBe('degraded')
    await server.start()
    await untilAnswered(alice.device, bob.key.publicKey, 'sent')
  })
})
