import { type ChunkId, DittoError, type VolumeHandle } from '@dittofs/interface'
import { pseudoRandomBytes } from '@dittofs/testing'
import { afterEach, describe, expect, test } from 'vitest'
import type { SpaceVolume, VolumeInit } from '../src/index.ts'
import { bytesOf, fileWith, put } from './support/file-samples.ts'
import { ManualClock } from './support/manual-clock.ts'
import { TestSpace } from './support/test-space.ts'

const SIZE = 10_000_000

const opened: { close(): Promise<void> }[] = []

afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close()
})

/** Alice has a large file; Bob has its metadata, and what he fetches. */
async function setUp(init: Partial<VolumeInit> = {}) {
  const clock = new ManualClock()
  const [alice, bob] = [await TestSpace.open('alice'), await TestSpace.open('bob', { clock })]
  const source = await alice.volume()
  const content = pseudoRandomBytes(1, SIZE)
  const handle = await fileWith(source, 'large', content)
  await source.commit(handle)
  await alice.exchangeWith(bob)
  const asked: ChunkId[] = []
  const fetchChunks = async (ids: readonly ChunkId[]) => {
    asked.push(...ids)
    for (const id of ids) {
      const bytes = await alice.store.get(alice.metadata.space, id)
      if (bytes === undefined) throw new DittoError('DITTO_CHUNK_MISSING', 'Nobody has it.')
      await bob.store.put(bob.metadata.space, [{ id, bytes }])
    }
  }
  const volume = await bob.volume({ fetchChunks, ...init })
  opened.push(alice, bob, { close: () => source.abort() }, { close: () => volume.abort() })
  return { clock, alice, bob, volume, handle, content, asked, fetchChunks }
}

async function expectRead(
  volume: SpaceVolume,
  handle: VolumeHandle,
  content: Uint8Array,
  offset: number,
  length: number,
) {
  const { bytes } = await volume.read(handle, { offset, length })
  expect(Buffer.compare(bytes, content.subarray(offset, offset + length))).toBe(0)
}

