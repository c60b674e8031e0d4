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
  dialledAt: 0,
  failures: 0,
  nextAt: 0,
  ...fields,
})
const TRANSPORTS = new Map(
  ['tcp', 'webrtc', 'ble'].map((name) => [name, { name, isMetered: name === 'ble', isSlow: name === 'ble' }]),
)
/** @param best - the transport of the best link to each device that has one */
const plan = (targets: readonly DialTarget[], now = 0, best: Readonly<Record<DeviceKey, string>> = {}) => {
  const transport = (name: string | undefined) => TRANSPORTS.get(name ?? '')
  return planDials({ targets, bestLink: (device) => transport(best[device]), transport }, now)
}

describe('planDials', () => {
  it('dials what is due, and wakes for what is not', () => {
    expect(plan([target('a', { nextAt: 5 }), target('b', { nextAt: 20 }), target('c', { nextAt: 30 })], 10)).toEqual({
      dial: ['a'],
      wakeAt: 20,
    })
  })

  it('leaves out who is connected, but over a better transport than that', () => {
    const targets = ['tcp', 'webrtc', 'ble'].map((transport) =>
      target(transport, { device: bob, transport, failures: 1 }),
    )
    expect(plan(targets, 0, { [bob]: 'ble' }).dial).toEqual(['tcp', 'webrtc'])
    expect(plan(targets, 0, { [bob]: 'webrtc' }).dial).toEqual(['tcp'])
    expect(plan(targets, 0, { [bob]: 'tcp' })).toEqual({ dial: [], wakeAt: undefined })
  })

  it('leaves out what this device has no transport for', () => {
    expect(plan([target('far', { transport: 'carrier-pigeon' })])).toEqual({ dial: [], wakeAt: undefined })
  })

  it('gives the better transport a second before the next is tried as well, unless it has failed already', () => {
    const ble = target('ble', { device: bob, transport: 'ble' })
    const webrtc = target('webrtc', { device: bob, transport: 'webrtc' })
    const tcp = target('tcp', { device: bob, nextAt: 200 })
    expect(plan([ble, webrtc, tcp], 0)).toEqual({ dial: [], wakeAt: 200 })
    expect(plan([ble, webrtc, tcp], 200)).toEqual({ dial: ['tcp'], wakeAt: 1200 })
    const dialled = { ...tcp, isDialing: true, dialledAt: 200 }
    expect(plan([ble, webrtc, dialled], 1200)).toEqual({ dial: ['webrtc'], wakeAt: 2200 })
    expect(plan([ble, { ...tcp, failures: 1, nextAt: 5000 }], 200).dial).toEqual(['ble'])
  })

  it('lets slow dials over one transport hold up no others', () => {
    const slow = Array.from({ length: 20 }, (_, i) => target(`${i}`, { transport: 'ble', isDialing: true }))
    expect(plan([...slow, target('near'), target('far', { transport: 'ble' })]).dial).toEqual(['near'])
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
        const { dial, wakeAt } = plan(all, now, { [keys[0] as DeviceKey]: 'tcp' })
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
