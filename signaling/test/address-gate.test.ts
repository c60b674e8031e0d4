import { describe, expect, it } from 'vitest'
import { AddressGate } from '../src/address-gate.ts'

const limits = { connectionsPerAddress: 2, registrationsPerSecond: 5 }

describe('AddressGate', () => {
  it('lets so many connections of one address in, and others as one leaves', () => {
    const gate = new AddressGate(limits)
    expect([gate.enter('a', 0), gate.enter('a', 0), gate.enter('a', 0), gate.enter('b', 0)]).toEqual([
      true,
      true,
      false,
      true,
    ])
    gate.leave('a')
    expect(gate.enter('a', 0)).toBe(true)
  })

  it('lets five registrations a second through', () => {
    const gate = new AddressGate(limits)
    gate.enter('a', 0)
    const taken = (nowMs: number) =>
      Array.from({ length: 6 }, () => gate.mayRegister('a', nowMs)).filter(Boolean).length
    expect([taken(0), taken(0), taken(200), taken(10_000)]).toEqual([5, 0, 1, 5])
  })

  it('is not deceived by reconnecting', () => {
    const gate = new AddressGate(limits)
    let registered = 0
    for (let i = 0; i < 100; i++) {
      gate.enter('a', 0)
      if (gate.mayRegister('a', 0)) registered++
      gate.leave('a')
      gate.sweep(0)
    }
    expect(registered).toBe(5)
  })

  it('forgets addresses that are gone', () => {
    const gate = new AddressGate(limits)
    for (let i = 0; i < 1000; i++) {
      gate.enter(String(i), 0)
      gate.mayRegister(String(i), 0)
      gate.leave(String(i))
    }
    gate.enter('stays', 0)
    gate.sweep(0)
    expect(gate.size).toBe(1001)
    gate.sweep(1000)
    expect(gate.size).toBe(1)
  })
})
