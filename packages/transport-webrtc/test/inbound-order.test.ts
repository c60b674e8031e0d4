import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { InboundOrder } from '../src/inbound-order.ts'

const WINDOW = { bytes: 1_000, messages: 16 }
const protocolError: unknown = expect.objectContaining({ code: 'DITTO_PROTOCOL' })

/** An order that has given its first credit. */
function started(): InboundOrder {
  const order = new InboundOrder(WINDOW)
  expect(order.renewCredit()).toEqual(WINDOW)
  return order
}

describe('InboundOrder', () => {
  it('gives the messages of several lanes in the order of their numbers', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 16 }),
        fc.infiniteStream(fc.nat()),
        (laneOf, random) => {
          const order = started()
          const lanes = [0, 1, 2, 3].map((lane) => laneOf.flatMap((one, number) => (one === lane ? [number] : [])))
          const taken: number[] = []
          while (lanes.some((lane) => lane.length > 0)) {
            const busy = lanes.flatMap((lane, index) => (lane.length > 0 ? [index] : []))
            const lane = busy[(random.next().value as number) % busy.length]!
            const number = lanes[lane]!.shift()!
            order.receive(lane, number, Buffer.from([number]))
            for (let payload = order.take(); payload !== undefined; payload = order.take()) taken.push(payload[0]!)
          }
          expect(taken).toEqual(laneOf.map((_, number) => number))
        },
      ),
    )
  })

  it('holds a message back until those before it are there', () => {
    const order = started()
    order.receive(0, 1, Buffer.from('b'))
    expect(order.take()).toBeUndefined()
    order.receive(1, 0, Buffer.from('a'))
    expect([order.take(), order.take()].join('')).toBe('ab')
  })

  it('says when all is there and when all was taken', () => {
    const order = started()
    order.end(2)
    order.receive(1, 1, Buffer.from('b'))
    expect(order.isComplete).toBe(false)
    order.receive(0, 0, Buffer.from('a'))
    expect([order.isComplete, order.isTaken]).toEqual([true, false])
    order.take()
    order.take()
    expect(order.isTaken).toBe(true)
  })

  it('renews credit when a quarter of the window was taken, by bytes or by messages', () => {
    const order = started()
    order.receive(0, 0, Buffer.alloc(249))
    order.take()
    expect(order.renewCredit()).toBeUndefined()
    order.receive(0, 1, Buffer.alloc(1))
    order.take()
    expect(order.renewCredit()).toEqual({ bytes: 1_250, messages: 18 })
    for (let number = 2; number < 6; number++) order.receive(0, number, Buffer.alloc(1))
    for (let i = 0; i < 4; i++) order.take()
    expect(order.renewCredit()).toEqual({ bytes: 1_254, messages: 22 })
  })

  it('gives no credit for what was received and not taken', () => {
    const order = started()
    order.receive(0, 0, Buffer.alloc(1_000))
    expect(order.renewCredit()).toBeUndefined()
  })

  describe('refuses', () => {
    it('anything before credit was given', () => {
      expect(() => new InboundOrder(WINDOW).receive(0, 0, Buffer.from('a'))).toThrow(protocolError)
    })

    it('more bytes than the credit', () => {
      const order = started()
      order.receive(0, 0, Buffer.alloc(600))
      expect(() => order.receive(1, 1, Buffer.alloc(401))).toThrow(protocolError)
    })

    it('more messages than the credit, which gaps cannot get around', () => {
      expect(() => started().receive(0, 16, Buffer.from('a'))).toThrow(protocolError)
    })

    it('a message twice, in one lane or in two', () => {
      const order = started()
      order.receive(0, 0, Buffer.from('a'))
      expect(() => order.receive(0, 0, Buffer.from('a'))).toThrow(protocolError)
      order.receive(1, 0, Buffer.from('a'))
      expect(order.take()).toEqual(Buffer.from('a'))
      expect(() => order.take()).toThrow(protocolError)
      expect(() => order.receive(2, 0, Buffer.from('a'))).toThrow(protocolError)
    })

    it('an end before messages that came, a second end, and messages behind it', () => {
      const order = started()
      order.receive(0, 3, Buffer.from('d'))
      expect(() => order.end(3)).toThrow(protocolError)
      order.end(5)
      expect(() => order.end(5)).toThrow(protocolError)
      expect(() => order.receive(0, 5, Buffer.from('f'))).toThrow(protocolError)
    })
  })
})
