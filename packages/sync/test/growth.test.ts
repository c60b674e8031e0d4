import type { DeviceKey } from '@dittofs/interface'
import { pseudoRandomBytes, settle, turnClock } from '@dittofs/testing'
import { describe, expect, it } from 'vitest'
import type { FetchGrowth } from '../src/index.ts'
import { connect, HOME, keyOf, TestDevice } from './test-device.ts'

const NAMES = ['alice', 'bob', 'carol']

/** Lets so many bytes of each device come. */
class TestGrowth implements FetchGrowth {
  limit: number
  readonly taken = new Map<DeviceKey, number>()
  readonly held = new Set<DeviceKey>()
  waiting = 0

  constructor(limit: number) {
    this.limit = limit
  }

  take(author: DeviceKey, bytes: number): boolean {
    const taken = (this.taken.get(author) ?? 0) + bytes
    if (taken > this.limit || this.waits(author, 0)) {
      this.held.add(author)
      this.waiting += bytes
      return false
    }
    this.taken.set(author, taken)
    return true
  }

  settle(author: DeviceKey, takenBytes: number, storedBytes: number): void {
    this.taken.set(author, (this.taken.get(author) ?? 0) - takenBytes + storedBytes)
  }

  waits(author: DeviceKey, bytes: number): boolean {
    if (!this.held.has(author)) return false
    this.waiting += bytes
    return true
  }

  beginWalk(): void {
    this.waiting = 0
  }

  endWalk(): void {}
  nothingMissing(): void {}
}

describe('content that waits for a person', () => {
  it('is what goes beyond, to the byte, of that device alone, and is not looked for again and again', async () => {
    const [bob, carol] = [await TestDevice.open('bob', NAMES), await TestDevice.open('carol', NAMES)]
    await bob.write({ 'large.bin': pseudoRandomBytes(41, 6_000_000) })
    await carol.write({ 'c.bin': pseudoRandomBytes(43, 60_000) })
    const growth = new TestGrowth(1_000_000)
    const alice = await TestDevice.open('alice', NAMES, { growth, clock: turnClock(100) })
    connect(alice, bob)
    connect(alice, carol)
    await alice.upToDate()
    const state = alice.engine.spaceState(HOME)
    expect(growth.taken.get(keyOf('bob'))).toBeLessThanOrEqual(1_000_000)
    expect(growth.taken.get(keyOf('carol'))).toBe(60_000)
    expect([...growth.held]).toEqual([keyOf('bob')])
    expect(state?.missingBytes).toBe(growth.waiting)
    expect(state?.storedBytes).toBe((growth.taken.get(keyOf('bob')) ?? 0) + 60_000)
    let walks = 0
    const tree = alice.tree()
    const walk = tree.walk.bind(tree)
    tree.walk = (...call) => {
      walks++
      return walk(...call)
    }
    for (let i = 0; i < 200; i++) await settle()
    expect(walks).toBe(0)
    await bob.write({ 'later.txt': pseudoRandomBytes(42, 1000) })
    await expect.poll(() => tree.lookup('later.txt')).toBeDefined()
    await alice.upToDate()
    const later = tree.lookup('later.txt')?.file
    if (later === undefined) throw new TypeError('the metadata is here')
    expect((await alice.files())['later.txt']).not.toBe((await bob.files())['later.txt'])
    await alice.engine.ensure(HOME, [later])
    expect((await alice.files())['later.txt']).toBe((await bob.files())['later.txt'])
    growth.limit = 1e9
    growth.held.clear()
    alice.engine.choicesChanged(HOME)
    await alice.upToDate()
    expect(await alice.files()).toEqual(await bob.files())
    expect(alice.engine.spaceState(HOME)).toMatchObject({ missingChunks: 0, missingBytes: 0 })
    // What was asked for by name is not counted.
    expect(growth.taken.get(keyOf('bob'))).toBe((alice.engine.spaceState(HOME)?.storedBytes ?? 0) - 60_000 - 1000)
  })

  it('does not count twice what stands in a file many times', async () => {
    const bob = await TestDevice.open('bob', NAMES)
    await bob.write({ 'zeros.bin': new Uint8Array(8_000_000), 'again.bin': new Uint8Array(8_000_000) })
    const growth = new TestGrowth(700_000)
    const alice = await TestDevice.open('alice', NAMES, { growth })
    connect(alice, bob)
    await alice.upToDate()
    expect(growth.held.size).toBe(0)
    expect(await alice.files()).toEqual(await bob.files())
    expect(growth.taken.get(keyOf('bob'))).toBe(alice.engine.spaceState(HOME)?.storedBytes)
  })
})
