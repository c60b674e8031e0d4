import { readdir, stat } from 'node:fs/promises'
import path from 'node:path'
import type { Device } from '@dittofs/interface'
import { pseudoRandomBytes, temporaryDirectory } from '@dittofs/testing'
import { describe, expect, it } from 'vitest'
import type { DeviceInit } from '../../src/device-init.ts'
import { collected, joined } from '../support/local-files.ts'
import { homeWith, makeFiles, openLocal } from '../support/open-local.ts'

const LOOPBACK: Partial<DeviceInit> = { online: true, host: '127.0.0.1', port: 0, mdns: false, beacon: false }
const MIB = 1024 * 1024

const open = (name: string, init: Partial<DeviceInit> = {}) => openLocal({ ...LOOPBACK, name, ...init })

async function pair(inviter: Device, joiner: Device): Promise<void> {
  const { ticket } = await inviter.invite()
  await joiner.join(ticket)
}

async function two() {
  const [alice, bob] = [await open('alice'), await open('bob')]
  await pair(alice, bob)
  return { alice, bob }
}

async function entryOf(device: Device, at: string) {
  const [entry] = await collected(device.list(at, { isVerbose: true }))
  return entry
}

async function packBytes(home: string): Promise<number> {
  let bytes = 0
  for (const entry of await readdir(path.join(home, 'chunks'), { recursive: true, withFileTypes: true })) {
    if (entry.name.endsWith('.pack')) bytes += (await stat(path.join(entry.parentPath, entry.name))).size
  }
  return bytes
}

describe('evict', () => {
  it('frees the bytes that another device keeps, fetches nothing of it again, and leaves it to be got', async () => {
    const { alice } = await two()
    const film = pseudoRandomBytes(5, 6 * MIB)
    await alice.add([await makeFiles({ 'film.bin': film, 'note.txt': 'note' })], { as: 'films' })
    await alice.waitUntilSynced()
    const before = await packBytes(alice.home)
    const result = await alice.pins.evict('films/film.bin')
    expect(result).toMatchObject({ path: 'films/film.bin', files: 1, bytes: film.length, skipped: [] })
    expect(result.freedBytes).toBeGreaterThanOrEqual(film.length)
    expect(before - (await packBytes(alice.home))).toBeGreaterThan(5 * MIB)
    await alice.waitUntilSynced()
    const entry = await entryOf(alice, 'films/film.bin')
    expect(entry).toMatchObject({ pin: 'evicted' })
    expect(entry?.missingChunks).toBe(entry?.chunks)
    expect(await collected(alice.list('', { missing: true }))).toEqual([])
    expect(await alice.spaces()).toMatchObject([{ missingChunks: 0, evicted: ['films/film.bin'] }])
    expect((await joined(alice.read('films/film.bin'))).equals(film)).toBe(true)
    expect((await alice.collect()).bytes).toBeGreaterThanOrEqual(film.length)
    expect(await alice.pins.unpin('films/film.bin')).toEqual({ path: 'films/film.bin', was: 'evicted' })
    await alice.waitUntilSynced()
    expect(await entryOf(alice, 'films/film.bin')).toMatchObject({ missingChunks: 0 })
  })

  it('is refused without anybody to ask, and where nobody keeps it; nothing is decided then', async () => {
    const alone = await open('alice')
    await alone.add([path.join(await makeFiles({ f: 'text' }), 'f')])
    await expect(alone.pins.evict('f')).rejects.toMatchObject({ code: 'DITTO_PEER_UNREACHABLE' })
    const bob = await open('bob', { home: await homeWith('fetch = "on-demand"\n') })
    await pair(alone, bob)
    await bob.waitUntilSynced()
    await expect(alone.pins.evict('f')).rejects.toMatchObject({ code: 'DITTO_CHUNK_MISSING' })
    await expect(alone.pins.evict('nothing')).rejects.toMatchObject({ code: 'DITTO_NOT_FOUND' })
    expect(await entryOf(alone, 'f')).not.toHaveProperty('pin')
    await alone.collect()
    expect(await joined(alone.read('f'))).toEqual(Buffer.from('text'))
  })

  it('leaves the bytes on one of two devices that evict one file, in turn and at once', async () => {
    const { alice, bob } = await two()
    await alice.add([path.join(await makeFiles({ f: 'text' }), 'f')])
    await alice.add([path.join(await makeFiles({ g: 'other text' }), 'g')])
    await alice.waitUntilSynced()
    await alice.pins.evict('f')
    await expect(bob.pins.evict('f')).rejects.toMatchObject({ code: 'DITTO_CHUNK_MISSING' })
    const outcomes = await Promise.allSettled([alice.pins.evict('g'), bob.pins.evict('g')])
    expect(outcomes.filter(({ status }) => status === 'fulfilled').length).toBeLessThan(2)
    await Promise.all([alice.collect(), bob.collect()])
    for (const [at, text] of [
      ['f', 'text'],
      ['g', 'other text'],
    ] as const) {
      expect(await joined(alice.read(at))).toEqual(Buffer.from(text))
      expect(await joined(bob.read(at))).toEqual(Buffer.from(text))
    }
  })

  it('leaves later versions of others alone, and keeps those made here until they are evicted too', async () => {
    const { alice, bob } = await two()
    await alice.add([path.join(await makeFiles({ f: 'one' }), 'f')])
    await alice.waitUntilSynced()
    await alice.pins.evict('f')
    await bob.add([path.join(await makeFiles({ f: 'two two' }), 'f')], { replace: true })
    await bob.waitUntilSynced()
    await alice.waitUntilSynced()
    expect(await entryOf(alice, 'f')).toMatchObject({ size: 7, missingChunks: 1, pin: 'evicted' })
    await alice.add([path.join(await makeFiles({ f: 'three' }), 'f')], { replace: true })
    await alice.collect()
    expect(await entryOf(alice, 'f')).toMatchObject({ size: 5, missingChunks: 0 })
    await alice.waitUntilSynced()
    await alice.pins.evict('f')
    expect(await entryOf(alice, 'f')).toMatchObject({ missingChunks: 1 })
  })

  it('covers what comes into a directory later, follows its rename, and leaves what is pinned in it', async () => {
    const { alice, bob } = await two()
    await alice.add([await makeFiles({ a: 'a', best: 'best' })], { as: 'films' })
    await alice.waitUntilSynced()
    await alice.pins.pin('films/best')
    expect(await alice.pins.evict('films')).toMatchObject({ files: 1, skipped: [{ path: 'films/best' }] })
    await bob.move('films', 'cinema')
    await bob.add([path.join(await makeFiles({ b: 'b' }), 'b')], { as: 'cinema/b' })
    await bob.waitUntilSynced()
    await alice.waitUntilSynced()
    const missing = (await collected(alice.list('cinema'))).map((entry) => [entry.path, entry.missingChunks, entry.pin])
    expect(missing).toEqual([
      ['cinema', 0, 'evicted'],
      ['cinema/a', 1, 'evicted'],
      ['cinema/b', 1, 'evicted'],
      ['cinema/best', 0, 'pinned'],
    ])
    await expect(alice.pins.evict('cinema/best')).rejects.toMatchObject({ code: 'DITTO_USAGE' })
    await expect(alice.pins.unpin('cinema/b')).rejects.toMatchObject({ code: 'DITTO_NOT_FOUND' })
    await alice.pins.pin('cinema')
    await alice.waitUntilSynced()
    expect(await collected(alice.list('', { missing: true }))).toEqual([])
    expect(await alice.spaces()).toMatchObject([{ pinned: ['cinema', 'cinema/best'] }])
  })

  it('is refused in and around a live folder, and ends where one is made', async () => {
    const { alice, bob } = await two()
    await bob.add([await makeFiles({ 'in/f': 'text', out: 'out' })], { as: 'work' })
    await bob.waitUntilSynced()
    const folder = path.join(await temporaryDirectory(), 'in')
    await alice.folders.link(folder, { path: 'work/in' })
    for (const at of ['work/in/f', 'work/in', 'work', '']) {
      await expect(alice.pins.evict(at)).rejects.toMatchObject({ code: 'DITTO_UNSUPPORTED' })
    }
    await alice.folders.unlink(folder)
    await alice.pins.evict('work')
    expect(await entryOf(alice, 'work/in/f')).toMatchObject({ missingChunks: 1 })
    await alice.folders.link(path.join(await temporaryDirectory(), 'again'), { path: 'work/in' })
    await alice.waitUntilSynced()
    expect(await entryOf(alice, 'work/in/f')).toMatchObject({ missingChunks: 0 })
    expect(await entryOf(alice, 'work/out')).toMatchObject({ missingChunks: 1, pin: 'evicted' })
  })

  it('outlasts a restart', async () => {
    const [alice, bob] = [await open('alice'), await open('bob')]
    await pair(bob, alice)
    await bob.add([path.join(await makeFiles({ f: 'text' }), 'f')])
    await bob.waitUntilSynced()
    await alice.pins.evict('f')
    await alice.close()
    const again = await open('alice', { home: alice.home })
    await again.sync({ timeoutMs: 50_000 })
    expect(await entryOf(again, 'f')).toMatchObject({ missingChunks: 1, pin: 'evicted' })
  })
})

