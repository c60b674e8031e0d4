import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { pseudoRandomBytes, temporaryDirectory } from '@dittofs/testing'
import { describe, expect, it } from 'vitest'
import { VERSION } from '../src/version.ts'
import { collected, joined } from './support/local-files.ts'
import { homeWith, makeFiles, openLocal } from './support/open-local.ts'

describe('openDevice', () => {
  it('makes a home with one space, and finds it again', async () => {
    const home = path.join(await temporaryDirectory(), 'home')
    const device = await openLocal({ home })
    const status = await device.status()
    expect(status).toMatchObject({
      ...{ home, version: VERSION, isDaemonRunning: false, notices: [], peers: [] },
      spaces: [{ name: 'home', role: 'full', chunker: 'fastcdc', files: 0, missingChunks: 0, members: 1, clashes: [] }],
      chunks: { count: 0, bytes: 0, dedupRatio: 1 },
    })
    expect(status.links).toContainEqual({
      name: 'tcp',
      isUp: false,
      reason: expect.stringContaining('network') as string,
    })
    await device.close()
    const again = await openLocal({ home })
    expect(again.id).toBe(device.id)
    expect((await again.status()).spaces[0]?.id).toBe(status.spaces[0]?.id)
    expect((await readdir(home)).sort()).toEqual([
      'chunks',
      'config.toml',
      'identity',
      'logs',
      'run',
      'spaces',
      'spool',
    ])
    for (const name of await readdir(home)) expect((await stat(path.join(home, name))).mode & 0o077).toBe(0)
  })

  it('is one per home: a second says which process holds it', async () => {
    const device = await openLocal()
    await expect(openLocal({ home: device.home })).rejects.toMatchObject({
      code: 'DITTO_HOME_LOCKED',
      details: { pid: process.pid },
    })
  })

  it('keeps what was added over a restart, and removes what is removed', async () => {
    const device = await openLocal()
    const tree = await makeFiles({ 'a.txt': 'alpha', 'b/large': pseudoRandomBytes(7, 2_000_000) })
    await device.add([tree], { as: 'tree' })
    await device.move('tree/a.txt', 'tree/b/moved')
    await device.close()
    const again = await openLocal({ home: device.home })
    const entries = await collected(again.list())
    expect(entries.map((entry) => entry.path)).toEqual(['tree', 'tree/b', 'tree/b/large', 'tree/b/moved'])
    expect(await joined(again.read('tree/b/moved'))).toEqual(Buffer.from('alpha'))
    expect((await joined(again.read('tree/b/large'))).equals(pseudoRandomBytes(7, 2_000_000))).toBe(true)
    expect(await again.add([tree], { as: 'tree' })).toMatchObject({ files: 2, newChunks: 0 })
    await again.remove('tree')
    expect(await collected(again.list())).toEqual([])
  })

  it('tells the device name: of the init, then of the config, then of a rename', async () => {
    const device = await openLocal({ name: 'alice' })
    expect((await device.status()).device.name).toBe('alice')
    await device.renameDevice('alice "2"')
    await device.close()
    const again = await openLocal({ home: device.home })
    expect((await again.status()).device.name).toBe('alice "2"')
    expect(await again.devices()).toMatchObject([
      { id: device.id, name: 'alice "2"', isSelf: true, spaces: [{ name: 'home' }] },
    ])
    await expect(again.renameDevice('')).rejects.toMatchObject({ code: 'DITTO_USAGE' })
  })

  it('finishes and refuses everything once it is closed, also in the middle of an addition', async () => {
    const device = await openLocal()
    const tree = await makeFiles(Object.fromEntries(Array.from({ length: 2000 }, (_, i) => [`f${i}`, String(i)])))
    const adding = device.add([tree])
    adding.catch(() => undefined)
    await device.close()
    // It did not come to its end first.
    await expect(adding).rejects.toMatchObject({ code: 'DITTO_CLOSED' })
    await expect(device.status()).rejects.toMatchObject({ code: 'DITTO_CLOSED' })
    await expect(collected(device.list())).rejects.toMatchObject({ code: 'DITTO_CLOSED' })
    const again = await openLocal({ home: device.home })
    expect(await again.verify()).toMatchObject({ damaged: [] })
    expect(await again.add([tree])).toMatchObject({ files: 2000 })
  })

  it('tells listeners of changes', async () => {
    const device = await openLocal()
    const changed = new Promise<void>((resolve) => device.onChange(resolve))
    await device.add([await makeFiles({ f: 'x' })])
    await changed
  })

  it('shows a version that is the package’s', async () => {
    const { version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8')) as {
      version: string
    }
    expect(VERSION).toBe(version)
  })
})

