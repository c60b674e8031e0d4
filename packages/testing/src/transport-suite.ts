import { createHash } from 'node:crypto'
import type { Duplex } from 'node:stream'
import type { Address, IncomingDuplex, Listener, Transport } from '@dittofs/interface'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

/** What the suite needs of an implementation. */
export interface TransportSubject {
  /** The side that dials, and the one that listens; they may be the same object. */
  readonly dialer: Transport
  readonly listener: Transport
  /** Where to listen; every interface when absent. */
  readonly host?: string
  /** Whether an address ends in the port that was listened at. Default true; without, one may listen once at a time. */
  readonly hasPorts?: boolean
  /** An address of the transport at which nobody listens. */
  nobody(): Promise<Address>
  /** An address at which a dial neither succeeds nor fails for a while, where the transport can have one. */
  silence?(): Promise<Address>
}

export interface TransportSuiteInit {
  setup: () => Promise<TransportSubject>
  teardown?: (subject: TransportSubject) => Promise<void>
}

/** Sizes of one write at which transports go wrong, and why. */
const BOUNDARY_SIZES: readonly { readonly bytes: number; readonly reason: string }[] = [
  { bytes: 1, reason: 'the smallest write' },
  { bytes: 160, reason: 'a knock' },
  { bytes: 1_460, reason: 'the payload of one TCP segment on Ethernet' },
  { bytes: 1_461, reason: 'one byte more than a segment' },
  { bytes: 16_383, reason: 'one byte less than the default buffer of a stream and a TLS record' },
  { bytes: 16_384, reason: 'exactly the default buffer of a stream and a TLS record' },
  { bytes: 16_385, reason: 'one byte more than that' },
  { bytes: 65_535, reason: 'the largest length of 16 bits' },
  { bytes: 65_536, reason: 'one byte more; a chunk' },
  { bytes: 1_048_581, reason: 'the largest frame with its header' },
]

/** One side may take at most this much from a writer while the other does not read: kernel buffers included. */
const MAX_BUFFERED_BYTES = 24 * 1024 * 1024
/** Where bytes are slow they are not kept by the megabyte either. */
const MAX_SLOW_BUFFERED_BYTES = 512 * 1024

