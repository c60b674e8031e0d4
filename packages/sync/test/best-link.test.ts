import type { TransportCapabilities } from '@dittofs/interface'
import { ManualClock, type MemoryLinkInit, pseudoRandomBytes, turnClock } from '@dittofs/testing'
import { MESSAGE_TYPE } from '@dittofs/wire'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { MeteredFiles, Session, SyncEngineInit } from '../src/index.ts'
import { connect, HOME, TestDevice } from './test-device.ts'

const NAMES = ['alice', 'bob']
const PLAIN = { canListen: true, canDial: true, canDiscover: false, isMetered: false, isSlow: false }
const CAPABILITIES: Readonly<Record<string, TransportCapabilities>> = {
  tcp: PLAIN,
  webrtc: PLAIN,
  ble: { ...PLAIN, isMetered: true, isSlow: true },
}
const LINKS: Partial<SyncEngineInit> = { capabilities: (transport) => CAPABILITIES[transport] }

/** Frames by kind and transport, of both directions. */
class Wire {
  readonly bytes = new Map<string, number>()
  readonly frames = new Map<string, number>()
  #cutAfter = Number.POSITIVE_INFINITY

  over(transport: string): Partial<MemoryLinkInit> {
    return {
      transport,
      bufferBytes: 256 * 1024,
      onFrame: (payload) => {
        const kind =
          payload[0] === MESSAGE_TYPE.chunks ? 'content' : payload[0] === MESSAGE_TYPE.metadata ? 'metadata' : ''
        const key = `${transport} ${kind}`
        this.bytes.set(key, (this.bytes.get(key) ?? 0) + payload.length)
        this.frames.set(key, (this.frames.get(key) ?? 0) + 1)
        return kind === 'content' && --this.#cutAfter < 0 ? 'cut' : undefined
      },
    }
  }

  /** Cuts whatever carries content after so many more frames of it. */
  cutAfter(frames: number): void {
    this.#cutAfter = frames
  }

  content(transport?: string): number {
    let sum = 0
    for (const [key, bytes] of this.bytes) {
      if (key.endsWith(' content') && (transport === undefined || key.startsWith(`${transport} `))) sum += bytes
    }
    return sum
  }

  reset(): void {
    this.bytes.clear()
    this.frames.clear()
  }
}

async function pairOf(options: Parameters<typeof TestDevice.open>[2] = {}) {
  const alice = await TestDevice.open('alice', NAMES, { ...LINKS, ...options })
  const bob = await TestDevice.open('bob', NAMES, { ...LINKS, ...options })
  slowDisk(bob)
  return [alice, bob] as const
}

function linkOf(device: TestDevice) {
  return device.engine.peers().map(({ transport, standby }) => ({ transport, standby }))
}

/** Gives out one batch of content in each turn of the event loop, so that there is a middle of a transfer. */
function slowDisk(device: TestDevice): void {
  const getMany = device.chunks.getMany.bind(device.chunks)
  device.chunks.getMany = async function* (space, ids, options) {
    for await (const batch of getMany(space, ids, options)) {
      await new Promise(setImmediate)
      yield batch
    }
  }
}

/** Resolves once so many bytes of content have come. */
async function fetched(device: TestDevice, bytes: number): Promise<void> {
  await new Promise<void>((resolve) => {
    const look = () => {
      if ((device.engine.spaceState(HOME)?.storedBytes ?? 0) < bytes) return setImmediate(look)
      resolve()
    }
    look()
  })
}

describe('two links over different transports', () => {
  it('both stay; the better one is used, whichever came first', async () => {
    for (const order of [
      ['webrtc', 'tcp'],
      ['tcp', 'webrtc'],
    ]) {
      const [alice, bob] = await pairOf()
      const sessions = order.flatMap((transport) => connect(alice, bob, { transport }))
      await expect.poll(() => linkOf(alice)).toEqual([{ transport: 'tcp', standby: ['webrtc'] }])
      await expect.poll(() => linkOf(bob)).toEqual([{ transport: 'tcp', standby: ['webrtc'] }])
      expect(sessions.map((session) => session.isOver)).toEqual([false, false, false, false])
    }
  })

  it('carry each change and each chunk once', async () => {
    const [alice, bob] = await pairOf()
    const wire = new Wire()
    connect(alice, bob, wire.over('webrtc'))
    connect(bob, alice, wire.over('tcp'))
    await expect.poll(() => linkOf(alice)).toEqual([{ transport: 'tcp', standby: ['webrtc'] }])
    await expect.poll(() => linkOf(bob)).toEqual([{ transport: 'tcp', standby: ['webrtc'] }])
    await alice.upToDate()
    wire.reset()
    await bob.write({ 'a.bin': pseudoRandomBytes(1, 800_000) })
    await expect.poll(() => alice.tree().lookup('a.bin')).toBeDefined()
    await alice.upToDate()
    expect(await alice.files()).toEqual(await bob.files())
    expect(wire.frames.get('webrtc metadata')).toBeUndefined()
    expect(wire.content('webrtc')).toBe(0)
    expect(wire.content('tcp')).toBeLessThan(820_000)
  })
})