describe('spaces', () => {
  it('are made by name, and told apart when paths are given', async () => {
    const device = await openLocal()
    const made = await device.createSpace('photos', { chunker: 'fixed' })
    expect(made).toMatchObject({ name: 'photos', chunker: 'fixed', members: 1 })
    const tree = await makeFiles({ f: 'in photos' })
    await device.add([tree], { as: 't', space: 'photos' })
    expect(await collected(device.list('', { space: 'home' }))).toEqual([])
    expect(await collected(device.list('', { space: made.id }))).toHaveLength(2)
    await expect(collected(device.list('', { space: 'none' }))).rejects.toMatchObject({ code: 'DITTO_NOT_FOUND' })
    await expect(device.createSpace('photos')).rejects.toMatchObject({ code: 'DITTO_EXISTS' })
    await expect(device.createSpace('a/b')).rejects.toMatchObject({ code: 'DITTO_USAGE' })
    expect((await device.spaces()).map((space) => space.name)).toEqual(['home', 'photos'])
  })
})

describe('invitations', () => {
  it('are made, listed and revoked', async () => {
    const device = await openLocal()
    const { ticket, id, space, role } = await device.invite({ role: 'read' })
    expect(ticket).toMatch(/^DITTO1[A-Z2-7]+$/)
    expect([space.name, role]).toEqual(['home', 'read'])
    expect(await device.invitations()).toMatchObject([{ id, state: 'open', space: { name: 'home' } }])
    await device.revokeInvitation(id)
    expect(await device.invitations()).toMatchObject([{ id, state: 'revoked' }])
    await expect(device.revokeInvitation('00')).rejects.toMatchObject({ code: 'DITTO_NOT_FOUND' })
    await expect(device.invite({ expiresInMs: -1 })).rejects.toMatchObject({ code: 'DITTO_USAGE' })
    await expect(device.invite({ space: 'none' })).rejects.toMatchObject({ code: 'DITTO_NOT_FOUND' })
    for (const name of await readdir(path.join(device.home, 'logs'))) {
      expect(await readFile(path.join(device.home, 'logs', name), 'utf8')).not.toContain(ticket)
    }
  })
})

describe('collect', () => {
  it('frees what nothing shown needs, nor the history keeps, and nothing else', async () => {
    const device = await openLocal({ home: await homeWith('history_days = 0\nhistory_versions = 1\n') })
    const [kept, gone] = [pseudoRandomBytes(1, 1_500_000), pseudoRandomBytes(2, 1_000_000)]
    const tree = await makeFiles({ kept, gone, small: 'x' })
    await device.add([tree], { as: 't' })
    expect(await device.collect()).toEqual({ chunks: 0, bytes: 0 })
    await device.remove('t/gone')
    const freed = await device.collect()
    expect(freed.bytes).toBeGreaterThanOrEqual(1_000_000)
    expect((await joined(device.read('t/kept'))).equals(kept)).toBe(true)
    expect((await device.status()).spaces[0]).toMatchObject({ files: 2, missingChunks: 0 })
    expect(await device.verify()).toMatchObject({ damaged: [] })
  })

  it('keeps what is being added meanwhile', async () => {
    const device = await openLocal()
    const files = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`f${i}`, `${i}`.repeat(100)]))
    const tree = await makeFiles(files)
    await Promise.all([device.add([tree], { as: 't' }), device.collect(), device.collect()])
    await device.collect()
    expect((await device.status()).spaces[0]).toMatchObject({ files: 300, missingChunks: 0 })
  })
})

