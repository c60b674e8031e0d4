import { symlink } from 'node:fs/promises'
import path from 'node:path'
import { pseudoRandomBytes } from '@dittofs/testing'
import { describe, expect, it } from 'vitest'
import { collected, joined } from './support/local-files.ts'
import { homeWith, makeFiles, openLocal } from './support/open-local.ts'

/** Large enough for a manifest of its own. */
const large = pseudoRandomBytes(5, 2_000_000)

async function deviceWithTree(home?: string) {
  const device = await openLocal({ home: home ?? (await homeWith('history_days = 0\nhistory_versions = 1\n')) })
  const tree = await makeFiles({ 'a.txt': 'alpha', 'empty.txt': '', 'deep/large': large })
  await symlink('a.txt', path.join(tree, 'link'))
  await device.add([tree], { as: 'tree' })
  return device
}

describe('adoptSpace', () => {
  it('shows the same tree in a new space, whose only member is this device', async () => {
    const device = await deviceWithTree()
    const { space, skipped } = await device.adoptSpace('home', { as: 'again' })
    expect(skipped).toEqual([])
    expect(space).toMatchObject({ name: 'again', members: 1, role: 'full', files: 3, missingChunks: 0 })
    const [before, after] = [await collected(device.list('')), await collected(device.list('', { space: 'again' }))]
    expect(after).toEqual(before)
    expect((await joined(device.read('tree/deep/large', { space: 'again' }))).equals(large)).toBe(true)
    expect(await device.spaces()).toHaveLength(2)
  })

  it('stores no chunk a second time', async () => {
    const device = await deviceWithTree()
    const before = (await device.status()).chunks
    await device.adoptSpace('home')
    const after = (await device.status()).chunks
    expect([after.count, after.bytes]).toEqual([before.count, before.bytes])
    expect(after.packBytes - before.packBytes).toBeLessThan(10_000)
  })

  it('outlives the space it was made of', async () => {
    const device = await deviceWithTree()
    await device.adoptSpace('home', { as: 'again' })
    await device.remove('tree', { space: 'home' })
    await device.collect()
    expect((await joined(device.read('tree/deep/large', { space: 'again' }))).equals(large)).toBe(true)
    const { home } = device
    await device.close()
    const later = await openLocal({ home })
    expect(await collected(later.list('', { space: 'again' }))).toHaveLength(6)
  })

  it('takes the first free number where no name is given, and refuses a name that is taken', async () => {
    const device = await deviceWithTree()
    expect((await device.adoptSpace('home')).space.name).toBe('home-2')
    expect((await device.adoptSpace('home')).space.name).toBe('home-3')
    await expect(device.adoptSpace('home', { as: 'home' })).rejects.toMatchObject({ code: 'DITTO_EXISTS' })
    await expect(device.adoptSpace('nothing')).rejects.toMatchObject({ code: 'DITTO_NOT_FOUND' })
  })

  it('leaves nothing behind when it is given up', async () => {
    const device = await deviceWithTree()
    const person = new AbortController()
    const adopting = device.adoptSpace('home', {
      as: 'again',
      signal: person.signal,
      onProgress: () => {
        person.abort()
      },
    })
    await expect(adopting).rejects.toMatchObject({ name: 'AbortError' })
    expect((await device.spaces()).map(({ name }) => name)).toEqual(['home'])
    const { home } = device
    await device.close()
    const later = await openLocal({ home })
    expect((await later.spaces()).map(({ name }) => name)).toEqual(['home'])
    await later.remove('tree')
    await later.collect()
    expect((await later.status()).chunks.count).toBe(0)
  })
})
