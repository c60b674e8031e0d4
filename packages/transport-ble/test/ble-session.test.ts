import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { type Clock, systemClock } from '@dittofs/interface'
import { turnClock } from '@dittofs/testing'
import fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import { BleSession, MAX_STREAMS } from '../src/ble-session.ts'
import type { BleStream } from '../src/ble-stream.ts'
import { decodePdu, encodePdu, MAX_OUTSTANDING_PDUS, type Pdu } from '../src/pdu.ts'
import { MemoryPipe } from './support/memory-air.ts'

interface Pair {
  readonly clock: Clock
  readonly central: BleSession
  readonly peripheral: BleSession
  readonly pipes: readonly [MemoryPipe, MemoryPipe]
  readonly incoming: BleStream[]
  readonly ends: string[]
}

function pairOf(options: { speed?: number; refuse?: boolean; maxPduBytes?: number } = {}): Pair {
  const clock = options.speed === undefined ? systemClock : turnClock(options.speed)
  const pipes = MemoryPipe.pair(options.maxPduBytes)
  const incoming: BleStream[] = []
  const ends: string[] = []
  const onEnd = (reason: string) => void ends.push(reason)
  const central = new BleSession({ pipe: pipes[0], clock, isCentral: true, onEnd })
  const peripheral = new BleSession({
    ...{ pipe: pipes[1], clock, isCentral: false, onEnd },
    onStream: (stream) => {
      if (options.refuse === true) return false
      incoming.push(stream)
      return true
    },
  })
  onTestFinished(() => {
    central.close()
    peripheral.close()
  })
  return { clock, central, peripheral, pipes, incoming, ends }
}

async function open({ central, incoming }: Pair): Promise<[BleStream, BleStream]> {
  const stream = central.open()!
  await stream.accepted
  return [stream, incoming.at(-1)!]
}

/** Unlike `once` it does not take an `error` for a failure. */
function closed(stream: BleStream): Promise<void> {
  return new Promise((resolve) => void stream.on('close', resolve))
}

/** Types of what went out of an end, counts left aside. */
function pdusOf(pipe: MemoryPipe): Pdu[] {
  return pipe.sent.map((bytes) => decodePdu(bytes)!).filter((pdu) => pdu.type !== 'count')
}

/** A peer that says whatever it likes to a session. */
function attack(isCentral: boolean, ...pdus: readonly (Pdu | Buffer)[]) {
  const [own, victim] = MemoryPipe.pair()
  const ends: string[] = []
  const streams: BleStream[] = []
  const session = new BleSession({
    ...{ pipe: victim, clock: systemClock, isCentral },
    onStream: (stream) => streams.push(stream) > 0,
    onEnd: (reason) => void ends.push(reason),
  })
  onTestFinished(() => session.close())
  const say = (...more: readonly (Pdu | Buffer)[]) => {
    for (const pdu of more) own.send(Buffer.isBuffer(pdu) ? pdu : encodePdu(pdu))
  }
  say(...pdus)
  return { session, ends, streams, say, own, victim }
}

