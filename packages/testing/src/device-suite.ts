import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmod, lstat, mkdir, readdir, readFile, readlink, symlink, utimes, writeFile } from 'node:fs/promises'
import path from 'node:path'
import {
  type ChunkId,
  chunkId,
  type Device,
  GATEWAY_PROTOCOLS,
  type GatewayInfo,
  type ListEntry,
  type ListOptions,
  type Progress,
  type ServeOptions,
  TARGET_CHUNK_BYTES,
} from '@dittofs/interface'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { pseudoRandomBytes } from './pseudo-random-bytes.ts'
import { temporaryDirectory } from './temporary-directory.ts'

export interface DeviceSuiteInit {
  /** A device with a new home, alone and without links. */
  setup: () => Promise<Device>
  /** Closes it and removes what it left. */
  teardown: (device: Device) => Promise<void>
}

const MTIME = new Date('2024-05-06T07:08:09Z')
const MTIME_NS = `${MTIME.getTime()}000000`
const isWindows = process.platform === 'win32'

/** Holds an implementation of `Device` to what one device alone can do. */
export function deviceSuite(name: string, init: DeviceSuiteInit): void {
  describe(`${name}, as a device`, () => {
    let device: Device

    beforeEach(async () => {
      device = await init.setup()
    })
    afterEach(async () => {
      await init.teardown(device)
    })

    describe('a new device', () => {
      test('has an ID, a name and one empty space, whose only member it is', async () => {
        const status = await device.status()
        expect(status.device.id).toBe(device.id)
        expect(status.device.name).not.toBe('')
        expect(status.version).toMatch(/^\d+\.\d+\.\d+/)
        expect(path.isAbsolute(status.home)).toBe(true)
        expect(status.peers).toEqual([])
        expect(status.chunks).toMatchObject({ count: 0, bytes: 0, dedupRatio: 1 })
        expect(status.spaces).toEqual(await device.spaces())
        const empty = { files: 0, directories: 0, symlinks: 0, bytes: 0, missingChunks: 0, missingBytes: 0 }
        expect(status.spaces).toMatchObject([
          { name: 'home', role: 'full', members: 1, conflicts: 0, clashes: [], ...empty },
        ])
        expect(await device.devices()).toMatchObject([
          {
            id: device.id,
            name: status.device.name,
            isSelf: true,
            links: [],
            spaces: [{ name: 'home', role: 'full' }],
          },
        ])
      })

      test('says of every link whether it is up, and why not', async () => {
        for (const { isUp, reason, name: link } of (await device.status()).links) {
          expect(isUp || (reason ?? '') !== '', `${link} has a reason`).toBe(true)
        }
      })

      test('shows nothing, and may be verified, collected and waited for', async () => {
        expect(await listAll(device)).toEqual([])
        expect(await device.verify()).toEqual({ chunks: 0, bytes: 0, damaged: [], repaired: 0 })
        expect(await device.collect()).toEqual({ chunks: 0, bytes: 0 })
        expect(await device.waitUntilSynced()).toBeUndefined()
      })

      test('takes another name', async () => {
        await device.renameDevice('Kitchen 🍳')
        expect((await device.status()).device.name).toBe('Kitchen 🍳')
        expect((await device.devices()).map((one) => one.name)).toEqual(['Kitchen 🍳'])
      })
    })

    describe('add and list', () => {
      test('a file shows with its size, time, mode and chunks', async () => {
        const source = await fileOf('notes.txt', pseudoRandomBytes(1, 100_000), { mode: 0o640 })
        const result = await device.add([source])
        expect(result).toMatchObject({ files: 1, directories: 0, unchanged: 0, bytes: 100_000, skipped: [] })
        expect(result.paths).toEqual(['notes.txt'])
        expect(result.newBytes).toBe(100_000)
        const [entry, ...others] = await listAll(device)
        expect(others).toEqual([])
        expect(entry).toEqual({
          ...{ path: 'notes.txt', kind: 'file', size: 100_000, mtime: MTIME_NS, mode: isWindows ? 0o666 : 0o640 },
          ...{ missingChunks: 0, chunks: entry?.chunks },
        })
        expect(entry?.chunks).toBe(result.newChunks)
      })

      test('a tree shows in order of path, with empty directories and symlinks', async () => {
        const source = await treeOf()
        expect(await device.add([source], { as: 'kept/tree' })).toMatchObject({ files: 3, symlinks: 1, skipped: [] })
        const shown = await listAll(device, 'kept/tree')
        expect(shown.map(({ path: shownPath, kind }) => `${shownPath} ${kind}`)).toEqual([
          'kept/tree directory',
          'kept/tree/a.bin file',
          'kept/tree/b directory',
          'kept/tree/b/empty.txt file',
          'kept/tree/b/small.txt file',
          'kept/tree/hollow directory',
          'kept/tree/link symlink',
        ])
        expect(shown.at(-1)).toMatchObject({ target: 'b/small.txt', size: 11 })
        expect((await listAll(device, 'kept/tree/b')).map((entry) => entry.path)).toEqual([
          'kept/tree/b',
          'kept/tree/b/empty.txt',
          'kept/tree/b/small.txt',
        ])
        expect(await listAll(device, '', { missing: true })).toEqual([])
      })

      test('the same again costs nothing, a changed file makes a new version', async () => {
        const source = await fileOf('notes.txt', Buffer.from('first'))
        await device.add([source])
        expect(await device.add([source])).toMatchObject({ files: 1, unchanged: 1, newChunks: 0, newBytes: 0 })
        await writeFile(source, 'second, longer')
        expect(await device.add([source])).toMatchObject({ files: 1, unchanged: 0, newBytes: 14 })
        expect(await listAll(device)).toMatchObject([{ path: 'notes.txt', size: 14 }])
        expect(await readAll(device, 'notes.txt')).toEqual(Buffer.from('second, longer'))
      })

      test('equal content under another name costs no chunk', async () => {
        const source = await fileOf('notes.txt', pseudoRandomBytes(2, 200_000))
        await device.add([source])
        expect(await device.add([source], { as: 'copy.txt' })).toMatchObject({ newChunks: 0, newBytes: 0 })
        expect((await device.status()).chunks.dedupRatio).toBeCloseTo(2)
      })

      test('a different file at a taken path is refused, unless it is to replace it', async () => {
        await device.add([await fileOf('notes.txt', Buffer.from('mine'))])
        const other = await fileOf('notes.txt', Buffer.from('another'))
        await expect(device.add([other])).rejects.toMatchObject({ code: 'DITTO_EXISTS' })
        expect(await readAll(device, 'notes.txt')).toEqual(Buffer.from('mine'))
        await device.add([other], { replace: true })
        expect(await readAll(device, 'notes.txt')).toEqual(Buffer.from('another'))
      })

      test('what is no file is refused or left out, with a reason', async () => {
        const directory = await temporaryDirectory()
        await expect(device.add([path.join(directory, 'absent')])).rejects.toMatchObject({ code: 'DITTO_NOT_FOUND' })
        await expect(device.add([])).rejects.toMatchObject({ code: 'DITTO_USAGE' })
        const two = [await fileOf('a', Buffer.from('a')), await fileOf('b', Buffer.from('b'))]
        await expect(device.add(two, { as: 'c' })).rejects.toMatchObject({ code: 'DITTO_USAGE' })
        await expect(device.add(two, { space: 'no such space' })).rejects.toMatchObject({ code: 'DITTO_NOT_FOUND' })
        expect(await listAll(device)).toEqual([])
        if (isWindows) return
        await writeFile(path.join(directory, 'file'), 'x')
        execFileSync('mkfifo', [path.join(directory, 'pipe')])
        const { files, skipped } = await device.add([directory], { as: 'odd' })
        expect(files).toBe(1)
        expect(skipped).toMatchObject([{ path: path.join(directory, 'pipe'), code: 'DITTO_UNSUPPORTED' }])
      })

      test('paths that leave the space are refused', async () => {
        const source = await fileOf('a', Buffer.from('a'))
        for (const as of ['../a', 'x/../../a', 'a\0b', '.dittofs/x']) {
          await expect(device.add([source], { as })).rejects.toMatchObject({ code: 'DITTO_PATH_INVALID' })
        }
      })

      test('progress never falls and ends at the whole', async () => {
        const seen: Progress[] = []
        await device.add([await treeOf()], { onProgress: (progress) => void seen.push(progress) })
        const bytes = seen.map((progress) => progress.bytesDone)
        expect(bytes).toEqual([...bytes].sort((a, b) => a - b))
        expect(seen.length).toBeGreaterThan(0)
      })

      test('verbose tells the chunks, which are enough to write the file', async () => {
        const content = pseudoRandomBytes(3, 5 * TARGET_CHUNK_BYTES)
        await device.add([await fileOf('film.mov', content)])
        const [entry] = await listAll(device, 'film.mov', { isVerbose: true })
        const ids = entry?.chunkIds ?? []
        expect(ids.length).toBe(entry?.chunks)
        expect(entry?.author).toBe((await device.status()).device.name)
        const output = path.join(await temporaryDirectory(), 'joined')
        await device.getChunks(ids, { output, directory: path.dirname(output) })
        expect(Buffer.compare(await readFile(output), content)).toBe(0)
      })

      test('a list may be left early, and many may be read at once', async () => {
        await device.add([await treeOf()], { as: 'tree' })
        for await (const _ of device.list()) break
        const lists = await Promise.all(Array.from({ length: 50 }, () => listAll(device)))
        expect(new Set(lists.map((entries) => entries.length))).toEqual(new Set([7]))
      })
    })

    describe('get', () => {
      test('writes a tree with contents, modes, times, symlinks and empty directories', async () => {
        const source = await treeOf()
        await device.add([source], { as: 'tree' })
        const output = path.join(await temporaryDirectory(), 'out')
        const result = await device.get('tree', { output, directory: path.dirname(output) })
        expect(result).toMatchObject({ output, files: 3, symlinks: 1, fetchedBytes: 0, skipped: [] })
        expect(await describeTree(output)).toEqual(await describeTree(source))
      })

      test('without an output writes the base name, and never over a different file', async () => {
        await device.add([await fileOf('notes.txt', Buffer.from('mine'))], { as: 'texts/notes.txt' })
        const directory = await temporaryDirectory()
        const written = path.join(directory, 'notes.txt')
        expect(await device.get('texts/notes.txt', { directory })).toMatchObject({
          output: written,
          files: 1,
          bytes: 4,
        })
        expect(await readFile(written, 'utf8')).toBe('mine')
        await device.get('texts/notes.txt', { directory })
        await writeFile(written, 'precious')
        await expect(device.get('texts/notes.txt', { directory })).rejects.toMatchObject({ code: 'DITTO_EXISTS' })
        expect(await readFile(written, 'utf8')).toBe('precious')
        await device.get('texts/notes.txt', { directory, output: written })
        expect(await readFile(written, 'utf8')).toBe('mine')
        expect(await readdir(directory)).toEqual(['notes.txt'])
      })

      test('takes the place a file was added from for its path', async () => {
        const source = await fileOf('notes.txt', Buffer.from('mine'))
        await device.add([source], { as: 'elsewhere' })
        const output = path.join(await temporaryDirectory(), 'out')
        await device.get(source, { output, directory: '/' })
        expect(await readFile(output, 'utf8')).toBe('mine')
      })

      test('of nothing, of an unknown space and of chunks that are nowhere fails and writes nothing', async () => {
        const directory = await temporaryDirectory()
        const output = path.join(directory, 'out')
        await expect(device.get('absent', { directory })).rejects.toMatchObject({ code: 'DITTO_NOT_FOUND' })
        await expect(device.get('x', { directory, space: 'none' })).rejects.toMatchObject({ code: 'DITTO_NOT_FOUND' })
        const ids: ChunkId[] = [chunkId.parse('00'.repeat(32))]
        await expect(device.getChunks(ids, { directory, output })).rejects.toMatchObject({
          code: 'DITTO_CHUNK_MISSING',
        })
        expect(await readdir(directory)).toEqual([])
      })
    })

    describe('read', () => {
      test('gives the bytes of a file, or a part of them', async () => {
        const content = pseudoRandomBytes(4, 3 * TARGET_CHUNK_BYTES + 17)
        await device.add([await fileOf('film.mov', content)])
        await device.add([await fileOf('empty', Buffer.alloc(0))])
        expect(Buffer.compare(await readAll(device, 'film.mov'), content)).toBe(0)
        const part = await readAll(device, 'film.mov', { start: 100, end: 2 * TARGET_CHUNK_BYTES })
        expect(Buffer.compare(part, content.subarray(100, 2 * TARGET_CHUNK_BYTES))).toBe(0)
        expect(await readAll(device, 'film.mov', { start: 5, end: 5 })).toHaveLength(0)
        expect(await readAll(device, 'empty')).toHaveLength(0)
        for await (const _ of device.read('film.mov')) break
      })

      test('of a directory, of nothing, or past the end is refused', async () => {
        await device.add([await treeOf()], { as: 'tree' })
        await expect(readAll(device, 'tree')).rejects.toMatchObject({ code: 'DITTO_USAGE' })
        await expect(readAll(device, 'absent')).rejects.toMatchObject({ code: 'DITTO_NOT_FOUND' })
        await expect(readAll(device, 'tree/b/empty.txt', { end: 1 })).rejects.toMatchObject({ code: 'DITTO_USAGE' })
      })
    })

    describe('move and remove', () => {
      test('take everything below along', async () => {
        await device.add([await treeOf()], { as: 'tree' })
        await device.move('tree', 'archive/old')
        const moved = (await listAll(device)).map((entry) => entry.path)
        expect(moved).toContain('archive/old/b/small.txt')
        expect(moved).not.toContain('tree')
        await device.remove('archive/old/b')
        await device.remove('/archive/old/link/')
        expect((await listAll(device)).map((entry) => entry.path)).toEqual([
          'archive',
          'archive/old',
          'archive/old/a.bin',
          'archive/old/hollow',
        ])
      })

      test('are refused where they make no sense, and change nothing', async () => {
        await device.add([await treeOf()], { as: 'tree' })
        const before = await listAll(device)
        await expect(device.move('absent', 'x')).rejects.toMatchObject({ code: 'DITTO_NOT_FOUND' })
        await expect(device.move('tree/a.bin', 'tree/b')).rejects.toMatchObject({ code: 'DITTO_EXISTS' })
        await expect(device.move('tree', 'tree/b/tree')).rejects.toMatchObject({ code: 'DITTO_USAGE' })
        await expect(device.move('tree', '../tree')).rejects.toMatchObject({ code: 'DITTO_PATH_INVALID' })
        await expect(device.remove('absent')).rejects.toMatchObject({ code: 'DITTO_NOT_FOUND' })
        expect(await listAll(device)).toEqual(before)
      })
    })

    describe('verify and collect', () => {
      test('count what is stored, and keep what the history can bring back', async () => {
        await device.add([await fileOf('keep', pseudoRandomBytes(5, 100_000))])
        await device.add([await fileOf('drop', pseudoRandomBytes(6, 50_000))])
        const verified = await device.verify()
        expect(verified).toMatchObject({ bytes: 150_000, damaged: [], repaired: 0 })
        expect((await device.status()).chunks).toMatchObject({ count: verified.chunks, bytes: 150_000 })
        await device.remove('drop')
        expect(await device.collect()).toMatchObject({ bytes: 0 })
        await device.versions.restoreDeleted('drop')
        expect(await readAll(device, 'drop')).toHaveLength(50_000)
        expect(await device.verify({ repair: true })).toMatchObject({ bytes: 150_000, damaged: [] })
        expect(await readAll(device, 'keep')).toHaveLength(100_000)
      })
    })

    describe('spaces', () => {
      test('are apart from each other', async () => {
        const created = await device.createSpace('photos', { chunker: 'fixed' })
        expect(created).toMatchObject({ name: 'photos', chunker: 'fixed', role: 'full', members: 1, files: 0 })
        await device.add([await fileOf('a', Buffer.from('in photos'))], { space: 'photos' })
        await device.add([await fileOf('a', Buffer.from('in home'))])
        expect(await readAll(device, 'a', { space: created.id })).toEqual(Buffer.from('in photos'))
        expect(await readAll(device, 'a')).toEqual(Buffer.from('in home'))
        expect((await device.spaces()).map((space) => space.name).sort()).toEqual(['home', 'photos'])
        await expect(device.createSpace('photos')).rejects.toMatchObject({ code: 'DITTO_EXISTS' })
        await expect(device.createSpace('')).rejects.toMatchObject({ code: 'DITTO_USAGE' })
      })

      test('can be made of what another one shows', async () => {
        await device.add([await fileOf('a', Buffer.from('of home'))])
        const { space, skipped } = await device.adoptSpace('home', { as: 'again' })
        expect([space.name, space.files, skipped]).toEqual(['again', 1, []])
        await device.remove('a', { space: 'home' })
        expect(await readAll(device, 'a', { space: space.id })).toEqual(Buffer.from('of home'))
        await expect(device.adoptSpace('home', { as: 'again' })).rejects.toMatchObject({ code: 'DITTO_EXISTS' })
        await expect(device.adoptSpace('none')).rejects.toMatchObject({ code: 'DITTO_NOT_FOUND' })
      })
    })

    describe('invitations', () => {
      test('are made, listed and revoked', async () => {
        const before = Date.now()
        const invitation = await device.invite({ role: 'read', expiresInMs: 60 * 60_000 })
        expect(invitation.ticket).toMatch(/^DITTO1[A-Z2-7]+$/)
        expect(invitation).toMatchObject({ role: 'read', space: { name: 'home' } })
        // Tickets count minutes.
        expect(Math.abs(invitation.expiresAt - before - 60 * 60_000)).toBeLessThanOrEqual(120_000)
        const { ticket: _secret, ...open } = invitation
        expect(await device.invitations()).toEqual([{ ...open, state: 'open', waiting: [] }])
        await device.revokeInvitation(invitation.id)
        expect(await device.invitations()).toMatchObject([{ id: invitation.id, state: 'revoked' }])
        await expect(device.revokeInvitation('00'.repeat(16))).rejects.toMatchObject({ code: 'DITTO_NOT_FOUND' })
        await expect(device.invite({ expiresInMs: 31 * 86_400_000 })).rejects.toMatchObject({ code: 'DITTO_USAGE' })
        await expect(device.invite({ space: 'none' })).rejects.toMatchObject({ code: 'DITTO_NOT_FOUND' })
      })

      test('may ask for a confirmation, which is nothing to give while nobody waits', async () => {
        const { id, hasConfirmation } = await device.invite({ confirm: true })
        expect(hasConfirmation).toBe(true)
        expect(await device.invitations()).toMatchObject([{ id, hasConfirmation: true, waiting: [] }])
        await expect(device.confirmInvitation(id, '123456')).rejects.toMatchObject({ code: 'DITTO_NOT_FOUND' })
      })

      test('a device that is nobody cannot be removed', async () => {
        await expect(device.removeDevice('NOBODY7-NOBODY7')).rejects.toMatchObject({ code: 'DITTO_NOT_FOUND' })
      })
    })

    describe('gateways', () => {
      test('serve a space, are listed, and end when the iteration is left', async () => {
        await device.add([await fileOf('a', Buffer.from('some words'))])
        expect(await device.gateways.list()).toEqual([])
        for (const protocol of GATEWAY_PROTOCOLS) {
          for await (const [info] of device.gateways.serve(protocol, { port: 0, isReadOnly: true })) {
            const space = { name: 'home' }
            const wanted = { protocol, host: '127.0.0.1', isReadOnly: true, isKept: false, connections: 0, space }
            expect(info).toMatchObject(wanted)
            expect(info?.port).toBeGreaterThan(0)
            expect(await device.gateways.list()).toEqual([info])
            if (protocol === 'webdav') expect(await (await fetch(`${info?.url}a`)).text()).toBe('some words')
            break
          }
          await expect.poll(() => device.gateways.list()).toEqual([])
        }
      })

      test('end the iteration of the one that is stopped, and no other', async () => {
        const serving = [0, 0].map((port) => device.gateways.serve('webdav', { port })[Symbol.asyncIterator]())
        const infos: GatewayInfo[] = []
        for (const one of serving) infos.push(...((await one.next()).value as GatewayInfo[]))
        const [first, second] = infos as [GatewayInfo, GatewayInfo]
        const ended = serving[0]?.next()
        await device.gateways.stop(first.id)
        expect((await ended)?.done).toBe(true)
        expect(await device.gateways.list()).toEqual([second])
        await expect(fetch(first.url)).rejects.toThrow()
        expect((await fetch(second.url)).status).toBe(200)
        await serving[1]?.return?.()
      })

      test('are refused where there is nothing to serve or to stop, or the port is taken', async () => {
        const begin = (options: ServeOptions) => device.gateways.serve('nfs', options)[Symbol.asyncIterator]().next()
        await expect(begin({ port: 0, space: 'none' })).rejects.toMatchObject({ code: 'DITTO_NOT_FOUND' })
        await expect(device.gateways.stop('00000000')).rejects.toMatchObject({ code: 'DITTO_NOT_FOUND' })
        for await (const [info] of device.gateways.serve('webdav', { port: 0 })) {
          await expect(begin({ port: info?.port ?? 0 })).rejects.toMatchObject({ code: 'DITTO_PORT_IN_USE' })
          break
        }
      })
    })

    describe('onChange', () => {
      test('tells of changes until it is unsubscribed', async () => {
        let resolve = () => {}
        const told = new Promise<void>((done) => {
          resolve = done
        })
        let isChanged = false
        const stop = device.onChange(() => {
          if (isChanged) resolve()
        })
        const source = await fileOf('a', Buffer.from('a'))
        isChanged = true
        await device.add([source])
        await told
        stop()
        stop()
        expect(await listAll(device)).toHaveLength(1)
      })
    })

    describe('abort', () => {
      test('rejects with the reason of a signal that is aborted already', async () => {
        const signal = AbortSignal.abort(new Error('not wanted'))
        const source = await fileOf('a', Buffer.from('a'))
        await expect(device.add([source], { signal })).rejects.toThrow('not wanted')
        await expect(device.get('a', { signal, directory: '/' })).rejects.toThrow('not wanted')
        await expect(device.verify({ signal })).rejects.toThrow('not wanted')
        await expect(device.collect({ signal })).rejects.toThrow('not wanted')
        await expect(device.status({ signal })).rejects.toThrow('not wanted')
        await expect(listAll(device, '', { signal })).rejects.toThrow('not wanted')
        await expect(readAll(device, 'a', { signal })).rejects.toThrow('not wanted')
        expect(await listAll(device)).toEqual([])
      })

      test('stops an add under way, after which it can be done again', async () => {
        const source = await temporaryDirectory()
        for (let i = 0; i < 200; i++) await writeFile(path.join(source, `${i}`), pseudoRandomBytes(i, 20_000))
        const controller = new AbortController()
        const adding = device.add([source], {
          as: 'many',
          signal: controller.signal,
          onProgress: ({ phase }) => {
            if (phase === 'add') controller.abort(new Error('not wanted'))
          },
        })
        await expect(adding).rejects.toThrow('not wanted')
        expect(await device.add([source], { as: 'many' })).toMatchObject({ files: 200, skipped: [] })
        expect(await device.verify()).toMatchObject({ damaged: [] })
      })
    })

    describe('close', () => {
      test('may be called twice, and refuses every call afterwards', async () => {
        await Promise.all([device.close(), device.close()])
        await device.close()
        const closed = { code: 'DITTO_CLOSED' }
        await expect(device.status()).rejects.toMatchObject(closed)
        await expect(device.spaces()).rejects.toMatchObject(closed)
        await expect(device.add(['/a'])).rejects.toMatchObject(closed)
        await expect(device.get('a', { directory: '/' })).rejects.toMatchObject(closed)
        await expect(device.move('a', 'b')).rejects.toMatchObject(closed)
        await expect(device.invite()).rejects.toMatchObject(closed)
        await expect(device.gateways.list()).rejects.toMatchObject(closed)
        await expect(listAll(device)).rejects.toMatchObject(closed)
        await expect(readAll(device, 'a')).rejects.toMatchObject(closed)
      })
    })
  })
}

