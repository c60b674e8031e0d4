import { type DeviceKey, deviceKey } from '@dittofs/interface'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type DialTarget, dialDelayMs, MAX_DIAL_DELAY_MS, MAX_DIALS, planDials } from '../../src/connector/dial-plan.ts'

const bob = deviceKey.parse('b'.repeat(64))
const target = (id: string, fields: Partial<DialTarget> = {}): DialTarget => ({
  id,
  transport: 'tcp',
  addresses: [`tcp://${id}:1`],
  device: undefined,
  isDialing: false,
  failures: 0,
  nextAt: 0,
  ...fields,
})
const plan = (targets: readonly DialTarget[], now = 0, connected: readonly string[] = []) =>
  planDials({ targets, isConnected: (transport, device) => connected.includes(`${transport} ${device}`) }, now)

describe('planDials', () => {
  it('dials what is due, and wakes for what is not', () => {
    expect(plan([target('a', { nextAt: 5 }), target('b', { nextAt: 20 }), target('c', { nextAt: 30 })], 10)).toEqual({
      dial: ['a'],
      wakeAt: 20,
    })
  })

  it('leaves out who is connected on that transport, and only on that', () => {
    const targets = [target('tcp', { device: bob }), target('ble', { device: bob, transport: 'ble' })]
    expect(plan(targets, 0, [`tcp ${bob}`]).dial).toEqual(['ble'])
  })

  it('dials one device once at a time, wherever it may be', () => {
    expect(plan([target('a', { device: bob }), target('b', { device: bob })]).dial).toEqual(['a'])
    expect(plan([target('a', { device: bob, isDialing: true }), target('b', { device: bob })]).dial).toEqual([])
  })

  it('takes first what has failed least', () => {
    expect(plan([target('a', { failures: 3 }), target('b', { failures: 1, nextAt: -1 }), target('c')]).dial).toEqual([
      'c',
      'b',
      'a',
    ])
  })

  it('waits for news alone when there is nothing to dial', () => {
    expect(plan([target('nowhere', { addresses: [] })])).toEqual({ dial: [], wakeAt: undefined })
  })

  it('never has more dials under way than the limit, nor one target twice, whatever the state', () => {
    const keys = ['a', 'b', 'c'].map((digit) => deviceKey.parse(digit.repeat(64)))
    const targets = fc.array(
      fc.record({
        device: fc.constantFrom<(DeviceKey | undefined)[]>(undefined, ...keys),
        isDialing: fc.boolean(),
        failures: fc.nat(20),
        nextAt: fc.nat(100),
      }),
      { maxLength: 100 },
    )
    fc.assert(
      fc.property(targets, fc.nat(100), (fields, now) => {
        const all = fields.map((field, index) => target(`${index}`, field))
        const { dial, wakeAt } = plan(all, now, [`tcp ${keys[0]}`])
        const busy = all.filter(({ isDialing }) => isDialing).length
        expect(dial.length).toBeLessThanOrEqual(Math.max(0, MAX_DIALS - busy))
        expect(new Set(dial).size).toBe(dial.length)
        for (const id of dial) {
          const { isDialing, nextAt, device } = all[Number(id)]!
          expect([isDialing, nextAt <= now, device === keys[0]]).toEqual([false, true, false])
        }
        if (wakeAt !== undefined) expect(wakeAt).toBeGreaterThan(now)
      }),
    )
  })
})

describe('dialDelayMs', () => {
  it('doubles from a second to five minutes', () => {
    expect([1, 2, 3, 9, 10, 1_000].map((failures) => dialDelayMs(failures, 0.5))).toEqual([
      1_000, 2_000, 4_000, 256_000, 300_000, 300_000,
    ])
  })

  it('is spread, and never longer than five minutes', () => {
    expect([0, 1].map((random) => dialDelayMs(3, random))).toEqual([3_000, 5_000])
    expect(dialDelayMs(20, 1)).toBe(MAX_DIAL_DELAY_MS)
  })
})