describe('a session', () => {
  it('keeps no more than 64 PDUs under way, however much there is to send', async () => {
    const pair = pairOf()
    const [writer, reader] = await open(pair)
    let most = 0
    const send = pair.pipes[0].send.bind(pair.pipes[0])
    pair.pipes[0].send = (bytes) => {
      send(bytes)
      most = Math.max(most, pair.pipes[0].inFlight.filter((pdu) => pdu[0] !== 0x10).length)
    }
    const bytes = Buffer.alloc(500_000, 'abcdefg')
    writer.end(bytes)
    const hash = createHash('sha256')
    for await (const data of reader) hash.update(data as Buffer)
    expect(hash.digest('hex')).toBe(createHash('sha256').update(bytes).digest('hex'))
    expect(most).toBeGreaterThan(MAX_OUTSTANDING_PDUS / 2)
    expect(most).toBeLessThanOrEqual(MAX_OUTSTANDING_PDUS)
  })

  it('lets a stream whose reader has stopped hold up no other', async () => {
    const pair = pairOf()
    const [stuck] = await open(pair)
    stuck.write(Buffer.alloc(1_000_000))
    const [free, reader] = await open(pair)
    free.end(Buffer.alloc(200_000, 1))
    let bytes = 0
    for await (const data of reader) bytes += (data as Buffer).length
    expect(bytes).toBe(200_000)
  })

  it('takes turns between streams', async () => {
    const pair = pairOf()
    const [first, firstReader] = await open(pair)
    const [second, secondReader] = await open(pair)
    const order: number[] = []
    firstReader.on('data', () => order.push(1))
    secondReader.on('data', () => order.push(2))
    first.end(Buffer.alloc(100_000))
    second.end(Buffer.alloc(100_000))
    await Promise.all([once(firstReader, 'end'), once(secondReader, 'end')])
    const firstHalf = order.slice(0, order.length / 2).filter((stream) => stream === 1).length
    expect(firstHalf / order.length).toBeGreaterThan(0.15)
    expect(firstHalf / order.length).toBeLessThan(0.4)
  })

  it('fills PDUs to the size that the connection carries, whatever it is', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 20, max: 512 }), fc.integer({ min: 1, max: 3_000 }), async (size, length) => {
        const pair = pairOf({ maxPduBytes: size })
        const [writer, reader] = await open(pair)
        writer.end(Buffer.alloc(length, 7))
        let received = 0
        for await (const data of reader) received += (data as Buffer).length
        expect(received).toBe(length)
        const data = pdusOf(pair.pipes[0]).filter(({ type }) => type === 'data')
        expect(data).toHaveLength(Math.ceil(length / (size - 3)))
      }),
      { numRuns: 30 },
    )
  })

  it('notices within seconds a peer that says nothing any more, and cuts its streams', async () => {
    const pair = pairOf({ speed: 50 })
    const [stream] = await open(pair)
    pair.pipes[1].isConnected = false
    await closed(stream)
    expect(pair.ends).toContain('The other side has fallen silent.')
  })

  it('lives as long as both do, though nothing is said', async () => {
    const pair = pairOf({ speed: 200 })
    const [stream] = await open(pair)
    await pair.clock.sleep(60_000)
    expect([stream.destroyed, pair.central.hasEnded]).toEqual([false, false])
  })

  it('ends when a PDU was lost on the way, instead of waiting for it', async () => {
    const pair = pairOf({ speed: 20 })
    const [stream, reader] = await open(pair)
    reader.resume()
    const send = pair.pipes[0].send.bind(pair.pipes[0])
    let dropped = 0
    pair.pipes[0].send = (bytes) => {
      if (bytes[0] === 0x03 && dropped++ === 0) return
      send(bytes)
    }
    stream.write(Buffer.alloc(100))
    await closed(reader)
    expect(pair.ends.join(' ')).toMatch(/lost/)
  })

  it('tells the dialer that a stream is refused', async () => {
    const { central } = pairOf({ refuse: true })
    await expect(central.open()!.accepted).rejects.toThrow(/cut/)
    expect(central.hasEnded).toBe(false)
  })

  it(`opens ${MAX_STREAMS} streams and no more, until one is over`, async () => {
    const pair = pairOf()
    const streams = Array.from({ length: MAX_STREAMS }, () => pair.central.open()!)
    expect(pair.central.open()).toBeUndefined()
    await Promise.all(streams.map((stream) => stream.accepted))
    streams[0]!.destroy()
    await expect.poll(() => pair.central.open()).toBeDefined()
  })

  it('is quiet only once all that it sent has arrived', async () => {
    const pair = pairOf({ speed: 20 })
    const [stream, other] = await open(pair)
    other.resume().end()
    stream.resume().end(Buffer.from('last words'))
    await Promise.all([closed(stream), closed(other)])
    await expect.poll(() => [pair.central.isQuiet, pair.peripheral.isQuiet]).toEqual([true, true])
  })
})