describe('pin', () => {
  it('brings the bytes of a directory where everything else comes on demand, now and later', async () => {
    const alice = await open('alice')
    const bob = await open('bob', { home: await homeWith('fetch = "on-demand"\n') })
    await pair(alice, bob)
    await alice.add([await makeFiles({ 'in/f': 'text', out: 'out' })], { as: 'tree' })
    await alice.waitUntilSynced()
    expect(await bob.pins.pin('tree/in')).toEqual({ path: 'tree/in', files: 1, missingBytes: 4 })
    await bob.waitUntilSynced()
    expect(await entryOf(bob, 'tree/in/f')).toMatchObject({ missingChunks: 0, pin: 'pinned' })
    expect(await entryOf(bob, 'tree/out')).toMatchObject({ missingChunks: 1 })
    await alice.add([path.join(await makeFiles({ g: 'later' }), 'g')], { as: 'tree/in/g' })
    await alice.waitUntilSynced()
    await bob.waitUntilSynced()
    expect(await entryOf(bob, 'tree/in/g')).toMatchObject({ missingChunks: 0 })
  })

  it('can be decided without the network, and ended', async () => {
    const device = await openLocal({ name: 'alice' })
    await device.add([path.join(await makeFiles({ f: 'text' }), 'f')])
    expect(await device.pins.pin('f')).toEqual({ path: 'f', files: 1, missingBytes: 0 })
    await expect(device.pins.evict('f')).rejects.toMatchObject({ code: 'DITTO_USAGE' })
    expect(await device.pins.unpin('f')).toEqual({ path: 'f', was: 'pinned' })
    await expect(device.pins.unpin('f')).rejects.toMatchObject({ code: 'DITTO_NOT_FOUND' })
    await expect(device.pins.evict('f')).rejects.toMatchObject({ code: 'DITTO_PEER_UNREACHABLE' })
  })
})
