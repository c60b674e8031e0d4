import type { RemoteInfo } from 'node:dgram'
import { ManualClock } from '@dittofs/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { nextBeaconDelayMs } from '../../src/discovery/beacon-schedule.ts'
import { PacketGate } from '../../src/discovery/packet-gate.ts'
import { RecentSet } from '../../src/discovery/recent-set.ts'

describe('RecentSet', () => {
  it('remembers the last keys and no more', () => {
    const recent = new RecentSet(2)
    expect(['a', 'b', 'a', 'c'].map((key) => recent.add(key))).toEqual([true, true, false, true])
    expect(['a', 'b', 'c'].map((key) => recent.has(key))).toEqual([true, false, true])
  })
})

describe('PacketGate', () => {
  const from = (address: string): RemoteInfo => ({ address, family: 'IPv4', port: 1, size: 0 })
  const gate = () => {
    const gate = new PacketGate({ clock: new ManualClock(), perSecond: 200, burst: 400 })
    gate.setNeighbourhood((address) => address.startsWith('10.'))
    return gate
  }

  it('hears neighbours only, and nothing too long', () => {
    expect(gate().admits(Buffer.alloc(1_500), from('10.0.0.1'))).toBe(true)
    expect(gate().admits(Buffer.alloc(1_501), from('10.0.0.1'))).toBe(false)
    expect(gate().admits(Buffer.alloc(10), from('11.0.0.1'))).toBe(false)
    expect(
      new PacketGate({ clock: new ManualClock(), perSecond: 200, burst: 400 }).admits(
        Buffer.alloc(10),
        from('10.0.0.1'),
      ),
    ).toBe(false)
  })

  it('hears others while one neighbour floods', () => {
    const flooded = gate()
    const flood = Array.from({ length: 10_000 }, () => flooded.admits(Buffer.alloc(1), from('10.0.0.1')))
    expect(flood.filter(Boolean)).toHaveLength(40)
    expect(flooded.admits(Buffer.alloc(1), from('10.0.0.2'))).toBe(true)
  })

  it('parses a bounded number of packets however many addresses they claim to come from', () => {
    const flooded = gate()
    const admitted = Array.from({ length: 20_000 }, (_, i) =>
      flooded.admits(Buffer.alloc(1), from(`10.0.${i >> 8}.${i & 255}`)),
    )
    expect(admitted.filter(Boolean)).toHaveLength(400)
  })
})

describe('nextBeaconDelayMs', () => {
  it('is about 5 s during the first minute and settles at about 30 s', () => {
    expect([1, 12, 13, 16, 17, 1_000].map((sent) => nextBeaconDelayMs(sent, 0.5))).toEqual([
      5_000, 5_000, 7_500, 25_312.5, 30_000, 30_000,
    ])
  })

  it('always lies between 4 and 36 s', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1 }), fc.double({ min: 0, max: 1, noNaN: true }), (sent, random) => {
        const delayMs = nextBeaconDelayMs(sent, random)
        expect(delayMs).toBeGreaterThan(3_999)
        expect(delayMs).toBeLessThan(36_001)
      }),
    )
  })
})