describe('a better link that comes during a transfer', () => {
  it('gets the work at once, and what is under way on the old one still counts', async () => {
    const [alice, bob] = await pairOf({ maxTransferBytes: 1_000_000 })
    await bob.write({ 'film.bin': pseudoRandomBytes(2, 12_000_000) })
    const wire = new Wire()
    connect(alice, bob, wire.over('webrtc'))
    await fetched(alice, 1_000_000)
    const old = wire.content('webrtc')
    connect(alice, bob, wire.over('tcp'))
    await alice.upToDate()
    await bob.upToDate()
    expect(await alice.files()).toEqual(await bob.files())
    expect(wire.content('tcp')).toBeGreaterThan(0)
    expect(wire.content()).toBeLessThan(12_000_000 * 1.02)
    expect(old).toBeGreaterThan(0)
    expect(alice.engine.transferBytes).toBe(0)
  })
})

describe('a link that is lost during a transfer', () => {
  it('leaves its work to the one standing by, without a pause and without looking for what is missing anew', async () => {
    const clock = new ManualClock()
    const [, bob] = await pairOf()
    const alice = await TestDevice.open('alice', NAMES, { ...LINKS, clock, maxTransferBytes: 1_000_000 })
    await bob.write({ 'film.bin': pseudoRandomBytes(3, 12_000_000) })
    const wire = new Wire()
    const best = connect(alice, bob, wire.over('tcp'))
    connect(alice, bob, wire.over('webrtc'))
    while ((alice.engine.spaceState(HOME)?.storedBytes ?? 0) === 0) await clock.advance(50)
    // From here on no time passes: not even the pause before a walk of the tree.
    expect(linkOf(alice)).toEqual([{ transport: 'tcp', standby: ['webrtc'] }])
    wire.cutAfter(0)
    await best[0].ended
    wire.cutAfter(Number.POSITIVE_INFINITY)
    expect(linkOf(alice)).toEqual([{ transport: 'webrtc', standby: [] }])
    await fetched(alice, 12_000_000)
    expect(await alice.files()).toEqual(await bob.files())
    // What was in flight when it was cut, and nothing else, came twice.
    expect(wire.content()).toBeLessThan(12_000_000 + 2_500_000)
  })

  it('ends identical and hardly larger, however links come and go', async () => {
    const step = fc.record({
      transport: fc.constantFrom('tcp', 'webrtc', 'ble'),
      frames: fc.nat({ max: 6 }),
      isCut: fc.boolean(),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 8 }), fc.nat({ max: 1000 }), async (steps, seed) => {
        const [alice, bob] = await pairOf({ metered: { files: 'all', maxFileBytes: 1_000_000 } })
        await alice.write({ 'hers.bin': pseudoRandomBytes(seed, 700_000), 'hers.txt': Buffer.from('hers') })
        await bob.write({ 'his.bin': pseudoRandomBytes(seed + 1, 1_500_000), 'his.txt': Buffer.from('his') })
        const wire = new Wire()
        const open = new Map<string, readonly Session[]>()
        for (const { transport, frames, isCut } of steps) {
          wire.cutAfter(isCut ? frames : Number.POSITIVE_INFINITY)
          if (open.get(transport)?.some((session) => session.isOver) !== false) {
            open.set(transport, connect(alice, bob, wire.over(transport)))
          } else {
            open.get(transport)?.[frames % 2]?.link.abort(new Error('the cable was pulled'))
          }
          for (let turn = 0; turn < frames; turn++) await new Promise(setImmediate)
        }
        wire.cutAfter(Number.POSITIVE_INFINITY)
        connect(alice, bob, wire.over('tcp'))
        await Promise.all([alice.upToDate(), bob.upToDate()])
        expect(await alice.files()).toEqual(await bob.files())
        expect(Object.keys(await alice.files())).toHaveLength(4)
        expect(alice.engine.transferBytes + bob.engine.transferBytes).toBe(0)
        await alice.engine.close()
        await bob.engine.close()
      }),
      { numRuns: 20 },
    )
  })
})