describe('verify', () => {
  it('names the files that damage in a pack touches, and status counts what is missing then', async () => {
    const device = await openLocal()
    await device.add([await makeFiles({ whole: pseudoRandomBytes(3, 500_000), hurt: pseudoRandomBytes(4, 500_000) })], {
      as: 't',
    })
    expect(await device.verify()).toMatchObject({ damaged: [], repaired: 0 })
    const [hurt] = await collected(device.list('t/hurt', { isVerbose: true }))
    await device.close()
    const packs = path.join(device.home, 'chunks', 'packs')
    const [pack] = await readdir(packs)
    const bytes = await readFile(path.join(packs, pack as string))
    const at = bytes.indexOf(pseudoRandomBytes(4, 500_000).subarray(0, 64))
    expect(at).toBeGreaterThan(0)
    bytes[at + 10] = (bytes[at + 10] as number) ^ 1
    await writeFile(path.join(packs, pack as string), bytes)
    const again = await openLocal({ home: device.home })
    const { damaged } = await again.verify()
    expect(damaged).toEqual([{ id: hurt?.chunkIds?.[0], problem: 'corrupt', paths: ['t/hurt'] }])
    const status = await again.status()
    expect(status.spaces[0]).toMatchObject({ missingChunks: 1 })
    expect(status.notices).toEqual([expect.stringContaining('1 damaged')])
    await again.add([await makeFiles({ hurt: pseudoRandomBytes(4, 500_000) })], { as: 't', replace: true })
    expect((await again.status()).spaces[0]).toMatchObject({ missingChunks: 0 })
  })
})

describe('getChunks', () => {
  it('joins the chunks named into one file, and says how many are missing', async () => {
    const device = await openLocal()
    const content = pseudoRandomBytes(9, 700_000)
    await device.add([await makeFiles({ f: content })], { as: 't' })
    const [entry] = await collected(device.list('t/f', { isVerbose: true }))
    const directory = await temporaryDirectory()
    const output = path.join(directory, 'out')
    const got = await device.getChunks(entry?.chunkIds ?? [], { directory, output })
    expect(got).toMatchObject({ output, files: 1, bytes: 700_000 })
    expect((await readFile(output)).equals(content)).toBe(true)
    const unknown = 'ab'.repeat(32) as NonNullable<(typeof entry & object)['chunkIds']>[number]
    await expect(device.getChunks([unknown], { directory, output })).rejects.toMatchObject({
      code: 'DITTO_CHUNK_MISSING',
      details: { missingChunks: 1 },
    })
    expect((await readFile(output)).equals(content)).toBe(true)
  })
})

describe('metrics', () => {
  it('tell the state in the text format of Prometheus', async () => {
    const device = await openLocal()
    await device.add([await makeFiles({ f: 'x' })], { as: 't' })
    const text = await device.metrics()
    const [space] = await device.spaces()
    expect(text).toContain(`dittofs_space_files{space="${space?.id}"} 1`)
    expect(text).toContain('dittofs_chunks 1')
    expect(text).toContain('process_resident_memory_bytes')
  })
})

describe('calls that need the network', () => {
  it('say so on a device that was opened without it', async () => {
    const device = await openLocal()
    await expect(device.sync()).rejects.toMatchObject({ code: 'DITTO_UNSUPPORTED' })
    await expect(device.join('DITTO1')).rejects.toMatchObject({ code: 'DITTO_UNSUPPORTED' })
    await expect(device.waitUntilSynced()).resolves.toBeUndefined()
  })
})
