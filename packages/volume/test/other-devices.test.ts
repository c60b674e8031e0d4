import type { ChunkId, VolumeHandle } from '@dittofs/interface'
import { afterEach, describe, expect, test } from 'vitest'
import type { SpaceVolume } from '../src/index.ts'
import { bytesOf, contentsOf, fileWith, namesOf, put, textOf } from './support/file-samples.ts'
import { TestSpace } from './support/test-space.ts'

const opened: { close(): Promise<void> }[] = []

afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close()
})

interface TwoDevices {
  readonly alice: SpaceVolume
  readonly bob: SpaceVolume
  readonly exchange: () => Promise<void>
  readonly spaces: readonly [TestSpace, TestSpace]
}

/** Two devices that share a space and hold all of its content. */
async function twoDevices(): Promise<TwoDevices> {
  const spaces = [await TestSpace.open('alice'), await TestSpace.open('bob')] as const
  const [alice, bob] = [await spaces[0].volume({ fetchChunks }), await spaces[1].volume({ fetchChunks })]
  opened.push(...spaces, { close: () => alice.abort() }, { close: () => bob.abort() })
  async function fetchChunks(ids: readonly ChunkId[]) {
    const [first, second] = spaces
    for (const id of ids) {
      const { space } = first.metadata
      const bytes = (await first.store.get(space, id)) ?? (await second.store.get(space, id))
      if (bytes === undefined) continue
      for (const { store } of spaces) await store.put(space, [{ id, bytes: bytes.slice() }])
    }
  }
  return { alice, bob, spaces, exchange: () => spaces[0].exchangeWith(spaces[1]) }
}

/** A file that both have, committed. */
async function shared(devices: TwoDevices, content: string): Promise<VolumeHandle> {
  const handle = await fileWith(devices.alice, 'f.txt', content)
  await devices.alice.commit(handle)
  await devices.exchange()
  return handle
}

