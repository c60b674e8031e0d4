import type { DeviceKey, IncomingSignal, Signal, SignalChannel } from '@dittofs/interface'
import { ManualClock, signalChannelSuite } from '@dittofs/testing'
import { encodeSignalingMessage, formatSignalAddress, REFUSAL_REASONS } from '@dittofs/wire'
import { afterEach, describe, expect, it } from 'vitest'
import { sealSignal } from '../src/seal-signal.ts'
import { type SignalChannelInit, signalChannel } from '../src/signal-channel.ts'
import { signalingKey } from '../src/signaling-key.ts'
import { TestExchange } from './support/test-exchange.ts'
import { testIdentity } from './support/test-identity.ts'

const SESSION = 'ab'.repeat(16)
const offer: Signal = { session: SESSION, kind: 'offer', body: 'v=0' }

signalChannelSuite('signaling server', {
  setup: async () => {
    let exchange = await TestExchange.listen()
    let devices = 0
    return {
      device: ({ mayReceive = () => true } = {}) => {
        const identity = testIdentity(`device ${devices++}`)
        return { key: identity.key, channel: signalChannel({ identity, servers: [exchange.origin], mayReceive }) }
      },
      setUp: async (isUp) => {
        if (isUp) exchange = await TestExchange.listen(exchange.port)
        else await exchange.close()
      },
      close: () => exchange.close(),
    }
  },
})

