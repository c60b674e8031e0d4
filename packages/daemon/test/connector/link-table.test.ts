import { deviceKey, type Link } from '@dittofs/interface'
import { ManualClock, memoryLinkPair } from '@dittofs/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LinkTable } from '../../src/connector/link-table.ts'

const aliceKey = deviceKey.parse('a'.repeat(64))
const bobKey = deviceKey.parse('b'.repeat(64))

const GRACE_MS = 2_000

/** One run of a device, with the links that it was handed and not told to be gone. */
class Run {
  readonly table: LinkTable
  readonly inUse = new Set<Link>()
  lost = 0
  /** Links whose other end has gone without a word. */
  readonly dead: ReadonlySet<Link>

  constructor(self: typeof aliceKey, clock: ManualClock, dead: ReadonlySet<Link>) {
    this.dead = dead
    this.table = new LinkTable({
      self,
      clock,
      onLink: (link) => {
        this.inUse.add(link)
        void link.closed.then(() => this.inUse.delete(link))
      },
      isAlive: async (link) => !this.dead.has(link),
      onLost: () => void this.lost++,
    })
  }
}

type Name = 'alice' | 'bob'

/** Two devices whose links are made and broken by hand. */
class World {
  readonly clock = new ManualClock()
  readonly #dead = new Set<Link>()
  alice = new Run(aliceKey, this.clock, this.#dead)
  bob = new Run(bobKey, this.clock, this.#dead)
  readonly #pairs: (readonly [Link, Link])[] = []

  /** @returns the end of each device, which knows nothing of it yet */
  connect(dialler: Name): { readonly alice: Link; readonly bob: Link } {
    const keys = dialler === 'alice' ? ([aliceKey, bobKey] as const) : ([bobKey, aliceKey] as const)
    const pair = memoryLinkPair({ keys })
    this.#pairs.push(pair)
    return dialler === 'alice' ? { alice: pair[0], bob: pair[1] } : { alice: pair[1], bob: pair[0] }
  }

  otherEnd(link: Link): Link | undefined {
    const pair = this.#pairs.find((ends) => ends.includes(link))
    return pair?.find((end) => end !== link)
  }

  /** Both ends learn of a link, one after the other. */
  async dial(dialler: Name, first: Name = 'alice'): Promise<{ readonly alice: Link; readonly bob: Link }> {
    const link = this.connect(dialler)
    const second = first === 'alice' ? 'bob' : 'alice'
    this[first].table.add(link[first])
    await this.clock.advance(0)
    this[second].table.add(link[second])
    await this.clock.advance(0)
    return link
  }

  /** Kills a device and starts it again: the other one is told nothing of the links there were. */
  restart(name: Name): void {
    for (const link of this.#pairs.flat()) this.#dead.add(link)
    this[name] = new Run(name === 'alice' ? aliceKey : bobKey, this.clock, this.#dead)
  }

  /** The other device learns that its old links lead nowhere. */
  async noticeDeath(): Promise<void> {
    for (const link of this.#dead) link.abort(new Error('the connection was lost'))
    await this.clock.advance(0)
  }
}

describe('LinkTable', () => {
  it('takes the link of a device that was killed and dials, though it was dialled itself a moment ago', async () => {
    const world = new World()
    await world.dial('alice')
    await world.clock.advance(5_000)
    world.restart('bob')
    const link = await world.dial('bob', 'bob')
    expect([...world.alice.inUse]).toEqual([link.alice])
    expect([...world.bob.inUse]).toEqual([link.bob])
    expect([world.alice.lost, world.bob.lost]).toEqual([0, 0])
  })

  it('takes a link held back at once when the one before it goes, and dials nobody for it', async () => {
    const world = new World()
    await world.dial('bob')
    world.restart('bob')
    const link = await world.dial('bob', 'bob')
    await world.noticeDeath()
    expect([...world.alice.inUse]).toEqual([link.alice])
    expect(world.alice.lost).toBe(0)
    await world.clock.advance(GRACE_MS)
    expect([...world.alice.inUse]).toEqual([link.alice])
    expect([...world.bob.inUse]).toEqual([link.bob])
  })

  it('keeps a link it dialled itself when the one before it has died without a sign', async () => {
    const world = new World()
    await world.dial('alice')
    world.restart('bob')
    const link = await world.dial('alice', 'bob')
    expect([...world.alice.inUse]).toEqual([link.alice])
    expect([...world.bob.inUse]).toEqual([link.bob])
  })

  it('drops a link it dialled itself to a device that is connected and answers', async () => {
    const world = new World()
    const before = await world.dial('bob')
    await world.clock.advance(60_000)
    await world.dial('alice')
    await world.clock.advance(GRACE_MS)
    expect([...world.alice.inUse]).toEqual([before.alice])
    expect([...world.bob.inUse]).toEqual([before.bob])
  })

  it('uses no link to a device that was dropped', async () => {
    const world = new World()
    await world.dial('alice')
    world.restart('bob')
    const link = world.connect('bob')
    world.alice.table.add(link.alice)
    world.alice.table.drop(bobKey, new Error('removed'))
    await world.clock.advance(GRACE_MS)
    expect([...world.alice.inUse]).toEqual([])
    expect(world.alice.lost).toBe(1)
    await expect(link.alice.closed).resolves.toMatchObject({ message: 'removed' })
  })

  it('leaves one link, the same at both ends, however many are dialled, by whom, and whoever hears first', async () => {
    const step = fc.record({
      dialler: fc.constantFrom<Name>('alice', 'bob'),
      first: fc.constantFrom<Name>('alice', 'bob'),
      restart: fc.option(fc.constantFrom<Name>('alice', 'bob'), { nil: undefined }),
      // Shorter than the peer is given to drop a link, so that the other end may learn of it after the next one was dialled.
      delayMs: fc.constantFrom(0, 100, 1_500),
      pauseMs: fc.constantFrom(0, 20_000),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 8 }), async (steps) => {
        const world = new World()
        let late: (() => void) | undefined
        const tellLate = () => {
          late?.()
          late = undefined
        }
        for (const { dialler, first, restart, delayMs, pauseMs } of steps) {
          if (restart !== undefined) {
            world.restart(restart)
            late = undefined
          }
          const link = world.connect(dialler)
          world[first].table.add(link[first])
          tellLate()
          const second = first === 'alice' ? 'bob' : 'alice'
          late = () => world[second].table.add(link[second])
          await world.clock.advance(delayMs)
          if (pauseMs > 0) tellLate()
          await world.clock.advance(pauseMs)
        }
        tellLate()
        await world.clock.advance(60_000)
        await world.noticeDeath()
        await world.clock.advance(60_000)
        expect([world.alice.inUse.size, world.bob.inUse.size]).toEqual([1, 1])
        expect(world.otherEnd([...world.alice.inUse][0]!)).toBe([...world.bob.inUse][0])
      }),
      { numRuns: 300 },
    )
  })
})
