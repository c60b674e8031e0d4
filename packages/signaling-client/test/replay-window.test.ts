import { deviceKey } from '@dittofs/interface'
import { describe, expect, it } from 'vitest'
import { ReplayWindow } from '../src/replay-window.ts'

const [alice, bob] = [deviceKey.parse('a'.repeat(64)), deviceKey.parse('b'.repeat(64))]
const id = (number: number) => new Uint8Array(Buffer.from(number.toString(16).padStart(32, '0'), 'hex'))

describe('ReplayWindow', () => {
  it('takes each ID once of each sender', () => {
    const window = new ReplayWindow()
    expect([window.accept(alice, id(1)), window.accept(alice, id(1)), window.accept(bob, id(1))]).toEqual([
      true,
      false,
      true,
    ])
  })

  it('remembers the last 4,096 of a sender, the oldest no longer', () => {
    const window = new ReplayWindow()
    for (let number = 0; number <= 4096; number++) expect(window.accept(alice, id(number))).toBe(true)
    expect(window.accept(alice, id(1))).toBe(false)
    expect(window.accept(alice, id(4096))).toBe(false)
    expect(window.accept(alice, id(0))).toBe(true)
  })

  it('is not emptied by repetitions', () => {
    const window = new ReplayWindow()
    window.accept(alice, id(0))
    for (let i = 0; i < 10_000; i++) window.accept(alice, id(1))
    expect(window.accept(alice, id(0))).toBe(false)
  })
})
