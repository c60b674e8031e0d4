import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import type { IncomingDuplex, IncomingSignal, SignalKind } from '@dittofs/interface'
import { transportSuite } from '@dittofs/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { formatSdp } from '../src/sdp.ts'
import type { WebRtcTransportInit } from '../src/webrtc-transport.ts'
import { keyNumber, SignaledPair } from './signaled-pair.ts'

/** A GiB takes two minutes. */
const BULK_MEBIBYTES = process.env.DITTOFS_TEST_ALL === '1' ? 1_024 : 24

const pairs = new Map<object, SignaledPair>()

transportSuite('WebRTC over the loopback interface', {
  setup: async () => {
    const pair = new SignaledPair()
    const subject = {
      dialer: pair.alice,
      listener: pair.bob,
      hasPorts: false,
      nobody: async () => pair.nobody(),
    }
    pairs.set(subject, pair)
    return subject
  },
  teardown: async (subject) => pairs.get(subject)?.close(),
})

describe('webrtcTransport', () => {
  const pairOf = (init?: Partial<WebRtcTransportInit>): SignaledPair => {
    const pair = new SignaledPair(init)
    onTestFinished(() => pair.close())
    return pair
  }

  it('asks no server on the way unless one was named', async () => {
    const pair = pairOf()
    await pair.connect()
    const candidates = pair.signaling.carried.filter(({ signal }) => signal.kind === 'candidate')
    expect(candidates.length).toBeGreaterThan(0)
    for (const { signal } of candidates) expect(signal.body).not.toMatch(/srflx|relay/)
  })

  it('finds no devices by itself', async () => {
    const { alice } = pairOf()
    const discovering = alice.discover({ port: 0, announcement: () => expect.fail(), onSighting: () => expect.fail() })
    await expect(discovering).rejects.toMatchObject({ code: 'DITTO_UNSUPPORTED' })
  })

  it('has the addresses of its signal channel, and says when they change', async () => {
    let changed!: () => void
    const change = () => new Promise<void>((resolve) => (changed = resolve))
    const opened = change()
    const pair = pairOf({ onAddresses: () => changed() })
    const listener = await pair.bob.listen({ port: 0, onConnection: () => undefined })
    await opened
    expect(listener.addresses()).toEqual([`webrtc://${keyNumber(2)}@memory.invalid`])
    const down = change()
    pair.signaling.setUp(false)
    await down
    expect(listener.addresses()).toEqual([])
  })

  it('needs no signaling once a connection is there', async () => {
    const pair = pairOf()
    const { initiator, responder } = await pair.connect()
    pair.signaling.setUp(false)
    initiator.end('still here')
    expect(await readAll(responder)).toBe('still here')
  })

  it('leaves nothing open behind a connection that was closed', async () => {
    const pair = pairOf()
    const sockets = () => process.getActiveResourcesInfo().filter((name) => /^UDP/.test(name)).length
    // A handle is off the list a turn of the event loop after its `close`; those of other tests are not counted.
    await new Promise(setImmediate)
    const before = sockets()
    const { initiator, responder } = await pair.connect()
    expect(sockets()).toBeGreaterThan(before)
    initiator.resume().end()
    responder.resume().end()
    await Promise.all([closed(initiator), closed(responder)])
    await pair.close()
    await new Promise(setImmediate)
    expect(sockets()).toBe(before)
  })

  it('refuses to dial or listen after it was closed', async () => {
    const pair = pairOf()
    await pair.alice.close()
    await expect(pair.alice.dial(pair.nobody())).rejects.toMatchObject({ code: 'DITTO_CLOSED' })
    await expect(pair.alice.listen({ port: 0, onConnection: () => expect.fail() })).rejects.toMatchObject({
      code: 'DITTO_CLOSED',
    })
  })

  it('ends its connections when it is closed', async () => {
    const pair = pairOf()
    const { initiator, responder } = await pair.connect()
    const both = Promise.all([closed(initiator.resume()), closed(responder.resume())])
    await pair.alice.close()
    await both
  })

  describe('a busy connection', () => {
    it('is spread over further associations, in both directions and in order', async () => {
      const pair = pairOf({ associations: 3, widenAfterBytes: 64 * 1024 })
      const { initiator, responder } = await pair.connect()
      const mebibyte = randomBytes(1024 * 1024)
      for (const [from, to] of [
        [initiator, responder],
        [responder, initiator],
      ] as const) {
        const received: Buffer[] = []
        let bytes = 0
        to.on('data', (chunk: Buffer) => {
          received.push(chunk)
          bytes += chunk.length
        })
        let sent = 0
        while (from.laneCount < 3 || sent < 4) {
          sent++
          if (!from.write(mebibyte)) await once(from, 'drain')
        }
        while (bytes < sent * mebibyte.length) await once(to, 'data')
        expect(received.length).toBeGreaterThan(0)
        expect(Buffer.concat(received).equals(Buffer.concat(Array.from({ length: sent }, () => mebibyte)))).toBe(true)
      }
      expect([initiator.laneCount, responder.laneCount]).toEqual([3, 3])
    })

    it('goes on with one where further ones cannot be made', async () => {
      const pair = pairOf({ associations: 2, widenAfterBytes: 64 * 1024 })
      const { initiator, responder } = await pair.connect()
      pair.signaling.setUp(false)
      initiator.end(Buffer.alloc(2 * 1024 * 1024, 1))
      expect((await readAll(responder)).length).toBe(2 * 1024 * 1024)
      expect(responder.laneCount).toBe(1)
    })

    it(`needs no more memory for ${BULK_MEBIBYTES} MiB than for its window`, async () => {
      const pair = pairOf()
      const { initiator, responder } = await pair.connect()
      const mebibyte = Buffer.alloc(1024 * 1024, 7)
      let received = 0
      responder.on('data', (bytes: Buffer) => {
        received += bytes.length
      })
      let warm = 0
      let peak = 0
      for (let sent = 0; sent < BULK_MEBIBYTES; sent++) {
        if (sent === 8) warm = process.memoryUsage().rss
        if (!initiator.write(mebibyte)) await once(initiator, 'drain')
        if (sent > 8) peak = Math.max(peak, process.memoryUsage().rss)
      }
      const ended = once(responder, 'end')
      initiator.end()
      await ended
      expect(received).toBe(BULK_MEBIBYTES * mebibyte.length)
      expect((peak - warm) / 1024 ** 2).toBeLessThan(100)
    }, 600_000)
  })

  describe('a hostile device', () => {
    const SESSION = '0f'.repeat(16)

    /** Bob listens; Mallory speaks to him in signals of her own making. */
    const besieged = async () => {
      const pair = pairOf({ connectTimeoutMs: 1_500 })
      const connections: IncomingDuplex[] = []
      const listener = await pair.bob.listen({ port: 0, onConnection: (incoming) => connections.push(incoming) })
      const bob = listener.addresses()[0]!
      const mallory = pair.signaling.channel(keyNumber(13))
      const heard: IncomingSignal[] = []
      const waiting: (() => void)[] = []
      mallory.open({
        onSignal: (signal) => {
          heard.push(signal)
          for (const wake of waiting.splice(0)) wake()
        },
        onChange: () => undefined,
      })
      onTestFinished(() => mallory.close())
      const send = (kind: SignalKind, body: string, session = SESSION) => mallory.send(bob, { session, kind, body })
      const hear = async (count: number, kind: SignalKind) => {
        while (heard.filter((signal) => signal.kind === kind).length < count) {
          await new Promise<void>((resolve) => waiting.push(resolve))
        }
        return heard.filter((signal) => signal.kind === kind)
      }
      /** Whether Bob still serves others. */
      const isWell = async () => {
        const initiator = await pair.alice.dial(bob)
        initiator.destroy()
        return connections.length > 0
      }
      const connect = async () => {
        const initiator = await pair.alice.dial(bob)
        return { initiator, responder: connections.at(-1)!.duplex }
      }
      return { pair, send, hear, heard, isWell, connect }
    }
    const offer = formatSdp({
      mid: '0',
      iceUfrag: 'abcd',
      icePassword: 'a'.repeat(22),
      fingerprint: Array.from({ length: 32 }, () => 'AB').join(':'),
      setup: 'actpass',
      sctpPort: 5_000,
      maxMessageBytes: 16_384,
    })

    it.each([
      ['is empty', ''],
      ['is only begun', 'v=0'],
      ['asks for a restart of nothing', 'restart'],
      ['is for audio', 'v=0\r\nm=audio 9 RTP/AVP 0\r\n'],
      ['is JSON', '{}'],
      ['has thousands of lines', `v=0\r\n${'a=x\r\n'.repeat(2_000)}`],
    ])('is told that its offer came to nothing when it %s', async (_, body) => {
      const { send, hear, isWell } = await besieged()
      await send('offer', body)
      expect(await hear(1, 'end')).toMatchObject([{ session: SESSION }])
      expect(await isWell()).toBe(true)
    })

    it('gets no connection by candidates that are garbage', async () => {
      const { send, hear, isWell } = await besieged()
      await send('offer', offer)
      for (const body of ['', '{}', 'candidate:', '{"candidate":"1 1 udp 1 printer.local 9 typ host"}']) {
        await send('candidate', body)
      }
      expect(await hear(1, 'end')).toMatchObject([{ session: SESSION }])
      expect(await isWell()).toBe(true)
    })

    it('is given up in time when it offers and then says nothing', async () => {
      const { send, hear, heard, isWell } = await besieged()
      await send('offer', offer)
      await hear(1, 'end')
      expect(heard.map(({ kind }) => kind)).toContain('answer')
      expect(await isWell()).toBe(true)
    })

    it('cannot take all places with a flood of offers', async () => {
      const { send, hear, heard, isWell } = await besieged()
      for (let i = 0; i < 100; i++) await send('offer', offer, i.toString(16).padStart(32, '0'))
      await hear(100 - 24, 'end')
      expect(await isWell()).toBe(true)
      await hear(100, 'end')
      expect(heard.filter(({ kind }) => kind === 'answer').length).toBeLessThanOrEqual(24)
    })

    it('is not heard when its answer, candidate or end names no offer', async () => {
      const { send, heard, isWell } = await besieged()
      await send('answer', offer)
      await send('candidate', '{"candidate":""}')
      await send('end', '')
      expect(await isWell()).toBe(true)
      expect(heard).toEqual([])
    })

    it('cannot speak in a session of somebody else', async () => {
      const { pair, send, connect } = await besieged()
      const { initiator, responder } = await connect()
      const { session } = pair.signaling.carried[0]!.signal
      for (const kind of ['offer', 'answer', 'candidate', 'end'] as const) await send(kind, '', session)
      initiator.end('unharmed')
      expect(await readAll(responder)).toBe('unharmed')
    })
  })
})

function closed(duplex: Duplex): Promise<void> {
  return new Promise((resolve) => (duplex.closed ? resolve() : void duplex.once('close', resolve)))
}

/** Reads to the end, as text. */
function readAll(duplex: Duplex): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    duplex.on('data', (chunk: Buffer) => chunks.push(chunk))
    duplex.once('end', () => resolve(Buffer.concat(chunks).toString('latin1')))
    duplex.once('close', () => reject(new Error('closed before its end')))
  })
}
