import { ManualClock } from '@dittofs/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { addressSource } from '../src/address-source.ts'
import { AdmissionControl, DEFAULT_ADMISSION_LIMITS } from '../src/admission-control.ts'
import { connectionGate } from '../src/index.ts'

const limits = DEFAULT_ADMISSION_LIMITS
const source = (index: number) => `192.0.2.${index}`

describe('addressSource', () => {
  it.each([
    ['tcp://192.0.2.7:4100', '192.0.2.7'],
    ['tcp://[::ffff:192.0.2.7]:4100', '192.0.2.7'],
    ['tcp://[2001:db8:1:2:3:4:5:6]:4100', '2001:db8:1:2'],
    ['tcp://[2001:db8:1:2::9]:1', '2001:db8:1:2'],
    ['tcp://[2001:db8::9]:1', '2001:db8:0:0'],
    ['tcp://[::1]:1', '0:0:0:0'],
    ['tcp://[64:ff9b::192.0.2.7]:1', '64:ff9b:0:0'],
    ['tcp://[fe80::1:2%eth0]:1', 'fe80:0:0:0:0:0:1:2'],
    ['192.0.2.7', '192.0.2.7'],
    ['ble://aa-bb', 'ble://aa-bb'],
    ['', ''],
  ])('counts %s as %s', (remote, expected) => {
    expect(addressSource(remote)).toBe(expected)
  })

  it('makes something of any text', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(typeof addressSource(text)).toBe('string')
      }),
    )
  })
})

describe('AdmissionControl', () => {
  it('never holds more than its limits, whatever happens in whatever order', () => {
    const step = fc.record({
      kind: fc.constantFrom('arrive', 'arrive', 'arrive', 'tls', 'leave', 'fail'),
      source: fc.nat(9).map(source),
      pick: fc.nat(),
      random: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      passed: fc.nat(300),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
        const control = new AdmissionControl(limits, 0)
        const held = new Map<number, string>()
        let now = 0
        for (const { kind, source, pick, random, passed } of steps) {
          now += passed
          const id = [...held.keys()][pick % Math.max(1, held.size)]
          if (kind === 'arrive') {
            const arrival = control.arrive(source, now, random)
            if (arrival.isAdmitted) {
              if (arrival.evicted !== undefined) expect(held.delete(arrival.evicted)).toBe(true)
              held.set(arrival.id, source)
            }
          } else if (kind === 'fail') control.knockFailed(source, now)
          else if (id !== undefined && kind === 'tls') control.enterTls(id)
          else if (id !== undefined) {
            control.leave(id)
            held.delete(id)
          }
          const ofSource = [...held.values()].filter((other) => other === source).length
          expect(control.streams).toBe(held.size)
          expect(control.streams).toBeLessThanOrEqual(limits.maxStreams)
          expect(control.inTls).toBeLessThanOrEqual(limits.maxInTls)
          expect(ofSource).toBeLessThanOrEqual(limits.maxStreamsPerSource)
        }
      }),
      { numRuns: 50 },
    )
  })

  it('lets a newcomer into a full house in the place of somebody who has not knocked yet', () => {
    const control = new AdmissionControl(limits, 0)
    for (let index = 0; index < limits.maxStreams; index++) control.arrive(source(index), 0, 0)
    for (let id = 0; id < 10; id++) control.enterTls(id)
    const evicted = Array.from({ length: 50 }, (_, index) => control.arrive(source(100 + index), 0, index / 50))
    for (const arrival of evicted) {
      expect(arrival.isAdmitted && arrival.evicted).toBeGreaterThanOrEqual(10)
    }
    expect(control.streams).toBe(limits.maxStreams)
  })

  it('evicts from the same source when that one has too many', () => {
    const control = new AdmissionControl(limits, 0)
    control.arrive(source(1), 0, 0)
    for (let index = 0; index < limits.maxStreamsPerSource; index++) control.arrive(source(2), 0, 0)
    const arrival = control.arrive(source(2), 0, 0)
    expect(arrival.isAdmitted && arrival.evicted).toBe(1)
  })

  it('turns a source away that fails more than five times a second, and takes it back', () => {
    const control = new AdmissionControl(limits, 0)
    for (let failure = 0; failure < limits.failuresPerSecondPerSource; failure++) {
      expect(control.arrive(source(1), 0, 0).isAdmitted).toBe(true)
      control.knockFailed(source(1), 0)
    }
    expect(control.arrive(source(1), 0, 0).isAdmitted).toBe(false)
    expect(control.arrive(source(2), 0, 0).isAdmitted).toBe(true)
    expect(control.arrive(source(1), 250, 0).isAdmitted).toBe(true)
  })

  it('turns away only sources that have failed when too many fail in all', () => {
    const control = new AdmissionControl(limits, 0)
    for (let index = 0; index < limits.failuresPerSecond; index++) control.knockFailed(source(index), 0)
    expect(control.arrive(source(0), 0, 0).isAdmitted).toBe(false)
    expect(control.arrive('198.51.100.1', 0, 0).isAdmitted).toBe(true)
    expect(control.arrive(source(0), 1000, 0).isAdmitted).toBe(true)
  })

  it('remembers a bounded number of failing sources, for a minute', () => {
    const control = new AdmissionControl({ ...limits, maxSources: 2, failuresPerSecondPerSource: 1 }, 0)
    for (const index of [1, 2, 3]) control.knockFailed(source(index), 0)
    expect([1, 2, 3].map((index) => control.arrive(source(index), 0, 0).isAdmitted)).toEqual([true, false, false])
  })
})

describe('connectionGate', () => {
  const clock = new ManualClock()

  it('lets the seventeenth into TLS when one of the sixteen has left', async () => {
    const gate = connectionGate({ clock })
    const places = Array.from({ length: 17 }, (_, index) => gate.admit(`tcp://${source(index)}:1`, () => undefined))
    let hasEntered = false
    const entered = Promise.all(places.map((place) => place.enterTls({}))).then(() => {
      hasEntered = true
    })
    await new Promise(setImmediate)
    expect([hasEntered, gate.inTls, gate.streams]).toEqual([false, 16, 17])
    places[3]?.leave()
    places[3]?.leave()
    await entered
    expect([gate.inTls, gate.streams]).toEqual([16, 16])
  })

  it('tells the evicted why, and forgets a wait that was given up', async () => {
    const gate = connectionGate({ clock, random: () => 0, limits: { maxStreams: 1, maxInTls: 0 } })
    const reasons: unknown[] = []
    gate.admit('tcp://192.0.2.1:1', (reason) => reasons.push(reason))
    const place = gate.admit('tcp://192.0.2.2:1', (reason) => reasons.push(reason))
    expect(reasons).toEqual([expect.objectContaining({ code: 'DITTO_LIMIT' })])
    const reason = new Error('enough')
    const controller = new AbortController()
    const entering = place.enterTls({ signal: controller.signal })
    controller.abort(reason)
    await expect(entering).rejects.toBe(reason)
    expect(() => gate.admit('tcp://192.0.2.3:1', () => undefined)).toThrow(
      expect.objectContaining({ code: 'DITTO_LIMIT' }),
    )
  })
})
