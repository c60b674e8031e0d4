import { type DeviceKey, isDittoError } from '@dittofs/interface'
import { ManualClock, pseudoRandomBytes, turnClock } from '@dittofs/testing'
import { MESSAGE_TYPE } from '@dittofs/wire'
import { describe, expect, it } from 'vitest'
import { connect, HOME, TestDevice } from './test-device.ts'

const NAMES = ['alice', 'bob', 'carol', 'dave']

describe('fetching from several devices', () => {
  it('takes one file from all that have it, each chunk once', async () => {
    const bytes = pseudoRandomBytes(7, 6_000_000)
    const bob = await TestDevice.open('bob', NAMES)
    const carol = await TestDevice.open('carol', NAMES)
    await bob.write({ 'film.bin': bytes })
    connect(carol, bob)
    await carol.upToDate()
    const alice = await TestDevice.open('alice', NAMES)
    const sent = new Map<DeviceKey, number>()
    const onFrame = (payload: Uint8Array, sender: DeviceKey) => {
      if (payload[0] === MESSAGE_TYPE.chunks) sent.set(sender, (sent.get(sender) ?? 0) + payload.length)
      return undefined
    }
    connect(alice, bob, { onFrame })
    connect(alice, carol, { onFrame })
    await alice.upToDate()
    expect(await alice.files()).toEqual(await bob.files())
    const [fromBob = 0, fromCarol = 0] = [sent.get(bob.key), sent.get(carol.key)]
    expect(fromBob).toBeGreaterThan(500_000)
    expect(fromCarol).toBeGreaterThan(500_000)
    expect(fromBob + fromCarol).toBeLessThan(6_300_000)
  })

  it('asks another when one does not have it', async () => {
    const bob = await TestDevice.open('bob', NAMES)
    const carol = await TestDevice.open('carol', NAMES, { policy: 'on-demand' })
    await bob.write({ 'a.bin': pseudoRandomBytes(8, 500_000) })
    connect(carol, bob)
    await carol.upToDate()
    const alice = await TestDevice.open('alice', NAMES)
    connect(alice, carol)
    // Carol has the metadata and no bytes: alice is up to date with her, and lacks the bytes.
    await alice.upToDate()
    expect(alice.engine.spaceState(HOME)?.missingChunks).toBeGreaterThan(0)
    connect(alice, bob)
    await expect.poll(() => alice.engine.spaceState(HOME)?.missingChunks).toBe(0)
    expect(await alice.files()).toEqual(await bob.files())
  })

  it('gives the work of a device that falls silent to another', async () => {
    const bytes = pseudoRandomBytes(9, 3_000_000)
    const bob = await TestDevice.open('bob', NAMES)
    const carol = await TestDevice.open('carol', NAMES)
    await bob.write({ 'film.bin': bytes })
    connect(carol, bob)
    await carol.upToDate()
    const alice = await TestDevice.open('alice', NAMES, { clock: turnClock(20) })
    // Carol's disk hangs from the second batch on.
    const getMany = carol.chunks.getMany.bind(carol.chunks)
    let release: () => void = () => undefined
    const disk = new Promise<void>((resolve) => {
      release = resolve
    })
    let batches = 0
    carol.chunks.getMany = async function* (space, ids, options) {
      for await (const batch of getMany(space, ids, options)) {
        if (batches++ > 0) await disk
        yield batch
      }
    }
    connect(alice, carol)
    connect(alice, bob)
    // Before the metadata came nothing is missing either.
    await expect.poll(() => alice.tree().lookup('film.bin')).toBeDefined()
    await expect.poll(() => alice.engine.spaceState(HOME)).toMatchObject({ missingChunks: 0, isSettled: true })
    expect(await alice.files()).toEqual(await bob.files())
    release()
  })
})

