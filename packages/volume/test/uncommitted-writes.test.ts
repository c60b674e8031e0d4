import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type ChunkStore, DittoError, type VolumeHandle } from '@dittofs/interface'
import { memoryChunkStore, pseudoRandomBytes } from '@dittofs/testing'
import { afterEach, describe, expect, test } from 'vitest'
import type { SpaceVolume, VolumeInit } from '../src/index.ts'
import { bytesOf, fileWith, namesOf, put, textOf } from './support/file-samples.ts'
import { ManualClock } from './support/manual-clock.ts'
import { TestSpace } from './support/test-space.ts'

const opened: { close(): Promise<void> }[] = []

afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close()
})

async function open(init: Partial<VolumeInit> = {}, store: ChunkStore = memoryChunkStore()) {
  const clock = new ManualClock()
  const space = await TestSpace.open('alice', { clock, store })
  const volume = await space.volume(init)
  opened.push(space, { close: () => volume.abort() })
  return { clock, space, volume }
}

/** The version of a file that others would get. */
function committed(space: TestSpace, path: string) {
  return space.metadata.lookup(path)?.file
}

/** Real time for what the clock of the test does not move: hashing, and the disk. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve))
}

/** A store that calls `before` first; where that throws, the call fails. */
function watched(store: ChunkStore, before: (call: string) => void): ChunkStore {
  return new Proxy(store, {
    get(target, key) {
      const value = Reflect.get(target, key) as unknown
      if (typeof value !== 'function') return value
      return (...args: unknown[]) => {
        before(String(key))
        return (value as (...args: unknown[]) => unknown).apply(target, args)
      }
    },
  })
}

describe('a file with uncommitted writes', () => {
  test('becomes a version by itself when it has been quiet', async () => {
    const { clock, space, volume } = await open()
    const handle = await fileWith(volume, 'f', 'one')
    await clock.advance(1900)
    await put(volume, handle, 3, ' two')
    await clock.advance(1900)
    expect(committed(space, 'f')?.size).toBe(0)
    await clock.advance(200)
    await until(() => committed(space, 'f')?.size === 7)
    expect(await textOf(volume, handle)).toBe('one two')
  })

  test('becomes one after half a minute, though it is never quiet', async () => {
    const { clock, space, volume } = await open()
    const handle = await fileWith(volume, 'f', 'x')
    for (let second = 1; second < 30; second++) {
      await clock.advance(1000)
      await put(volume, handle, second, 'x')
    }
    expect(committed(space, 'f')?.size).toBe(0)
    await clock.advance(1500)
    await until(() => committed(space, 'f')?.size === 30)
  })

  test('becomes one soon where much was written', async () => {
    const { clock, space, volume } = await open({ maxDirtyBytes: 3_000_000, quietMs: 60_000, maxDirtyMs: 60_000 })
    await fileWith(volume, 'f', pseudoRandomBytes(1, 4_000_000))
    await clock.advance(1100)
    await until(() => committed(space, 'f')?.size === 4_000_000)
  })

  test('is committed when the volume closes, and lost when it is killed', async () => {
    const { space, volume } = await open()
    await fileWith(volume, 'closed', 'kept')
    await volume.close()
    expect(committed(space, 'closed')?.size).toBe(4)
    const again = await space.volume()
    await fileWith(again, 'killed', 'lost')
    await again.abort()
    expect(committed(space, 'killed')?.size).toBe(0)
  })

  test('has its bytes durable before the metadata names them', async () => {
    const calls: string[] = []
    const store = watched(memoryChunkStore(), (call) => calls.push(call))
    const { space, volume } = await open({}, store)
    space.metadata.onChange(() => calls.push('metadata'))
    const handle = await fileWith(volume, 'f', pseudoRandomBytes(1, 300_000))
    calls.length = 0
    await volume.commit(handle)
    const changing = calls.filter((call) => ['put', 'importStream', 'flush', 'metadata'].includes(call))
    expect(changing).toEqual(['put', 'flush', 'metadata'])
  })

  test('keeps them where a commit fails, tells who asked, and tries again by itself', async () => {
    let isFull = true
    const store = watched(memoryChunkStore(), (call) => {
      if (call === 'put' && isFull) throw new DittoError('DITTO_NO_SPACE', 'The disk is full.')
    })
    const { clock, space, volume } = await open({}, store)
    const handle = await fileWith(volume, 'f', 'text')
    await expect(volume.commit(handle)).rejects.toMatchObject({ code: 'DITTO_NO_SPACE' })
    const writing = volume.write(handle, Buffer.from('T'), { offset: 0, isStable: true })
    await expect(writing).rejects.toMatchObject({ code: 'DITTO_NO_SPACE' })
    expect(await textOf(volume, handle)).toBe('Text')
    await clock.advance(3000)
    expect(committed(space, 'f')?.size).toBe(0)
    isFull = false
    await clock.advance(6000)
    await until(() => committed(space, 'f')?.size === 4)
    expect(await textOf(volume, handle)).toBe('Text')
  })

  test('is not committed any more once this device may only read', async () => {
    let isReadOnly = false
    const { clock, space, volume } = await open({ isReadOnly: () => isReadOnly })
    const handle = await fileWith(volume, 'f', 'text')
    isReadOnly = true
    await expect(volume.commit(handle)).rejects.toMatchObject({ code: 'DITTO_ROLE' })
    await clock.advance(10_000)
    expect(committed(space, 'f')?.size).toBe(0)
  })

  test('answers readers while it is committed', async () => {
    const { volume } = await open()
    const bytes = pseudoRandomBytes(1, 3_000_000)
    const handle = await fileWith(volume, 'f', bytes)
    const committing = volume.commit(handle)
    const reads = await Promise.all([bytesOf(volume, handle), bytesOf(volume, handle), volume.commit(handle)])
    await committing
    expect(Buffer.compare(reads[0], bytes)).toBe(0)
    expect(Buffer.compare(reads[1], bytes)).toBe(0)
  })

  test('of which nothing changed in the end makes no version', async () => {
    const { space, volume } = await open()
    const handle = await fileWith(volume, 'f', 'x')
    const { changeTag } = await volume.commit(handle)
    await volume.commit(handle)
    await volume.write(handle, new Uint8Array(0), { offset: 0, isStable: true })
    await volume.setAttributes(handle, { size: 1 })
    expect((await volume.attributes(handle)).changeTag).toBe(changeTag)
    expect(committed(space, 'f')?.size).toBe(1)
  })

  test('of a few bytes in a large file stores about a chunk', async () => {
    const { space, volume } = await open()
    const size = 20_000_000
    const bytes = pseudoRandomBytes(1, size)
    const handle = await fileWith(volume, 'large', bytes)
    await volume.commit(handle)
    const before = await space.store.stats()
    await put(volume, handle, 12_345_678, pseudoRandomBytes(2, 4096))
    await volume.commit(handle)
    const after = await space.store.stats()
    expect(after.bytes - before.bytes).toBeLessThan(400_000)
    bytes.set(pseudoRandomBytes(2, 4096), 12_345_678)
    expect(Buffer.compare(await bytesOf(volume, handle), bytes)).toBe(0)
  })
})

