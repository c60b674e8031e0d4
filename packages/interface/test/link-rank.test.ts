import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareLinks, type RankedTransport, rankLink } from '../src/index.ts'

const FAST = { isMetered: false, isSlow: false }
const BLE = { isMetered: true, isSlow: true }

const transport: fc.Arbitrary<RankedTransport> = fc.record({
  name: fc.constantFrom('tcp', 'webrtc', 'ble', 'carrier-pigeon', 'memory'),
  isMetered: fc.boolean(),
  isSlow: fc.boolean(),
})

describe('rankLink', () => {
  it('puts TCP before WebRTC before what it does not know, and BLE last', () => {
    const ranks = [rankLink('tcp', FAST), rankLink('webrtc', FAST), rankLink('memory', FAST), rankLink('ble', BLE)]
    expect(ranks).toEqual([0, 1, 3, 14])
  })

  it('puts whatever is metered behind whatever is not', () => {
    fc.assert(
      fc.property(transport, transport, (first, second) => {
        fc.pre(first.isMetered && !second.isMetered)
        expect(rankLink(first.name, first)).toBeGreaterThan(rankLink(second.name, second))
      }),
    )
  })
})

describe('compareLinks', () => {
  it('is an order: the two ends cannot come to different answers', () => {
    fc.assert(
      fc.property(transport, transport, transport, (a, b, c) => {
        expect(Math.sign(compareLinks(a, b)) + Math.sign(compareLinks(b, a))).toBe(0)
        if (compareLinks(a, b) === 0) expect(a.name).toBe(b.name)
        if (compareLinks(a, b) < 0 && compareLinks(b, c) < 0) expect(compareLinks(a, c)).toBeLessThan(0)
      }),
    )
  })
})
