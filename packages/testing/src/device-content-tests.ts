import { execFileSync } from 'node:child_process'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { type ChunkId, chunkId, type Device, type Progress, TARGET_CHUNK_BYTES } from '@dittofs/interface'
import { beforeEach, describe, expect, test } from 'vitest'
import { describeTree, fileOf, isWindows, listAll, MTIME_NS, readAll, treeOf } from './device-samples.ts'
import { pseudoRandomBytes } from './pseudo-random-bytes.ts'
import { temporaryDirectory } from './temporary-directory.ts'

/** Files and trees that go into a space, lie there and come out of it. */
export function deviceContentTests(current: () => Device): void {
  let device: Device
  beforeEach(() => {
    device = current()
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
}
