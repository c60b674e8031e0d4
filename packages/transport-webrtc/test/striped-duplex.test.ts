import { describe, expect, it } from 'vitest'
import type { Lane, LaneListener } from '../src/lane.ts'
import { allocateData, decodeLaneMessage, encodeCredit, encodeEnd, encodeHello } from '../src/lane-message.ts'
import { MAX_LANE_QUEUE_BYTES, StripedDuplex } from '../src/striped-duplex.ts'

/** A lane whose other end the test plays. */
class RecordingLane implements Lane {
  maxMessageBytes = 16 * 1024
  queuedBytes = 0
  listener: LaneListener | undefined
  readonly sent: Buffer[] = []
  closedGracefully: boolean | undefined

  send(message: Buffer): void {
    this.sent.push(message)
  }

  async close(isGraceful: boolean): Promise<void> {
    this.closedGracefully = isGraceful
  }

  receive(message: Buffer): void {
    this.listener!.onMessage(message)
  }

  /** The payloads sent so far, with their numbers. */
  data(): { number: number; payload: Buffer }[] {
    return this.sent.flatMap((bytes) => {
      const message = decodeLaneMessage(bytes)
      return message.type === 'data' ? [message] : []
    })
  }
}

function duplexOver(count: number): { duplex: StripedDuplex; lanes: RecordingLane[] } {
  const lanes = Array.from({ length: count }, () => new RecordingLane())
  const duplex = new StripedDuplex({ window: { bytes: 64 * 1024, messages: 32 } })
  for (const lane of lanes) duplex.addLane(lane)
  return { duplex, lanes }
}

function data(number: number, text: string): Buffer {
  const message = allocateData(number, text.length)
  message.write(text, 7)
  return message
}

const event = (duplex: StripedDuplex, name: string) => new Promise<unknown>((resolve) => duplex.once(name, resolve))

describe('StripedDuplex', () => {
  it('gives its credit at once and sends nothing before it has credit itself', () => {
    const { duplex, lanes } = duplexOver(1)
    duplex.write('waits')
    expect(lanes[0]!.sent).toEqual([encodeCredit(64 * 1024, 32)])
    lanes[0]!.receive(encodeCredit(3, 32))
    expect(lanes[0]!.data()).toEqual([{ type: 'data', number: 0, payload: Buffer.from('wai') }])
    lanes[0]!.receive(encodeCredit(100, 32))
    expect(lanes[0]!.data()[1]).toMatchObject({ number: 1, payload: Buffer.from('ts') })
  })

  it('cuts what is longer than a message, at the limit of the lane', () => {
    const { duplex, lanes } = duplexOver(1)
    lanes[0]!.maxMessageBytes = 1_024
    lanes[0]!.receive(encodeCredit(10_000, 32))
    duplex.write(Buffer.alloc(3_000, 1))
    expect(lanes[0]!.sent.slice(1).map(({ length }) => length)).toEqual([1_024, 1_024, 973])
  })

  it('joins small writes that had to wait', () => {
    const { duplex, lanes } = duplexOver(1)
    for (const text of ['a', 'b', 'c', 'd']) duplex.write(text)
    lanes[0]!.receive(encodeCredit(100, 32))
    // The first was under way alone before the others came.
    return new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
      expect(lanes[0]!.data().map(({ payload }) => payload.toString())).toEqual(['a', 'bcd'])
    })
  })

  it('stops at the number of messages it may send, too', () => {
    const { duplex, lanes } = duplexOver(1)
    lanes[0]!.maxMessageBytes = 8
    lanes[0]!.receive(encodeCredit(1_000, 2))
    duplex.write('abc')
    expect(lanes[0]!.data()).toHaveLength(2)
  })

  it('uses the lane with the shortest queue, and none that is full', () => {
    const { duplex, lanes } = duplexOver(2)
    lanes[0]!.queuedBytes = 1
    lanes[0]!.receive(encodeCredit(10_000, 32))
    duplex.write('to the second')
    expect(lanes.map((lane) => lane.data().length)).toEqual([0, 1])
    for (const lane of lanes) lane.queuedBytes = MAX_LANE_QUEUE_BYTES
    duplex.write('waits')
    expect(lanes.map((lane) => lane.data().length)).toEqual([0, 1])
    lanes[0]!.queuedBytes = 0
    lanes[0]!.listener!.onRoom()
    expect(lanes.map((lane) => lane.data().length)).toEqual([1, 1])
  })

  it('puts what comes over several lanes in order', async () => {
    const { duplex, lanes } = duplexOver(2)
    lanes[1]!.receive(data(1, 'second'))
    lanes[0]!.receive(encodeEnd(2))
    lanes[0]!.receive(data(0, 'first '))
    const read: Buffer[] = []
    duplex.on('data', (bytes: Buffer) => read.push(bytes))
    await event(duplex, 'end')
    expect(Buffer.concat(read).toString()).toBe('first second')
  })

  it('gives no more credit while nobody reads', () => {
    const { duplex, lanes } = duplexOver(1)
    const full = 'x'.repeat(16 * 1024 - 7)
    for (let number = 0; number < 4; number++) lanes[0]!.receive(data(number, full))
    expect(lanes[0]!.sent).toHaveLength(1)
    duplex.resume()
    return event(duplex, 'data').then(() => expect(lanes[0]!.sent.length).toBeGreaterThan(1))
  })

  it.each([
    ['more than it may', [0, 1, 2, 3, 4].map((number) => data(number, 'x'.repeat(16_000)))],
    ['a message twice', [data(0, 'a'), data(0, 'a')]],
    ['a second hello', [encodeHello(0, '00'.repeat(16))]],
    ['garbage', [Buffer.from('garbage')]],
  ])('ends with a protocol error when the other side sends %s', async (_, messages) => {
    const { duplex, lanes } = duplexOver(2)
    const failed = event(duplex, 'error')
    for (const message of messages) lanes[0]!.listener?.onMessage(message)
    expect(await failed).toMatchObject({ code: 'DITTO_PROTOCOL' })
    expect(lanes.map(({ closedGracefully }) => closedGracefully)).toEqual([false, false])
  })

  it('is cut when one of its lanes is lost, and drops the others', async () => {
    const { duplex, lanes } = duplexOver(2)
    const closed = event(duplex, 'close')
    lanes[1]!.listener!.onClose()
    await closed
    expect(lanes[0]!.closedGracefully).toBe(false)
  })

  it('lets what was said before the loss be read when all of it is there', async () => {
    const { duplex, lanes } = duplexOver(1)
    lanes[0]!.receive(data(0, 'last words'))
    lanes[0]!.receive(encodeEnd(1))
    lanes[0]!.listener!.onClose()
    const closed = event(duplex, 'close')
    duplex.write('to nobody')
    expect(String(await event(duplex.resume(), 'data'))).toBe('last words')
    await closed
    expect(duplex.destroyed).toBe(true)
  })

  it('closes its lanes gracefully after both sides have ended', async () => {
    const { duplex, lanes } = duplexOver(2)
    const closed = event(duplex, 'close')
    duplex.resume().end()
    lanes[0]!.receive(encodeEnd(0))
    await closed
    expect(lanes.map(({ closedGracefully }) => closedGracefully)).toEqual([true, true])
  })

  it('drops its lanes at once when it is destroyed with an error', () => {
    const { duplex, lanes } = duplexOver(1)
    duplex.destroy(new Error('pulled'))
    expect(lanes[0]!.closedGracefully).toBe(false)
    const late = new RecordingLane()
    duplex.addLane(late)
    expect(late.closedGracefully).toBe(false)
  })
})
