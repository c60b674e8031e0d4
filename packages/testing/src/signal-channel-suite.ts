import type { Address, DeviceKey, IncomingSignal, Signal, SignalChannel, SignalKind } from '@dittofs/interface'
import { MAX_SIGNAL_BODY_BYTES } from '@dittofs/wire'
import { afterEach, describe, expect, it } from 'vitest'

/** One server, and devices that use it. */
export interface SignalChannelSubject {
  /** A device of its own, not opened yet; `mayReceive` lets everybody through when absent. */
  device(options?: { mayReceive?: (device: DeviceKey) => boolean }): { channel: SignalChannel; key: DeviceKey }
  /** Takes the server down, or up again under the same name. */
  setUp(isUp: boolean): Promise<void>
  close(): Promise<void>
}

export interface SignalChannelSuiteInit {
  setup: () => Promise<SignalChannelSubject>
}

const KINDS: readonly SignalKind[] = ['offer', 'answer', 'candidate', 'end']
/** Around the padding, and the two ends. */
const BOUNDARY_SIZES = [0, 1, 60, 70, 80, 255, 256, 257, MAX_SIGNAL_BODY_BYTES - 1, MAX_SIGNAL_BODY_BYTES]
const SESSION = '0123456789abcdef'.repeat(2)

/** What every {@link SignalChannel} keeps to. */
export function signalChannelSuite(name: string, init: SignalChannelSuiteInit): void {
  describe(`${name} as a signal channel`, () => {
    const cleanups: (() => Promise<void>)[] = []
    afterEach(async () => {
      for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
    })

    async function setup(): Promise<SignalChannelSubject> {
      const subject = await init.setup()
      cleanups.push(() => subject.close())
      return subject
    }

    /** A device that is registered, and what it hears. */
    async function registered(subject: SignalChannelSubject, options?: Parameters<SignalChannelSubject['device']>[0]) {
      const { channel, key } = subject.device(options)
      cleanups.push(() => channel.close())
      const device = new HeardDevice(channel, key)
      await device.until(() => channel.addresses().length === 1)
      return device
    }

    it('tells where it is reached once it is registered, and that its server is up', async () => {
      const subject = await setup()
      const { channel } = subject.device()
      cleanups.push(() => channel.close())
      expect(channel.addresses()).toEqual([])
      const alice = new HeardDevice(channel)
      await alice.until(() => channel.addresses().length === 1)
      expect(alice.address).toMatch(/^webrtc:\/\/[0-9a-f]{64}(:plain)?@/)
      expect(channel.state()).toEqual([{ name: expect.any(String) as string, isUp: true }])
    })

    it('carries an offer and what follows both ways, and says from which device each is', async () => {
      const subject = await setup()
      const [alice, bob] = [await registered(subject), await registered(subject)]
      const offer: Signal = { session: SESSION, kind: 'offer', body: 'v=0\r\no=- é' }
      await alice.channel.send(bob.address, offer)
      const heard = await bob.next()
      expect(heard).toEqual({ ...offer, device: alice.key, from: alice.address })
      for (const kind of ['answer', 'candidate', 'end'] as const) {
        await bob.channel.send(heard.from, { session: SESSION, kind, body: kind })
        expect(await alice.next()).toEqual({ session: SESSION, kind, body: kind, device: bob.key, from: bob.address })
      }
      await alice.channel.send(bob.address, { session: SESSION, kind: 'candidate', body: '{}' })
      expect(await bob.next()).toMatchObject({ kind: 'candidate', body: '{}' })
    })

    it('keeps the order of signals that are sent at once', async () => {
      const subject = await setup()
      const [alice, bob] = [await registered(subject), await registered(subject)]
      const bodies = Array.from({ length: 15 }, (_, index) => String(index))
      await Promise.all(
        bodies.map((body) => alice.channel.send(bob.address, { session: SESSION, kind: 'candidate', body })),
      )
      const heard: string[] = []
      for (const _ of bodies) heard.push((await bob.next()).body)
      expect(heard).toEqual(bodies)
    })

    it('carries bodies of every boundary size', async () => {
      const subject = await setup()
      const [alice, bob] = [await registered(subject), await registered(subject)]
      for (const size of BOUNDARY_SIZES) {
        const body = 'x'.repeat(size)
        await alice.channel.send(bob.address, { session: SESSION, kind: 'candidate', body })
        expect((await bob.next()).body === body).toBe(true)
      }
    })

    it('refuses what is no signal and no address', async () => {
      const subject = await setup()
      const [alice, bob] = [await registered(subject), await registered(subject)]
      const signal: Signal = { session: SESSION, kind: 'offer', body: '' }
      for (const address of ['', 'tcp://192.0.2.7:4100', 'webrtc://x@y', `${bob.address}/x`]) {
        await expect(alice.channel.send(address, signal)).rejects.toMatchObject({ code: 'DITTO_USAGE' })
      }
      const long = { ...signal, body: 'é'.repeat(MAX_SIGNAL_BODY_BYTES / 2 + 1) }
      await expect(alice.channel.send(bob.address, long)).rejects.toMatchObject({ code: 'DITTO_LIMIT' })
      for (const session of ['', SESSION.slice(1), SESSION.toUpperCase()]) {
        await expect(alice.channel.send(bob.address, { ...signal, session })).rejects.toThrow(RangeError)
      }
    })

    it('says that nobody is there by a key', async () => {
      const subject = await setup()
      const [alice, bob] = [await registered(subject), await registered(subject)]
      const signal: Signal = { session: SESSION, kind: 'offer', body: '' }
      const unreachable = { code: 'DITTO_PEER_UNREACHABLE' }
      // 2 is no point of the curve, and nobody registers by bob's key once bob has left.
      const nobody = bob.address.replace(/[0-9a-f]{64}/, `02${'0'.repeat(62)}`)
      await expect(alice.channel.send(nobody, signal)).rejects.toMatchObject(unreachable)
      const { address } = bob
      await bob.channel.close()
      await expect(alice.channel.send(address, signal)).rejects.toMatchObject(unreachable)
    })

    it('drops without a word what is from a device that it may not receive from', async () => {
      const subject = await setup()
      const [alice, mallory] = [await registered(subject), await registered(subject)]
      const bob = await registered(subject, { mayReceive: (device) => device === alice.key })
      await mallory.channel.send(bob.address, { session: SESSION, kind: 'offer', body: 'mallory' })
      await alice.channel.send(bob.address, { session: SESSION, kind: 'offer', body: 'alice' })
      expect(await bob.next()).toMatchObject({ device: alice.key, body: 'alice' })
      expect(bob.unheard).toBe(0)
    })

    it('drops an answer to what it did not offer, or did not offer to that device', async () => {
      const subject = await setup()
      const [alice, bob, carol] = [await registered(subject), await registered(subject), await registered(subject)]
      await alice.channel.send(bob.address, { session: SESSION, kind: 'offer', body: '' })
      const other = SESSION.split('').reverse().join('')
      await bob.channel.send(alice.address, { session: other, kind: 'answer', body: 'another session' })
      await carol.channel.send(alice.address, { session: SESSION, kind: 'answer', body: 'not asked' })
      await carol.channel.send(alice.address, { session: SESSION, kind: 'candidate', body: 'carol was here' })
      await bob.channel.send(alice.address, { session: SESSION, kind: 'answer', body: 'asked' })
      const heard = [await alice.next(), await alice.next()].map(({ body }) => body)
      expect(heard.sort()).toEqual(['asked', 'carol was here'])
    })

    it('notices that its server is down, and is registered again once it is up', async () => {
      const subject = await setup()
      const [alice, bob] = [await registered(subject), await registered(subject)]
      const { address } = bob
      await subject.setUp(false)
      await alice.until(() => alice.channel.addresses().length === 0)
      expect(alice.channel.state()).toEqual([
        { name: expect.any(String) as string, isUp: false, reason: expect.stringMatching(/\.$/) as string },
      ])
      const signal: Signal = { session: SESSION, kind: 'offer', body: 'back' }
      await expect(alice.channel.send(address, signal)).rejects.toMatchObject({ code: 'DITTO_PEER_UNREACHABLE' })
      await subject.setUp(true)
      for (const device of [alice, bob]) await device.until(() => device.channel.addresses().length === 1)
      expect(bob.address).toBe(address)
      await alice.channel.send(address, signal)
      expect(await bob.next()).toMatchObject({ body: 'back' })
    })

    it('rejects with the reason of the signal that aborts it', async () => {
      const subject = await setup()
      const [alice, bob] = [await registered(subject), await registered(subject)]
      const reason = new Error('enough')
      const aborted = alice.channel.send(
        bob.address,
        { session: SESSION, kind: 'offer', body: '' },
        { signal: AbortSignal.abort(reason) },
      )
      await expect(aborted).rejects.toBe(reason)
    })

    it('sends nothing before it is open and after it was closed', async () => {
      const subject = await setup()
      const bob = await registered(subject)
      const { channel } = subject.device()
      const send = () => channel.send(bob.address, { session: SESSION, kind: 'offer', body: '' })
      await expect(send()).rejects.toMatchObject({ code: 'DITTO_CLOSED' })
      const alice = new HeardDevice(channel)
      await alice.until(() => channel.addresses().length === 1)
      await channel.close()
      await channel.close()
      expect(channel.addresses()).toEqual([])
      await expect(send()).rejects.toMatchObject({ code: 'DITTO_CLOSED' })
    })

    it('carries every kind', async () => {
      const subject = await setup()
      const [alice, bob] = [await registered(subject), await registered(subject)]
      await bob.channel.send(alice.address, { session: SESSION, kind: 'offer', body: '' })
      await alice.next()
      for (const kind of KINDS) {
        await alice.channel.send(bob.address, { session: SESSION, kind, body: '' })
        expect((await bob.next()).kind).toBe(kind)
      }
    })
  })
}