describe('signalChannel', () => {
  const cleanups: (() => Promise<void>)[] = []
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
  })

  async function listen(): Promise<TestExchange> {
    const exchange = await TestExchange.listen()
    cleanups.push(() => exchange.close())
    return exchange
  }

  function open(name: string, init: Partial<SignalChannelInit> = {}) {
    const identity = testIdentity(name)
    const channel = signalChannel({ identity, servers: [], mayReceive: () => true, ...init })
    cleanups.push(() => channel.close())
    const heard: IncomingSignal[] = []
    channel.open({ onSignal: (signal) => heard.push(signal), onChange: () => undefined })
    return { channel, heard, key: identity.key, identity }
  }

  const isRegistered = (channel: SignalChannel, count = 1) =>
    expect.poll(() => channel.addresses().length, { interval: 5 }).toBe(count)

  it('is known to each server by another key, and to none by its device key', async () => {
    const [first, second] = [await listen(), await listen()]
    const { channel, key } = open('alice', { servers: [first.origin, `${second.origin}/`] })
    await isRegistered(channel, 2)
    const keys = [...first.devices.keys(), ...second.devices.keys()]
    expect(new Set([...keys, key]).size).toBe(3)
    expect(channel.state().map(({ name }) => name)).toEqual([first.origin, second.origin])
    expect(channel.addresses()).toEqual([
      formatSignalAddress({ key: keys[0] as string, origin: first.origin }),
      formatSignalAddress({ key: keys[1] as string, origin: second.origin }),
    ])
  })

  it('refuses a server that is not named as it must be', () => {
    expect(() => open('alice', { servers: ['https://signal.example.org'] })).toThrowError(
      expect.objectContaining({ code: 'DITTO_USAGE' }),
    )
  })

  it('shows the server nothing of what it carries', async () => {
    const exchange = await listen()
    const [alice, bob] = [open('alice', { servers: [exchange.origin] }), open('bob', { servers: [exchange.origin] })]
    await isRegistered(alice.channel)
    await isRegistered(bob.channel)
    const body = 'a=candidate:1 1 UDP 2122317823 192.168.1.7 50000 typ host'
    await alice.channel.send(bob.channel.addresses()[0] as string, { session: SESSION, kind: 'offer', body })
    await expect.poll(() => bob.heard.length).toBe(1)
    const { sealed } = exchange.relayed[0] as (typeof exchange.relayed)[number]
    for (const secret of [Buffer.from('192.168.1.7'), Buffer.from(SESSION, 'hex'), Buffer.from(alice.key, 'hex')]) {
      expect(Buffer.from(sealed).includes(secret)).toBe(false)
    }
  })

  it('takes no signal twice, whenever the server brings it again', async () => {
    const exchange = await listen()
    const [alice, bob] = [open('alice', { servers: [exchange.origin] }), open('bob', { servers: [exchange.origin] })]
    await isRegistered(alice.channel)
    await isRegistered(bob.channel)
    const address = bob.channel.addresses()[0] as string
    await alice.channel.send(address, offer)
    const { from, to, sealed } = exchange.relayed[0] as (typeof exchange.relayed)[number]
    exchange.deliver(to, from, sealed)
    await alice.channel.send(address, { ...offer, body: 'next' })
    exchange.deliver(to, from, sealed)
    await alice.channel.send(address, { ...offer, body: 'last' })
    await expect.poll(() => bob.heard.map(({ body }) => body)).toEqual(['v=0', 'next', 'last'])
  })

  it('is not held up by what cannot be opened, nor by strangers who send a lot', async () => {
    const exchange = await listen()
    const alice = open('alice', { servers: [exchange.origin] })
    const bob = open('bob', { servers: [exchange.origin], mayReceive: (device: DeviceKey) => device === alice.key })
    await isRegistered(alice.channel)
    await isRegistered(bob.channel)
    const address = bob.channel.addresses()[0] as string
    await alice.channel.send(address, offer)
    await expect.poll(() => bob.heard.length).toBe(1)
    const own = signalingKey(bob.identity, exchange.origin)
    const mallory = signalingKey(testIdentity('mallory'), exchange.origin)
    const content = { id: new Uint8Array(16), sentAt: 0, session: new Uint8Array(16), kind: 'offer', body: '' } as const
    const foreign = await sealSignal(mallory, own.publicKey, content)
    for (let i = 0; i < 500; i++) exchange.deliver(own.hex, mallory.hex, i % 2 === 0 ? foreign : new Uint8Array(304))
    let tries = 0
    await expect
      .poll(async () => {
        tries++
        await alice.channel.send(address, { ...offer, body: 'still here' })
        return bob.heard.some(({ body }) => body === 'still here')
      })
      .toBe(true)
    expect(tries).toBeLessThan(20)
    expect(bob.heard.every(({ device }) => device === alice.key)).toBe(true)
  })

  it('connects to a server that only an address names, and leaves it when it is not used', async () => {
    const [here, there] = [await listen(), await listen()]
    const clock = new ManualClock()
    const alice = open('alice', { servers: [here.origin], clock })
    const bob = open('bob', { servers: [there.origin] })
    await isRegistered(bob.channel)
    await alice.channel.send(bob.channel.addresses()[0] as string, offer)
    await expect.poll(() => bob.heard.length).toBe(1)
    const { from } = bob.heard[0] as IncomingSignal
    expect(from).toContain(there.origin.slice('ws://'.length))
    expect(alice.channel.addresses().every((address) => address !== from)).toBe(true)
    await bob.channel.send(from, { ...offer, kind: 'answer' })
    await expect.poll(() => alice.heard.length).toBe(1)
    expect(there.devices.size).toBe(2)
    await clock.until(() => there.devices.size === 1)
    expect(clock.monotonic()).toBeGreaterThanOrEqual(120_000)
    await expect.poll(() => here.devices.size).toBe(1)
    await alice.channel.send(bob.channel.addresses()[0] as string, { ...offer, body: 'again' })
    await expect.poll(() => bob.heard.length).toBe(2)
  })

  it('uses no more than a few servers that only addresses name', async () => {
    const exchange = await listen()
    exchange.intercept = () => true
    const { channel } = open('alice')
    const key = signalingKey(testIdentity('bob'), exchange.origin).hex
    const controllers: AbortController[] = []
    const sends = Array.from({ length: 16 }, (_, index) => {
      const address = `webrtc://${key}:plain@127.0.0.${index + 1}:${exchange.port}`
      const controller = new AbortController()
      controllers.push(controller)
      return channel.send(address, offer, { signal: controller.signal }).catch(() => undefined)
    })
    const one = channel.send(`webrtc://${key}:plain@127.0.0.99:${exchange.port}`, offer)
    await expect(one).rejects.toMatchObject({ code: 'DITTO_LIMIT' })
    for (const controller of controllers) controller.abort()
    await Promise.all(sends)
  })

  it('says that a server cannot be reached that only an address names', async () => {
    const exchange = await TestExchange.listen()
    await exchange.close()
    const { channel } = open('alice')
    const key = signalingKey(testIdentity('bob'), exchange.origin).hex
    const sent = channel.send(formatSignalAddress({ key, origin: exchange.origin }), offer)
    await expect(sent).rejects.toMatchObject({ code: 'DITTO_PEER_UNREACHABLE' })
  })

  it.each([
    ['rate', REFUSAL_REASONS.rate],
    ['of a later version', 200],
  ])('says so when the server refuses a signal: %s', async (_, reason) => {
    const exchange = await listen()
    exchange.intercept = (message, socket) => {
      if (message.type !== 'send') return false
      socket.send(encodeSignalingMessage({ type: 'refused', id: message.id, reason }))
      return true
    }
    const alice = open('alice', { servers: [exchange.origin] })
    await isRegistered(alice.channel)
    await expect(alice.channel.send(alice.channel.addresses()[0] as string, offer)).rejects.toMatchObject({
      code: 'DITTO_LIMIT',
    })
  })

  it('gives up on a signal when the server does not say what became of it', async () => {
    const exchange = await listen()
    exchange.intercept = (message) => message.type === 'send'
    const clock = new ManualClock()
    const alice = open('alice', { servers: [exchange.origin], clock })
    await isRegistered(alice.channel)
    const sent = alice.channel.send(alice.channel.addresses()[0] as string, offer).catch((error: unknown) => error)
    let outcome: unknown
    void sent.then((error) => {
      outcome = error
    })
    await clock.until(() => outcome !== undefined)
    expect(outcome).toMatchObject({ code: 'DITTO_PEER_UNREACHABLE' })
  })

  it('connects anew when the network has changed, with the signals that come meanwhile', async () => {
    const [home, foreign] = [await listen(), await listen()]
    const alice = open('alice', { servers: [home.origin] })
    const bob = open('bob', { servers: [home.origin, foreign.origin] })
    await isRegistered(alice.channel)
    await isRegistered(bob.channel, 2)
    for (const [index, to] of bob.channel.addresses().entries()) {
      await alice.channel.send(to, offer)
      alice.channel.networkChanged()
      await alice.channel.send(to, { session: SESSION, kind: 'candidate', body: `after ${index}` })
    }
    await expect.poll(() => bob.heard.map(({ body }) => body)).toEqual(['v=0', 'after 0', 'v=0', 'after 1'])
    await isRegistered(alice.channel)
  })

  it('rejects a waiting send at once when it is aborted, or the channel closed', async () => {
    const exchange = await listen()
    exchange.intercept = (message) => message.type === 'send'
    const alice = open('alice', { servers: [exchange.origin] })
    await isRegistered(alice.channel)
    const address = alice.channel.addresses()[0] as string
    const controller = new AbortController()
    const aborted = alice.channel.send(address, offer, { signal: controller.signal })
    const reason = new Error('enough')
    controller.abort(reason)
    await expect(aborted).rejects.toBe(reason)
    const waiting = alice.channel.send(address, offer).catch((error: unknown) => error)
    await alice.channel.close()
    expect(await waiting).toMatchObject({ code: expect.stringMatching(/CLOSED|UNREACHABLE/) as string })
  })

  it('keeps to the limits of servers by itself', async () => {
    const exchange = await listen()
    const clock = new ManualClock()
    const alice = open('alice', { servers: [exchange.origin], clock })
    await isRegistered(alice.channel)
    const address = alice.channel.addresses()[0] as string
    let sent = 0
    for (let i = 0; i < 40; i++) {
      const count = () => {
        sent++
      }
      void alice.channel.send(address, { ...offer, kind: 'candidate' }).then(count, () => undefined)
    }
    await expect.poll(() => sent).toBe(19)
    const before = clock.monotonic()
    await clock.until(() => sent === 40)
    expect(clock.monotonic() - before).toBeGreaterThan(1000)
  })

  it('tries a server again and again, at growing distances', async () => {
    const exchange = await listen()
    exchange.intercept = (message, socket) => {
      if (message.type === 'register') socket.close(1013)
      return true
    }
    const clock = new ManualClock()
    const { channel } = open('alice', { servers: [exchange.origin], clock, randomBytes: (size) => Buffer.alloc(size) })
    const times: number[] = []
    for (let tries = 1; tries <= 8; tries++) {
      await clock.until(() => exchange.connections === tries)
      await expect.poll(() => channel.state()[0]?.reason).toMatch(/\(1013\)\.$/)
      await expect.poll(() => clock.isAwaited).toBe(true)
      times.push(clock.monotonic())
    }
    const waits = times.slice(1).map((time, index) => time - (times[index] as number))
    const shortest = [500, 1000, 2000, 4000, 8000, 16_000, 30_000]
    expect(waits.map((wait, index) => wait >= (shortest[index] as number))).toEqual(shortest.map(() => true))
    // Connecting takes a while too, and the clock runs on meanwhile.
    expect(waits.map((wait, index) => wait < 1.2 * (shortest[index] as number) + 2000)).toEqual(
      shortest.map(() => true),
    )
  })

  it('notices a server that has gone silent', async () => {
    const exchange = await listen()
    const clock = new ManualClock()
    const { channel } = open('alice', { servers: [exchange.origin], clock })
    await isRegistered(channel)
    exchange.intercept = () => true
    await clock.until(() => channel.addresses().length === 0)
    expect(channel.state()[0]?.reason).toBe('The signaling server has gone silent.')
    expect(clock.monotonic()).toBeGreaterThan(90_000)
  })

  it.each([
    ['garbage', Buffer.from('ff00ff', 'hex')],
    ['half a message', Buffer.from('01a1', 'hex')],
    ['text', 'hello'],
    ['a second challenge', encodeSignalingMessage({ type: 'challenge', nonce: new Uint8Array(32) })],
    ['a frame that is too long', Buffer.alloc(16 * 1024 + 1)],
  ])('outlives a server that sends %s', async (what, frame) => {
    const exchange = await listen()
    const { channel } = open('alice', { servers: [exchange.origin] })
    await isRegistered(channel)
    for (const socket of exchange.devices.values()) socket.send(frame)
    if (what === 'garbage') return expect(channel.addresses().length).toBe(1)
    await expect.poll(() => channel.state()[0]?.isUp, { interval: 1 }).toBe(false)
    expect(channel.state()[0]?.reason).toMatch(/^The signaling server .*\.$/)
    if (what === 'text') await isRegistered(channel)
  })
})