describe('a device that takes long to answer', () => {
  it('is not asked again and again because of another that has nothing to give', async () => {
    const bob = await TestDevice.open('bob', NAMES, { policy: 'on-demand' })
    const carol = await TestDevice.open('carol', NAMES)
    await carol.write({ 'film.bin': pseudoRandomBytes(14, 900_000) })
    connect(bob, carol)
    await bob.upToDate()
    const clock = turnClock(50)
    const alice = await TestDevice.open('alice', NAMES, { clock })
    const getMany = carol.chunks.getMany.bind(carol.chunks)
    let release: () => void = () => undefined
    const disk = new Promise<void>((resolve) => {
      release = resolve
    })
    carol.chunks.getMany = async function* (space, ids, options) {
      await disk
      yield* getMany(space, ids, options)
    }
    let wants = 0
    const onFrame = (payload: Uint8Array, sender: DeviceKey) => {
      if (payload[0] === MESSAGE_TYPE.want && sender === alice.key) wants++
      return undefined
    }
    connect(alice, carol, { onFrame })
    await expect.poll(() => wants).toBeGreaterThan(0)
    connect(alice, bob)
    // Bob has answered that he has none of it, and Carol has been silent for long.
    const start = clock.monotonic()
    await expect.poll(() => clock.monotonic() - start).toBeGreaterThan(20_000)
    expect(wants).toBeLessThan(10)
    release()
    await expect.poll(() => alice.engine.spaceState(HOME)?.missingChunks).toBe(0)
  })
})

describe('two devices that lack the same bytes', () => {
  it('say so once, and then are quiet', async () => {
    const clock = new ManualClock()
    const carol = await TestDevice.open('carol', NAMES)
    await carol.write({ 'lost.bin': pseudoRandomBytes(13, 900_000), 'lost.txt': Buffer.from('lost') })
    const alice = await TestDevice.open('alice', NAMES, { clock })
    const bob = await TestDevice.open('bob', NAMES, { clock })
    for (const device of [alice, bob]) {
      for (const message of await carol.tree().receive(device.tree().hello(), device.key, true)) {
        await device.tree().receive(message, carol.key, true)
      }
    }
    const frames: number[] = []
    connect(alice, bob, {
      onFrame: (payload) => {
        frames.push(payload[0] as number)
        return undefined
      },
    })
    await clock.advance(20_000)
    expect(alice.engine.peers()).toMatchObject([{ isUpToDate: true, isPeerUpToDate: true }])
    expect(alice.engine.spaceState(HOME)?.missingBytes).toBe(900_004)
    frames.length = 0
    await clock.advance(60_000)
    const quiet: number[] = [MESSAGE_TYPE.ping, MESSAGE_TYPE.pong]
    expect(frames.filter((type) => !quiet.includes(type))).toEqual([])
  })
})