describe('changes by other devices', () => {
  test('show at once, under the same handles', async () => {
    const devices = await twoDevices()
    const { alice, bob, exchange } = devices
    const handle = await shared(devices, 'one')
    expect(await textOf(bob, handle)).toBe('one')
    const before = await alice.attributes(handle)
    await bob.write(handle, Buffer.from('two!'), { offset: 0, isStable: true })
    await bob.rename(bob.root, 'f.txt', bob.root, 'g.txt')
    await exchange()
    expect(await textOf(alice, handle)).toBe('two!')
    expect(await alice.path(handle)).toEqual(['g.txt'])
    const after = await alice.attributes(handle)
    expect(after.fileId).toBe(before.fileId)
    expect(after.changeTag).not.toBe(before.changeTag)
    expect(await namesOf(alice)).toEqual(['g.txt'])
  })

  test('change the time and tag of the directory they are in', async () => {
    const { alice, bob, exchange } = await twoDevices()
    const before = await alice.attributes(alice.root)
    await bob.makeDirectory(bob.root, 'd', 0o755)
    await exchange()
    const after = await alice.attributes(alice.root)
    expect(after.mtimeNs > before.mtimeNs).toBe(true)
    expect(after.changeTag).not.toBe(before.changeTag)
    expect(await namesOf(alice)).toEqual(['d'])
  })

  test('to a file with uncommitted writes stand beside it as a conflict copy, without a mix', async () => {
    const devices = await twoDevices()
    const { alice, bob, exchange } = devices
    const handle = await shared(devices, '............')
    await put(alice, handle, 0, 'AAAA')
    await bob.write(handle, Buffer.from('BBBB'), { offset: 8, isStable: true })
    await exchange()
    // What was written here shows to those who hold the file open here, until it is committed.
    expect(await textOf(alice, handle)).toBe('AAAA........')
    await alice.commit(handle)
    expect(Object.values(await contentsOf(alice)).sort()).toEqual(['........BBBB', 'AAAA........'])
    await exchange()
    expect(await contentsOf(bob)).toEqual(await contentsOf(alice))
  })

  test.each(['alice', 'bob'] as const)(
    'leave the writer with its own bytes after a conflict (written by %s)',
    async (writer) => {
      const devices = await twoDevices()
      const handle = await shared(devices, '............')
      const [here, there] = writer === 'alice' ? [devices.alice, devices.bob] : [devices.bob, devices.alice]
      await put(here, handle, 0, 'AAAA')
      await there.write(handle, Buffer.from('BBBB'), { offset: 8, isStable: true })
      await devices.exchange()
      await here.commit(handle)
      expect(await textOf(here, handle)).toBe('AAAA........')
      await put(here, handle, 4, 'aaaa')
      await here.commit(handle)
      expect(await textOf(here, handle)).toBe('AAAAaaaa....')
      expect(Object.values(await contentsOf(here)).sort()).toEqual(['........BBBB', 'AAAAaaaa....'])
      const { entries } = await here.readDirectory(here.root, { after: 0n, limit: 10 })
      expect(new Set(entries.map(({ handle: one }) => one)).size).toBe(2)
      expect(new Set(entries.map(({ attributes }) => attributes.fileId)).size).toBe(2)
      for (const entry of entries) {
        expect(await here.path(entry.handle)).toEqual([entry.name])
        expect(await here.attributes(entry.handle)).toEqual(entry.attributes)
      }
    },
  )

  test('give a conflict copy a handle of its own, by which it is read, written, renamed and removed', async () => {
    const devices = await twoDevices()
    const { alice, bob, exchange } = devices
    const handle = await shared(devices, 'base')
    await alice.write(handle, Buffer.from('AAAA'), { offset: 0, isStable: true })
    await bob.write(handle, Buffer.from('BBBB'), { offset: 0, isStable: true })
    await exchange()
    const { entries } = await alice.readDirectory(alice.root, { after: 0n, limit: 10 })
    expect(entries).toHaveLength(2)
    const copy = entries.find((entry) => entry.handle !== handle)
    expect(copy?.handle.length).toBeLessThanOrEqual(48)
    const [copyHandle, copyName] = [copy?.handle as VolumeHandle, copy?.name as string]
    expect((await alice.lookup(alice.root, copyName)).handle).toBe(copyHandle)
    const [main, other] = [await textOf(alice, handle), await textOf(alice, copyHandle)]
    expect([main, other].sort()).toEqual(['AAAA', 'BBBB'])
    await put(alice, copyHandle, 4, '++')
    await alice.commit(copyHandle)
    expect(await textOf(alice, copyHandle)).toBe(`${other}++`)
    expect(await textOf(alice, handle)).toBe(main)
    await put(alice, copyHandle, 6, '!')
    await alice.rename(alice.root, await nameOf(alice, copyHandle), alice.root, 'solved.txt')
    expect(await contentsOf(alice)).toEqual({ 'f.txt': main, 'solved.txt': `${other}++!` })
    expect(await textOf(alice, copyHandle)).toBe(`${other}++!`)
    await alice.removeFile(alice.root, 'solved.txt')
    expect(await contentsOf(alice)).toEqual({ 'f.txt': main })
    await expect(alice.attributes(copyHandle)).rejects.toMatchObject({ code: 'DITTO_HANDLE_STALE' })
  })

  test('that delete a file with uncommitted writes do not take them along', async () => {
    const devices = await twoDevices()
    const { alice, bob, exchange } = devices
    const handle = await shared(devices, 'base')
    await put(alice, handle, 4, ' and more')
    await bob.removeFile(bob.root, 'f.txt')
    await exchange()
    expect(await textOf(alice, handle)).toBe('base and more')
    expect(await alice.attributes(handle)).toMatchObject({ size: 13 })
    await alice.commit(handle)
    expect(await contentsOf(alice)).toEqual({ 'f.txt': 'base and more' })
    await exchange()
    expect(await contentsOf(bob)).toEqual({ 'f.txt': 'base and more' })
  })

  test('make one directory of two with one name, which both handles name', async () => {
    const { alice, bob, exchange } = await twoDevices()
    const a = await alice.makeDirectory(alice.root, 'd', 0o755)
    const b = await bob.makeDirectory(bob.root, 'd', 0o755)
    await alice.create(a.handle, 'of-alice', { mode: 0o644, rule: 'guarded' })
    await bob.create(b.handle, 'of-bob', { mode: 0o644, rule: 'guarded' })
    await exchange()
    for (const volume of [alice, bob]) {
      for (const { handle } of [a, b]) expect(await namesOf(volume, handle)).toEqual(['of-alice', 'of-bob'])
      await expect(volume.removeDirectory(volume.root, 'd')).rejects.toMatchObject({ code: 'DITTO_NOT_EMPTY' })
    }
    const { attributes } = await alice.lookup(a.handle, 'of-bob')
    await alice.rename(a.handle, 'of-bob', alice.root, 'moved')
    expect((await alice.lookup(alice.root, 'moved')).attributes.fileId).toBe(attributes.fileId)
    await alice.removeTree(alice.root, 'd')
    expect(await namesOf(alice)).toEqual(['moved'])
    for (const { handle } of [a, b]) {
      await expect(alice.attributes(handle)).rejects.toMatchObject({ code: 'DITTO_HANDLE_STALE' })
    }
  })

  test('make one entry of two files of one name and equal bytes, and a write to it is one write', async () => {
    const { alice, bob, exchange } = await twoDevices()
    const [a, b] = [await fileWith(alice, 'same', 'bytes'), await fileWith(bob, 'same', 'bytes')]
    const mtimeNs = 1_600_000_000_000_000_000n
    await alice.commit(a)
    await bob.commit(b)
    await alice.setAttributes(a, { mtimeNs })
    await bob.setAttributes(b, { mtimeNs })
    await exchange()
    expect(await namesOf(alice)).toEqual(['same'])
    await put(alice, b, 0, 'B')
    await put(alice, a, 4, 'S')
    await alice.commit(b)
    expect(await contentsOf(alice)).toEqual({ same: 'ByteS' })
    expect((await bytesOf(alice, a)).toString()).toBe('ByteS')
  })

  test('that the device itself makes by another way show in listings too, conflict copies as well', async () => {
    const devices = await twoDevices()
    const [{ metadata }] = devices.spaces
    const { alice } = devices
    const handle = await shared(devices, 'base')
    const seen = metadata.lookup('f.txt')
    await alice.write(handle, Buffer.from('more'), { offset: 4, isStable: true })
    expect(await namesOf(alice)).toEqual(['f.txt'])
    // As a live folder does that has seen the version before.
    const { node, version, file } = seen as Required<NonNullable<typeof seen>>
    const content = { kind: 'file', file: { ...file, mode: 0o600 } } as const
    await metadata.transact([{ type: 'edit', node, base: version, content }])
    expect(await namesOf(alice)).toHaveLength((metadata.children('') ?? []).length)
  })

  test('do not disturb a listing that is under way', async () => {
    const { alice, bob, exchange } = await twoDevices()
    for (let at = 0; at < 40; at++) await alice.makeDirectory(alice.root, `d${at}`, 0o755)
    await exchange()
    const seen: string[] = []
    for (let after = 0n, step = 0; ; step++) {
      const { entries, isEnd } = await alice.readDirectory(alice.root, { after, limit: 3 })
      seen.push(...entries.map(({ name }) => name))
      if (isEnd) break
      after = entries.at(-1)?.cookie as bigint
      await bob.makeDirectory(bob.root, `new${step}`, 0o755)
      await exchange()
    }
    expect(new Set(seen).size).toBe(seen.length)
    expect(seen).toEqual(expect.arrayContaining(Array.from({ length: 40 }, (_, at) => `d${at}`)))
  })
})

async function nameOf(volume: SpaceVolume, handle: VolumeHandle): Promise<string> {
  return (await volume.path(handle)).at(-1) as string
}