describe('a hostile peer', () => {
  const open1: Pdu = { type: 'open', stream: 1 }
  const data: Pdu = { type: 'data', stream: 1, bytes: Buffer.from('x') }

  const fullPdu: Pdu = { type: 'data', stream: 1, bytes: Buffer.alloc(250) }

  it.each([
    ['bytes that are no PDU', false, [Buffer.from('ff', 'hex')]],
    ['a stream opened twice', false, [open1, open1]],
    ['streams opened out of order', false, [{ type: 'open', stream: 2 }, open1]],
    ['a stream that the peripheral opens', true, [open1]],
    ['data for a stream that never was', false, [data]],
    ['an accept by the central', false, [open1, { type: 'accept', stream: 1 }]],
    ['data after the end', false, [open1, { type: 'end', stream: 1 }, data]],
    ['two ends', false, [open1, { type: 'end', stream: 1 }, { type: 'end', stream: 1 }]],
    ['more data than there is credit for', false, [open1, ...Array<Pdu>(200).fill(fullPdu)]],
    ['credits that were never spent', false, [open1, { type: 'credit', stream: 1, count: 64 }]],
    ['a count of what was never sent', false, [{ type: 'count', sent: 0, received: 5 }]],
    ['a count that does not fit', false, [{ type: 'count', sent: 7, received: 0 }]],
  ] satisfies [string, boolean, (Pdu | Buffer)[]][])('is cut off for %s', async (_, isCentral, pdus) => {
    const { ends, streams, victim } = attack(isCentral, ...pdus)
    await expect.poll(() => ends).toHaveLength(1)
    expect(ends[0]).toMatch(/may not be/)
    expect(victim.isClosed).toBe(true)
    for (const stream of streams) expect(stream.destroyed).toBe(true)
  })

  it('that opens streams without end is refused, and then cut off', async () => {
    const { ends, streams, say } = attack(false)
    for (let stream = 1; stream <= 1_000; stream++) say({ type: 'open', stream })
    await expect.poll(() => ends).toHaveLength(1)
    expect(streams).toHaveLength(MAX_STREAMS)
  })

  it('that takes nothing leaves no more than 64 PDUs and one write waiting', async () => {
    const { streams, own, victim } = attack(false, { type: 'open', stream: 1 })
    await expect.poll(() => streams).toHaveLength(1)
    const stream = streams[0]!
    while (stream.write(Buffer.alloc(4_096))) await new Promise(setImmediate)
    await new Promise(setImmediate)
    expect(victim.sent.filter((bytes) => bytes[0] !== 0x10)).toHaveLength(MAX_OUTSTANDING_PDUS)
    expect(stream.writableLength).toBeLessThan(64 * 1024)
    own.close()
  })

  it('gets nothing but an end of the connection for any sequence of PDUs', async () => {
    const stream = fc.integer({ min: 1, max: 4 })
    const pdu: fc.Arbitrary<Pdu> = fc.oneof(
      fc.record({ type: fc.constantFrom('open', 'accept', 'end', 'reset'), stream }),
      fc.record({ type: fc.constant('data' as const), stream, bytes: fc.uint8Array({ minLength: 1, maxLength: 20 }) }),
      fc.record({ type: fc.constant('credit' as const), stream, count: fc.integer({ min: 1, max: 64 }) }),
      fc.record({ type: fc.constant('count' as const), sent: fc.nat(20), received: fc.nat(20) }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(pdu, { maxLength: 40 }), fc.boolean(), async (pdus, isCentral) => {
        const { session, streams, say } = attack(isCentral)
        if (isCentral) session.open()
        say(...pdus)
        await new Promise(setImmediate)
        await new Promise(setImmediate)
        for (const one of streams) expect(one.readableLength).toBeLessThanOrEqual(20 * MAX_OUTSTANDING_PDUS)
        session.close()
        await new Promise(setImmediate)
        for (const one of streams) expect(one.destroyed || one.closed).toBe(true)
      }),
      { numRuns: 300 },
    )
  })
})