describe('a space that is fetched on demand', () => {
  it('fetches what is asked for and nothing else', async () => {
    const bob = await TestDevice.open('bob', NAMES)
    await bob.write({ 'a.bin': pseudoRandomBytes(10, 900_000), 'b.bin': pseudoRandomBytes(11, 900_000) })
    const alice = await TestDevice.open('alice', NAMES, { policy: 'on-demand' })
    connect(alice, bob)
    await alice.upToDate()
    expect((await alice.chunks.stats()).chunks).toBe(0)
    const wanted = alice.tree().lookup('a.bin')?.file
    if (wanted === undefined) throw new TypeError('the metadata is here')
    const progress: number[] = []
    await alice.engine.ensure(HOME, [wanted], { onProgress: (done) => progress.push(done) })
    expect((await alice.files())['a.bin']).toBe((await bob.files())['a.bin'])
    expect((await alice.files())['b.bin']).not.toBe((await bob.files())['b.bin'])
    expect(progress).toEqual([...progress].sort((a, b) => a - b))
    expect(progress.at(-1)).toBeGreaterThan(890_000)
    await alice.engine.ensure(HOME, [wanted])
  })

  it('says that no device is connected, or that none has it', async () => {
    const bob = await TestDevice.open('bob', NAMES)
    const carol = await TestDevice.open('carol', NAMES, { policy: 'on-demand' })
    await bob.write({ 'a.txt': Buffer.from('a') })
    const [session] = connect(carol, bob)
    await carol.upToDate()
    const wanted = carol.tree().lookup('a.txt')?.file
    if (wanted === undefined) throw new TypeError('the metadata is here')
    await session.end()
    const alone = await carol.engine.ensure(HOME, [wanted], { graceMs: 20 }).catch((error: unknown) => error)
    expect(isDittoError(alone) && alone.code).toBe('DITTO_PEER_UNREACHABLE')
    const dave = await TestDevice.open('dave', NAMES)
    connect(carol, dave)
    await carol.upToDate()
    const nowhere = await carol.engine.ensure(HOME, [wanted]).catch((error: unknown) => error)
    expect(isDittoError(nowhere) && nowhere.code).toBe('DITTO_CHUNK_MISSING')
    await expect(carol.engine.ensure(HOME, [wanted], { signal: AbortSignal.abort() })).rejects.toThrow(/abort/i)
  })

  it('waits two seconds where no device is on the way, and ten while one is being dialled', async () => {
    const clock = new ManualClock()
    let isDialing = false
    const bob = await TestDevice.open('bob', NAMES, { clock })
    const carol = await TestDevice.open('carol', NAMES, { clock, policy: 'on-demand', isDialing: () => isDialing })
    await bob.write({ 'a.txt': Buffer.from('a') })
    const [session] = connect(carol, bob)
    await clock.advance(2000)
    await session.end()
    const wanted = carol.tree().lookup('a.txt')?.file
    if (wanted === undefined) throw new TypeError('the metadata is here')
    const waitedMs = async () => {
      const start = clock.monotonic()
      let end: number | undefined
      const ended = carol.engine.ensure(HOME, [wanted]).then(
        () => 'fetched',
        (error: unknown) => {
          end = clock.monotonic()
          return isDittoError(error) ? error.code : error
        },
      )
      await clock.advance(20_000)
      return [await ended, (end ?? 0) - start]
    }
    expect(await waitedMs()).toEqual(['DITTO_PEER_UNREACHABLE', 2000])
    isDialing = true
    expect(await waitedMs()).toEqual(['DITTO_PEER_UNREACHABLE', 10_000])
    const patient = carol.engine.ensure(HOME, [wanted])
    await clock.advance(5000)
    connect(carol, bob)
    await clock.advance(2000)
    await patient
    expect(await carol.files()).toEqual(await bob.files())
  })

  it('waits a while for a device to come', async () => {
    const bob = await TestDevice.open('bob', NAMES)
    const carol = await TestDevice.open('carol', NAMES, { policy: 'on-demand' })
    await bob.write({ 'a.txt': Buffer.from('a') })
    const [session] = connect(carol, bob)
    await carol.upToDate()
    await session.end()
    const wanted = carol.tree().lookup('a.txt')?.file
    if (wanted === undefined) throw new TypeError('the metadata is here')
    const ensured = carol.engine.ensure(HOME, [wanted])
    connect(carol, bob)
    await ensured
    expect(await carol.files()).toEqual(await bob.files())
  })
})

describe('repair', () => {
  it('fetches a good copy of a damaged chunk', async () => {
    const alice = await TestDevice.open('alice', NAMES)
    const bob = await TestDevice.open('bob', NAMES)
    await bob.write({ 'a.bin': pseudoRandomBytes(12, 50_000) })
    connect(alice, bob)
    await alice.upToDate()
    const content = alice.tree().lookup('a.bin')?.file?.content
    const id = content?.kind === 'inline' ? content.chunks[0]?.id : undefined
    if (id === undefined) throw new TypeError('a small file is inline')
    alice.chunks.damage(id)
    const found = []
    for await (const damage of alice.chunks.verify()) found.push(damage.id)
    expect(found).toEqual([id])
    await alice.engine.repair(HOME, found)
    expect(await alice.files()).toEqual(await bob.files())
  })
})