describe('the best link, when nothing comes over it any more', () => {
  it('is given up for one standing by within seconds', async () => {
    const [alice, bob] = await pairOf({ clock: turnClock(10), maxTransferBytes: 1_000_000 })
    await bob.write({ 'film.bin': pseudoRandomBytes(4, 8_000_000) })
    let isDead = false
    connect(alice, bob, { transport: 'webrtc' })
    const [best] = connect(alice, bob, {
      transport: 'tcp',
      onFrame: () => (isDead ? 'lose' : undefined),
    })
    await fetched(alice, 1_000_000)
    isDead = true
    expect(await best.ended).toMatchObject({ code: 'DITTO_LINK_TIMEOUT' })
    await fetched(alice, 8_000_000)
    expect(await alice.files()).toEqual(await bob.files())
  })
})

describe('a metered link', () => {
  const FILES = {
    'a/large.bin': pseudoRandomBytes(5, 900_000),
    'b/small.txt': Buffer.from('small'),
    'c/large.txt': pseudoRandomBytes(6, 60_000),
    'd/medium.bin': pseudoRandomBytes(7, 30_000),
  }
  const LARGE_BYTES = 960_000

  async function overBle(files: MeteredFiles) {
    const [alice, bob] = await pairOf({ metered: { files, maxFileBytes: 50_000 } })
    await bob.write(FILES)
    const wire = new Wire()
    connect(alice, bob, wire.over('ble'))
    await alice.upToDate()
    return { alice, bob, wire }
  }

  it('brings metadata and small files, and says what waits for a better link', async () => {
    const { alice, bob, wire } = await overBle('small')
    expect(alice.tree().lookup('a/large.bin')).toBeDefined()
    expect(wire.content()).toBeLessThan(31_000)
    await expect
      .poll(() => alice.engine.spaceState(HOME))
      .toMatchObject({
        missingBytes: LARGE_BYTES,
        waitingForLinkBytes: LARGE_BYTES,
        isSettled: true,
      })
    connect(alice, bob, wire.over('tcp'))
    await expect.poll(() => alice.engine.spaceState(HOME)).toMatchObject({ missingBytes: 0, waitingForLinkBytes: 0 })
    expect(wire.content('ble')).toBeLessThan(31_000)
    expect(await alice.files()).toEqual(await bob.files())
  })

  it('brings no content where it is to bring none', async () => {
    const { alice, wire } = await overBle('none')
    expect(wire.content()).toBe(0)
    expect(alice.engine.spaceState(HOME)?.waitingForLinkBytes).toBeGreaterThanOrEqual(LARGE_BYTES + 30_005)
  })

  it('brings everything where it may, small files first', async () => {
    const [alice, bob] = await pairOf({ metered: { files: 'all', maxFileBytes: 50_000 } })
    await bob.write(FILES)
    slowDisk(bob)
    connect(alice, bob, { transport: 'ble' })
    await alice.upToDate()
    expect(await alice.files()).toEqual(await bob.files())
  })

  it('brings what a person asks for, however large', async () => {
    const { alice } = await overBle('none')
    const wanted = alice.tree().lookup('a/large.bin')?.file
    if (wanted === undefined) throw new TypeError('the metadata is here')
    expect(await alice.engine.ensure(HOME, [wanted])).toBeGreaterThan(899_000)
  })

  it('leaves large files that were under way when it takes over', async () => {
    const [alice, bob] = await pairOf({ maxTransferBytes: 500_000 })
    await bob.write({ 'film.bin': pseudoRandomBytes(8, 6_000_000) })
    const wire = new Wire()
    connect(alice, bob, wire.over('ble'))
    const [tcp] = connect(alice, bob, wire.over('tcp'))
    await fetched(alice, 1_000_000)
    tcp.link.abort(new Error('the cable was pulled'))
    await alice.upToDate()
    expect(wire.content('ble')).toBe(0)
    const { missingBytes, waitingForLinkBytes } = alice.engine.spaceState(HOME) ?? {}
    expect(missingBytes).toBeGreaterThan(1_000_000)
    expect(waitingForLinkBytes).toBe(missingBytes)
    connect(alice, bob, wire.over('tcp'))
    await expect.poll(() => alice.engine.spaceState(HOME)?.missingBytes).toBe(0)
    expect(await alice.files()).toEqual(await bob.files())
    expect(wire.content()).toBeLessThan(6_000_000 + 1_000_000)
  })

  it('is closed a minute after a better one came', async () => {
    const clock = new ManualClock()
    const [alice, bob] = await pairOf({ clock })
    const [ble] = connect(alice, bob, { transport: 'ble' })
    await clock.advance(1000)
    connect(alice, bob, { transport: 'tcp' })
    await clock.advance(50_000)
    expect(linkOf(alice)).toEqual([{ transport: 'tcp', standby: ['ble'] }])
    await clock.advance(20_000)
    expect(await ble.ended).toBeUndefined()
    expect(linkOf(alice)).toEqual([{ transport: 'tcp', standby: [] }])
  })
})