describe('a file whose bytes are on other devices', () => {
  test('is shown whole, and says how much of it is here', async () => {
    const { volume, handle } = await setUp()
    expect(await volume.attributes(handle)).toMatchObject({ size: SIZE, heldBytes: 0 })
    expect(await volume.statistics()).toMatchObject({ files: 1, usedBytes: SIZE })
  })

  test('is fetched only where it is read', async () => {
    const { volume, handle, content, asked, bob } = await setUp()
    await expectRead(volume, handle, content, 5_000_000, 10_000)
    // The manifest, and the chunks that the part touches.
    expect(asked.length).toBeLessThanOrEqual(4)
    const fetched = asked.length
    await expectRead(volume, handle, content, 5_000_000, 10_000)
    expect(asked).toHaveLength(fetched)
    expect((await bob.store.stats()).bytes).toBeLessThan(600_000)
  })

  test('is read ahead of who reads in order', async () => {
    const { volume, handle, content, asked } = await setUp()
    for (let offset = 0; offset < 2_000_000; offset += 100_000) {
      await expectRead(volume, handle, content, offset, 100_000)
    }
    expect(new Set(asked).size).toBe(asked.length)
    const before = asked.length
    await expectRead(volume, handle, content, 2_000_000, 200_000)
    const perRead = asked.length - before
    expect(perRead === 0 || perRead > 3).toBe(true)
    expect(Buffer.compare(await bytesOf(volume, handle), content)).toBe(0)
    expect(new Set(asked).size).toBe(asked.length)
  })

  test('cannot be read where nobody has it, and can when somebody comes', async () => {
    let isReached = false
    const { volume, handle, content } = await (async () => {
      const parts = await setUp()
      const fetchChunks: typeof parts.fetchChunks = async (ids) => {
        if (!isReached) throw new DittoError('DITTO_PEER_UNREACHABLE', 'Nobody is connected.')
        await parts.fetchChunks(ids)
      }
      return { ...parts, volume: await parts.bob.volume({ fetchChunks }) }
    })()
    const reading = volume.read(handle, { offset: 0, length: 10 })
    await expect(reading).rejects.toMatchObject({ code: 'DITTO_CHUNK_MISSING' })
    isReached = true
    await expectRead(volume, handle, content, 0, 10)
    await volume.abort()
  })

  test('cannot be read without a way to fetch, but for what is here', async () => {
    const { bob, volume, handle, content } = await setUp()
    await expectRead(volume, handle, content, 5_000_000, 1000)
    const alone = await bob.volume()
    await expect(alone.read(handle, { offset: 0, length: 10 })).rejects.toMatchObject({ code: 'DITTO_CHUNK_MISSING' })
    await expectRead(alone, handle, content, 5_000_000, 1000)
    await alone.abort()
  })

  test('keeps a reader waiting for 15 seconds, and no longer', async () => {
    const signals: AbortSignal[] = []
    const { clock, volume, handle } = await setUp({
      fetchChunks: (_ids, { signal }) => {
        signals.push(signal as AbortSignal)
        return new Promise(() => undefined)
      },
    })
    let outcome: unknown
    const reading = volume.read(handle, { offset: 0, length: 10 }).catch((error: unknown) => {
      outcome = error
    })
    await clock.advance(14_900)
    expect(outcome).toBeUndefined()
    await clock.advance(200)
    await reading
    expect(outcome).toMatchObject({ code: 'DITTO_CHUNK_MISSING' })
    expect(signals[0]?.aborted).toBe(true)
  })

  test('keeps no volume from closing for long', async () => {
    const { clock, volume, handle } = await setUp({ fetchChunks: () => new Promise(() => undefined) })
    const reading = volume.read(handle, { offset: 0, length: 10 })
    reading.catch(() => undefined)
    await put(volume, handle, 5_000_000, 'never committed')
    let isClosed = false
    const closing = volume.close().finally(() => {
      isClosed = true
    })
    closing.catch(() => undefined)
    await clock.advance(2900)
    expect(isClosed).toBe(false)
    await clock.advance(200)
    await expect(reading).rejects.toMatchObject({ code: 'DITTO_CLOSED' })
    await expect(closing).rejects.toMatchObject({ code: 'DITTO_CLOSED' })
  })

  test('is fetched once for readers at once, of whom one may go', async () => {
    const waiting: (() => void)[] = []
    const parts = await setUp()
    const volume = await parts.bob.volume({
      fetchChunks: async (ids) => {
        await new Promise<void>((resolve) => waiting.push(resolve))
        await parts.fetchChunks(ids)
      },
    })
    const stop = new AbortController()
    const release = () => {
      for (const resolve of waiting.splice(0)) resolve()
    }
    const releasing = setInterval(release, 1)
    await expectRead(volume, parts.handle, parts.content, 1_000_000, 1)
    clearInterval(releasing)
    parts.asked.length = 0
    const first = volume.read(parts.handle, { offset: 8_000_000, length: 10, signal: stop.signal })
    const second = volume.read(parts.handle, { offset: 8_000_000, length: 10 })
    first.catch(() => undefined)
    while (waiting.length === 0) await new Promise((resolve) => setImmediate(resolve))
    stop.abort(new Error('gone'))
    await expect(first).rejects.toThrow('gone')
    release()
    expect((await second).bytes).toHaveLength(10)
    expect(parts.asked).toHaveLength(1)
    await volume.abort()
  })

  test('is written to without the rest of it', async () => {
    const { volume, handle, content, asked, alice, bob } = await setUp()
    await put(volume, handle, 7_000_000, 'a few bytes')
    expect(asked).toEqual([])
    await volume.commit(handle)
    expect(asked.length).toBeLessThan(8)
    await bob.exchangeWith(alice)
    const next = Buffer.from(content)
    next.write('a few bytes', 7_000_000)
    expect(Buffer.compare(await bytesOf(volume, handle), next)).toBe(0)
  })

  test('whose bytes here are damaged is fetched anew', async () => {
    const { volume, handle, content, bob, alice, fetchChunks } = await setUp()
    const file = await volume.create(volume.root, 'small', { mode: 0o644, rule: 'guarded' })
    await volume.write(file.handle, Buffer.from('whole'), { offset: 0, isStable: true })
    const chunks = bob.metadata.lookup('small')?.file?.content
    const id = (chunks?.kind === 'inline' ? chunks.chunks[0]?.id : undefined) as ChunkId
    const bytes = (await bob.store.get(bob.metadata.space, id)) as Uint8Array
    await alice.store.put(alice.metadata.space, [{ id, bytes }])
    ;(bob.store as unknown as { damage(id: ChunkId): void }).damage(id)
    const again = await bob.volume({ fetchChunks })
    expect((await bytesOf(again, file.handle)).toString()).toBe('whole')
    await again.abort()
    await expectRead(volume, handle, content, 0, 100)
  })

  test('is kept in memory within the budget', async () => {
    const { alice, handle, content } = await setUp()
    const read: ChunkId[] = []
    const store = new Proxy(alice.store, {
      get(target, key) {
        const value = Reflect.get(target, key) as unknown
        if (typeof value !== 'function') return value
        return (...args: unknown[]) => {
          if (key === 'getMany') read.push(...(args[1] as ChunkId[]))
          return (value as (...args: unknown[]) => unknown).apply(target, args)
        }
      },
    })
    const volume = await alice.volume({ store, cacheBytes: 1_000_000, readAheadBytes: 1 })
    await expectRead(volume, handle, content, 1_000_000, 300_000)
    const once = read.length
    await expectRead(volume, handle, content, 1_000_000, 300_000)
    expect(read).toHaveLength(once)
    await expectRead(volume, handle, content, 5_000_000, 1_000_000)
    await expectRead(volume, handle, content, 6_000_000, 1_000_000)
    const before = read.length
    await expectRead(volume, handle, content, 1_000_000, 300_000)
    expect(read.length).toBeGreaterThan(before)
    await volume.abort()
  })
})