async function listAll(device: Device, shown?: string, options?: ListOptions): Promise<ListEntry[]> {
  const entries: ListEntry[] = []
  for await (const batch of device.list(shown, options)) entries.push(...batch)
  return entries
}

async function readAll(device: Device, shown: string, options?: Parameters<Device['read']>[1]): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  for await (const bytes of device.read(shown, options)) pieces.push(bytes)
  return Buffer.concat(pieces)
}

/** A file in a directory of its own, with a known time. */
async function fileOf(name: string, content: Uint8Array, { mode = 0o644 } = {}): Promise<string> {
  const file = path.join(await temporaryDirectory(), name)
  await writeFile(file, content)
  await chmod(file, mode)
  await utimes(file, MTIME, MTIME)
  return file
}

/** A tree with three files, one of them empty, an empty directory and a symlink: seven entries. */
async function treeOf(): Promise<string> {
  const root = await temporaryDirectory()
  await mkdir(path.join(root, 'b'))
  await mkdir(path.join(root, 'hollow'), { mode: 0o750 })
  await writeFile(path.join(root, 'a.bin'), pseudoRandomBytes(9, 300_000), { mode: 0o600 })
  await writeFile(path.join(root, 'b', 'small.txt'), 'small')
  await writeFile(path.join(root, 'b', 'empty.txt'), '')
  await symlink('b/small.txt', path.join(root, 'link'))
  await utimes(path.join(root, 'a.bin'), MTIME, MTIME)
  return root
}

/** Every entry below a directory: kind, mode, time in the microseconds that Node can set, and content or target. */
async function describeTree(root: string, below = ''): Promise<string[]> {
  const lines: string[] = []
  for (const name of (await readdir(path.join(root, below))).sort()) {
    const shown = path.posix.join(below, name)
    const file = path.join(root, shown)
    const stat = await lstat(file, { bigint: true })
    const attributes = `${shown} ${(stat.mode & 0o777n).toString(8)} ${stat.mtimeNs / 1000n}`
    if (stat.isSymbolicLink()) lines.push(`${shown} -> ${await readlink(file)}`)
    else if (stat.isDirectory()) lines.push(`${attributes}/`, ...(await describeTree(root, shown)))
    else
      lines.push(
        `${attributes} ${createHash('sha256')
          .update(await readFile(file))
          .digest('hex')}`,
      )
  }
  return lines
}