/** What every implementation of `Transport` does, whatever carries its bytes. */
export function transportSuite(name: string, init: TransportSuiteInit): void {
  describe(`transport: ${name}`, () => {
    let subject: TransportSubject
    let listeners: Listener[]
    let duplexes: Duplex[]

    beforeEach(async () => {
      subject = await init.setup()
      listeners = []
      duplexes = []
    })

    afterEach(async () => {
      for (const duplex of duplexes) duplex.destroy()
      await Promise.all(listeners.map((listener) => listener.close()))
      await init.teardown?.(subject)
    })

    const listen = async (onConnection: (incoming: IncomingDuplex) => void, port = 0): Promise<Listener> => {
      const listener = await subject.listener.listen({
        port,
        ...(subject.host === undefined ? {} : { host: subject.host }),
        onConnection: (incoming) => {
          duplexes.push(incoming.duplex)
          onConnection(incoming)
        },
      })
      listeners.push(listener)
      return listener
    }
    const dial = async (listener: Listener): Promise<Duplex> => {
      const duplex = await subject.dialer.dial(listener.addresses()[0]!)
      duplexes.push(duplex)
      return duplex
    }
    const connect = async () => {
      let accepted!: (incoming: IncomingDuplex) => void
      const incoming = new Promise<IncomingDuplex>((resolve) => {
        accepted = resolve
      })
      const listener = await listen(accepted)
      const initiator = await dial(listener)
      const { duplex: responder, remote } = await incoming
      return { listener, initiator, responder, remote }
    }

    /** The port of an address; where there are none, any port is the same one. */
    const portOf = (address: Address): number => Number(/:(\d+)$/.exec(address)?.[1] ?? 0)

    it('names its addresses by its own scheme, each with the port really bound', async () => {
      const { listener, remote } = await connect()
      expect(listener.addresses().length).toBeGreaterThan(0)
      for (const address of [...listener.addresses(), remote]) {
        expect(address.startsWith(`${subject.listener.name}://`)).toBe(true)
      }
      if (subject.hasPorts === false) return
      for (const address of listener.addresses()) expect(address).toMatch(/:[1-9]\d*$/)
    })

    it.each(BOUNDARY_SIZES)('carries $bytes bytes written at once, both ways ($reason)', async ({ bytes }) => {
      const { initiator, responder } = await connect()
      const there = pattern(bytes, 1)
      const back = pattern(bytes, 2)
      initiator.end(there)
      responder.end(back)
      const [atResponder, atInitiator] = await Promise.all([readAll(responder), readAll(initiator)])
      expect(atResponder.equals(there)).toBe(true)
      expect(atInitiator.equals(back)).toBe(true)
    })

    it('gives Buffers, never strings', async () => {
      const { initiator, responder } = await connect()
      initiator.write(Buffer.from('bytes'))
      const bytes = await seen(responder, 'data')
      expect(Buffer.isBuffer(bytes)).toBe(true)
    })

    describe('half-close', () => {
      it.each(['initiator', 'responder'] as const)('the %s may end and still receive', async (first) => {
        const ends = await connect()
        const ending = ends[first]
        const other = first === 'initiator' ? ends.responder : ends.initiator
        ending.end(Buffer.from('the question'))
        expect((await readAll(other)).toString()).toBe('the question')
        other.end(Buffer.from('the answer'))
        expect((await readAll(ending)).toString()).toBe('the answer')
      })

      it('closes both sides once both have ended', async () => {
        const { initiator, responder } = await connect()
        const closed = Promise.all([seen(initiator, 'close'), seen(responder, 'close')])
        initiator.end()
        responder.end()
        initiator.resume()
        responder.resume()
        await closed
        expect([initiator.destroyed, responder.destroyed]).toEqual([true, true])
      })
    })

    describe('backpressure', () => {
      it.each(['initiator', 'responder'] as const)(
        'holds the %s back while the other does not read, then carries everything in order',
        async (from) => {
          const ends = await connect()
          const writer = ends[from]
          const reader = from === 'initiator' ? ends.responder : ends.initiator
          const limit = subject.dialer.capabilities.isSlow ? MAX_SLOW_BUFFERED_BYTES : MAX_BUFFERED_BYTES
          const total = 2 * limit
          const chunk = pattern(256 * 1024, 3)
          const sent = createHash('sha256')
          let accepted = 0
          const writing = (async () => {
            while (accepted < total) {
              chunk.writeUInt32BE(accepted / chunk.length)
              sent.update(chunk)
              accepted += chunk.length
              if (!writer.write(Buffer.from(chunk))) await seen(writer, 'drain')
            }
            writer.end()
          })()
          await unchanged(() => accepted)
          expect(accepted).toBeLessThan(limit)
          expect(writer.writableLength).toBeLessThanOrEqual(writer.writableHighWaterMark + chunk.length)
          expect(reader.readableLength).toBeLessThanOrEqual(reader.readableHighWaterMark + chunk.length)

          const received = createHash('sha256')
          for await (const bytes of reader) received.update(bytes as Buffer)
          await writing
          expect(received.digest('hex')).toBe(sent.digest('hex'))
        },
      )

      it('does not let one direction wait for the other', async () => {
        const { initiator, responder } = await connect()
        const blocked = pattern(64 * 1024, 4)
        for (let i = 0; i < 1_000 && initiator.write(blocked); i++) await new Promise(setImmediate)
        responder.end(Buffer.from('free'))
        expect((await readAll(initiator)).toString()).toBe('free')
      })
    })

    describe('concurrency', () => {
      it('keeps 1,000 messages written at once whole and in order, both ways', async () => {
        const { initiator, responder } = await connect()
        const messages = Array.from({ length: 1_000 }, (_, i) => pattern(1 + ((i * 7919) % 3_000), i))
        const expected = Buffer.concat(messages)
        for (const duplex of [initiator, responder]) {
          for (const message of messages) duplex.write(message)
          duplex.end()
        }
        const received = await Promise.all([readAll(initiator), readAll(responder)])
        expect(received.map((bytes) => bytes.equals(expected))).toEqual([true, true])
      })

      it('carries 100 connections side by side without mixing them', async () => {
        const listener = await listen(({ duplex }) => void duplex.pipe(duplex))
        const answers = await Promise.all(
          Array.from({ length: 100 }, async (_, i) => {
            const duplex = await dial(listener)
            duplex.end(Buffer.from(`connection ${i}`))
            return (await readAll(duplex)).toString()
          }),
        )
        expect(answers).toEqual(Array.from({ length: 100 }, (_, i) => `connection ${i}`))
      })
    })

    describe('sudden death', () => {
      it.each(['initiator', 'responder'] as const)('of the %s is noticed by the other', async (dying) => {
        const ends = await connect()
        const survivor = dying === 'initiator' ? ends.responder : ends.initiator
        survivor.resume()
        const gone = seen(survivor, 'end', 'close')
        ends[dying].destroy(new Error('pulled'))
        await gone
        const closed = survivor.destroyed ? undefined : seen(survivor, 'close')
        survivor.end()
        await closed
        expect(survivor.destroyed).toBe(true)
      })

      it('in the middle of a transfer loses at most what came last, and hangs nobody', async () => {
        const { initiator, responder } = await connect()
        const chunk = pattern(64 * 1024, 5)
        let received = 0
        responder.on('data', (bytes: Buffer) => {
          for (let i = 0; i < bytes.length; i += 4_093) {
            expect(bytes[i]).toBe(chunk[(received + i) % chunk.length])
          }
          received += bytes.length
          if (received > 1024 * 1024) initiator.destroy(new Error('pulled'))
        })
        const closed = seen(responder, 'close', 'end')
        while (!initiator.destroyed) {
          if (!initiator.write(chunk)) await seen(initiator, 'drain', 'close')
        }
        await closed
        expect(received).toBeGreaterThan(1024 * 1024)
      })

      it('is no uncaught error where nobody listens for one', async () => {
        const { initiator, responder } = await connect()
        const closed = seen(initiator, 'close')
        responder.destroy(new Error('pulled'))
        const writing = setInterval(() => initiator.write(Buffer.from('into the void')), 1)
        await closed.finally(() => clearInterval(writing))
        expect(initiator.destroyed).toBe(true)
      })
    })

    describe('listen', () => {
      it('refuses a port that is taken', async () => {
        const first = await listen(() => undefined)
        const port = portOf(first.addresses()[0]!)
        await expect(listen(() => undefined, port)).rejects.toMatchObject({ code: 'DITTO_PORT_IN_USE' })
      })

      it('frees its port on close, and closing again does nothing', async () => {
        const first = await listen(() => undefined)
        const port = portOf(first.addresses()[0]!)
        await first.close()
        await first.close()
        const second = await listen(() => undefined, port)
        expect(second.addresses()).toEqual(first.addresses())
      })

      it('stops accepting on close while connections live on', async () => {
        const { listener, initiator, responder } = await connect()
        const [address] = listener.addresses()
        await listener.close()
        await expect(subject.dialer.dial(address!)).rejects.toMatchObject({ code: 'DITTO_PEER_UNREACHABLE' })
        initiator.end(Buffer.from('still here'))
        expect((await readAll(responder)).toString()).toBe('still here')
      })

      it('rejects with the reason of a signal that has been aborted', async () => {
        const reason = new Error('changed my mind')
        const listening = subject.listener.listen({
          port: 0,
          onConnection: () => undefined,
          signal: AbortSignal.abort(reason),
        })
        await expect(listening).rejects.toBe(reason)
      })
    })

    describe('dial', () => {
      it('says that nobody answers', async () => {
        await expect(subject.dialer.dial(await subject.nobody())).rejects.toMatchObject({
          code: 'DITTO_PEER_UNREACHABLE',
        })
      })

      it.each(['', 'nonsense', 'other://192.0.2.7:4100'])('refuses the address "%s"', async (address) => {
        await expect(subject.dialer.dial(address)).rejects.toMatchObject({ code: 'DITTO_USAGE' })
      })

      it('refuses an address of its own without a host or port', async () => {
        for (const rest of ['', 'host', 'host:', ':4100', 'host:port', 'host:70000', 'host:4100/path']) {
          const dialing = subject.dialer.dial(`${subject.dialer.name}://${rest}`)
          await expect(dialing, rest).rejects.toMatchObject({ code: 'DITTO_USAGE' })
        }
      })

      it('rejects with the reason of a signal aborted before', async () => {
        const { listener } = await connect()
        const reason = new Error('changed my mind')
        const dialing = subject.dialer.dial(listener.addresses()[0]!, { signal: AbortSignal.abort(reason) })
        await expect(dialing).rejects.toBe(reason)
      })

      it('rejects with the reason of a signal aborted during the dial', async () => {
        const address = subject.silence ? await subject.silence() : (await listen(() => undefined)).addresses()[0]!
        const reason = new Error('changed my mind')
        const controller = new AbortController()
        const dialing = subject.dialer.dial(address, { signal: controller.signal })
        queueMicrotask(() => controller.abort(reason))
        await expect(dialing).rejects.toBe(reason)
      })

      it('leaves the connection alone when the signal is aborted afterwards', async () => {
        const listener = await listen(({ duplex }) => void duplex.pipe(duplex))
        const controller = new AbortController()
        const duplex = await subject.dialer.dial(listener.addresses()[0]!, { signal: controller.signal })
        duplexes.push(duplex)
        controller.abort()
        duplex.end(Buffer.from('alive'))
        expect((await readAll(duplex)).toString()).toBe('alive')
      })
    })
  })
}

