import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type BusMessage, decodeBusMessage, encodeBusMessage } from '../src/bus-message.ts'
import { sealedSample } from './support/raw-device.ts'

const from = new Uint8Array(32).fill(9)

describe('decodeBusMessage', () => {
  it.each<[string, BusMessage]>([
    ['a signal', { type: 'deliver', from, sealed: sealedSample() }],
    ['the longest signal', { type: 'deliver', from, sealed: sealedSample(16_176) }],
    ['a claim', { type: 'claim', instance: 'ab'.repeat(16) }],
  ])('reads back %s', (_, message) => {
    const decoded = decodeBusMessage(encodeBusMessage(message))
    expect(decoded?.type).toBe(message.type)
    if (decoded?.type === 'deliver' && message.type === 'deliver') {
      expect(Buffer.from(decoded.from).equals(message.from)).toBe(true)
      expect(Buffer.from(decoded.sealed).equals(message.sealed)).toBe(true)
    } else expect(decoded).toEqual(message)
  })

  it('skips what no device could take, so that a stray message ends nothing', () => {
    expect(decodeBusMessage(encodeBusMessage({ type: 'deliver', from, sealed: sealedSample(303) }))).toBeUndefined()
    expect(decodeBusMessage(encodeBusMessage({ type: 'deliver', from, sealed: sealedSample(16_177) }))).toBeUndefined()
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        decodeBusMessage(Buffer.from(bytes))
      }),
    )
  })
})