describe('the spool', () => {
  const spoolNames = (space: TestSpace) => readdir(space.spoolPath)

  test('holds no file for a few bytes, one for many, and none after the commit', async () => {
    const { space, volume } = await open()
    const small = await fileWith(volume, 'small', 'x')
    expect(await spoolNames(space)).toEqual([])
    const large = await fileWith(volume, 'large', pseudoRandomBytes(1, 2_000_000))
    expect(await spoolNames(space)).toHaveLength(1)
    await volume.commit(small)
    await volume.commit(large)
    expect(await spoolNames(space)).toEqual([])
  })

  test('drops the bytes of a file that is removed', async () => {
    const { space, volume } = await open()
    await fileWith(volume, 'large', pseudoRandomBytes(1, 2_000_000))
    await volume.removeFile(volume.root, 'large')
    while ((await spoolNames(space)).length > 0) await new Promise((resolve) => setImmediate(resolve))
    const replaced = await fileWith(volume, 'a', pseudoRandomBytes(1, 2_000_000))
    await fileWith(volume, 'b', 'kept')
    await volume.rename(volume.root, 'b', volume.root, 'a')
    while ((await spoolNames(space)).length > 0) await new Promise((resolve) => setImmediate(resolve))
    await expect(volume.commit(replaced)).rejects.toMatchObject({ code: 'DITTO_HANDLE_STALE' })
    expect(await namesOf(volume)).toEqual(['a'])
  })

  test('is emptied of what a crash left, and of nothing else', async () => {
    const { space } = await open()
    await writeFile(join(space.spoolPath, '0123456789abcdef01234567.spool'), 'never acknowledged')
    await writeFile(join(space.spoolPath, 'notes.txt'), 'of somebody else')
    await (await space.volume()).abort()
    expect(await spoolNames(space)).toEqual(['notes.txt'])
  })

  test('that takes no more bytes fails the write, and leaves the file as it was', async () => {
    const full = {
      clear: async () => undefined,
      create: async () => {
        throw new DittoError('DITTO_NO_SPACE', 'The disk is full.')
      },
    }
    const { volume } = await open({ spool: full })
    const handle: VolumeHandle = await fileWith(volume, 'f', 'small writes stay in memory')
    const writing = volume.write(handle, new Uint8Array(1_000_000), { offset: 0, isStable: false })
    await expect(writing).rejects.toMatchObject({ code: 'DITTO_NO_SPACE' })
    expect(await textOf(volume, handle)).toBe('small writes stay in memory')
    await volume.commit(handle)
    expect(await textOf(volume, handle)).toBe('small writes stay in memory')
  })
})

describe('reading back', () => {
  test('finds pieces written far apart, over what was there', async () => {
    const { volume }: { volume: SpaceVolume } = await open()
    const base = pseudoRandomBytes(1, 1_000_000)
    const handle = await fileWith(volume, 'f', base)
    await volume.commit(handle)
    for (const offset of [10, 500_000, 999_990, 5_000_000_000]) await put(volume, handle, offset, 'here')
    for (const offset of [10, 500_000, 5_000_000_000]) {
      const { bytes } = await volume.read(handle, { offset: offset - 2, length: 8 })
      expect(Buffer.from(bytes).toString('latin1', 2, 6)).toBe('here')
    }
    const { bytes } = await volume.read(handle, { offset: 600_000, length: 1000 })
    expect(Buffer.compare(bytes, base.subarray(600_000, 601_000))).toBe(0)
    expect(await volume.commit(handle)).toMatchObject({ size: 5_000_000_004 })
    const end = await volume.read(handle, { offset: 4_999_999_998, length: 100 })
    expect(Buffer.from(end.bytes).toString()).toBe('\0\0here')
  })
})
