import { deviceKey } from '@dittofs/interface'
import { describe, expect, it } from 'vitest'
import { chooseLink, SIMULTANEOUS_MS } from '../../src/connector/link-choice.ts'

const alice = deviceKey.parse('a'.repeat(64))
const bob = deviceKey.parse('b'.repeat(64))

describe('chooseLink', () => {
  it('keeps, at both ends, the link that the lower key dialled when both dialled at once', () => {
    for (const [first, second] of [
      [true, false],
      [false, true],
    ] as const) {
      // What one end opened the other accepted; which of the two came first may differ between the ends.
      const atAlice = chooseLink({
        self: alice,
        peer: bob,
        older: { isInitiator: first, openedAt: 0 },
        newer: { isInitiator: second, openedAt: 10 },
      })
      const atBob = chooseLink({
        self: bob,
        peer: alice,
        older: { isInitiator: first, openedAt: 0 },
        newer: { isInitiator: second, openedAt: 10 },
      })
      // What is older may be dead by now, without a sign.
      expect(atAlice).toBe(first ? 'older-if-it-lives' : 'newer')
      expect(atBob).toBe(first ? 'newer' : 'older-if-it-lives')
    }
  })

  it('drops a link of its own making to a device that turns out to be connected, unless that is no longer so', () => {
    for (const isInitiator of [true, false]) {
      const older = { isInitiator, openedAt: 0 }
      const newer = { isInitiator: true, openedAt: SIMULTANEOUS_MS }
      expect(chooseLink({ self: alice, peer: bob, older, newer })).toBe('older-if-it-lives')
      expect(chooseLink({ self: bob, peer: alice, older, newer })).toBe('older-if-it-lives')
    }
  })

  it('lets a peer that dials again replace an old link if it means it', () => {
    for (const isInitiator of [true, false]) {
      const older = { isInitiator, openedAt: 0 }
      const newer = { isInitiator: false, openedAt: SIMULTANEOUS_MS }
      expect(chooseLink({ self: bob, peer: alice, older, newer })).toBe('newer-if-it-lasts')
    }
  })
})