/** Resolves with what the first of the events carries. Unlike `once` it does not take an `error` for a failure. */
function seen(duplex: Duplex, ...events: readonly string[]): Promise<unknown> {
  return new Promise((resolve) => {
    const settle = (value: unknown) => {
      for (const event of events) duplex.off(event, settle)
      resolve(value)
    }
    for (const event of events) duplex.on(event, settle)
  })
}

/** Reads to the end. Iterating over a duplex would destroy it there, its writing half included. */
function readAll(duplex: Duplex): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    duplex.on('data', (chunk: Buffer) => chunks.push(chunk))
    duplex.once('end', () => resolve(Buffer.concat(chunks)))
    duplex.once('error', reject)
    duplex.once('close', () => reject(new Error('closed before its end')))
  })
}

/** `size` bytes that differ by place and by seed, so that a swap or a repeat shows. */
function pattern(size: number, seed: number): Buffer {
  const bytes = Buffer.alloc(size)
  for (let i = 0, x = (seed * 2_654_435_761) >>> 0; i < size; i++) {
    x = (Math.imul(x, 1_664_525) + 1_013_904_223) >>> 0
    bytes[i] = x >>> 24
  }
  return bytes
}

/** Resolves with a value once it has not changed for a while: there is no event for nothing happening. */
async function unchanged(read: () => number): Promise<number> {
  for (let value = read(), since = performance.now(); ; ) {
    await new Promise((resolve) => setTimeout(resolve, 10))
    if (read() !== value) {
      value = read()
      since = performance.now()
    } else if (performance.now() - since > 150) return value
  }
}