/** A channel that was opened, and what came of it. */
class HeardDevice {
  readonly channel: SignalChannel
  readonly #key: DeviceKey | undefined
  readonly #heard: IncomingSignal[] = []
  readonly #wakeups = new Set<() => void>()

  constructor(channel: SignalChannel, key?: DeviceKey) {
    this.channel = channel
    this.#key = key
    channel.open({
      onSignal: (signal) => {
        this.#heard.push(signal)
        this.#wake()
      },
      onChange: () => this.#wake(),
    })
  }

  get key(): DeviceKey {
    if (this.#key === undefined) throw new TypeError('the key of this device is not known')
    return this.#key
  }

  get address(): Address {
    const [address, ...others] = this.channel.addresses()
    if (address === undefined || others.length > 0) throw new Error('the device has not just one address')
    return address
  }

  /** Signals that were heard and not taken. */
  get unheard(): number {
    return this.#heard.length
  }

  async next(): Promise<IncomingSignal> {
    await this.until(() => this.#heard.length > 0)
    return this.#heard.shift() as IncomingSignal
  }

  /** Looks again whenever the channel says that something came or changed. */
  async until(isTrue: () => boolean): Promise<void> {
    while (!isTrue()) await new Promise<void>((resolve) => this.#wakeups.add(resolve))
  }

  #wake(): void {
    for (const wakeup of this.#wakeups) wakeup()
    this.#wakeups.clear()
  }
}
