import { MAX_HANDLE_BYTES, type VolumeHandle } from '@dittofs/interface'
import { describe, expect, test } from 'vitest'
import { fileWith, namesOf, type OpenVolume, textOf } from './volume-samples.ts'

const BAD_NAMES = ['', '.', '..', 'a/b', '/', 'a\0b', '\ud800', '.dittofs', '.dittofs-tmp', 'n'.repeat(256)]
const FORGED = [
  '',
  'x',
  '..',
  'd',
  'f',
  `f${'A'.repeat(16)}`,
  `f${'A'.repeat(16)}.1.2`,
  'f'.repeat(48),
  '\0',
  '__proto__',
]

const NEW_FILE = { mode: 0o644, rule: 'guarded' } as const

/** Names, places and handles. */
export function volumeTreeTests(open: OpenVolume): void {
  describe('find', () => {
    test('goes along a path, and tells where its end stands', async () => {
      const volume = await open()
      const a = await volume.makeDirectory(volume.root, 'a', 0o755)
      const b = await volume.makeDirectory(a.handle, 'b', 0o755)
      const file = await volume.create(b.handle, 'cafe\u0301', NEW_FILE)
      expect(await volume.find(['a'])).toMatchObject({ directory: volume.root, entry: { handle: a.handle } })
      expect(await volume.find(['a', 'b', 'caf\u00e9'])).toEqual({
        directory: b.handle,
        entry: await volume.lookup(b.handle, 'caf\u00e9'),
      })
      expect(await volume.find(['a', 'b', 'cafe\u0301'])).toMatchObject({ entry: { handle: file.handle } })
      expect(await volume.find(['a', 'b', 'none'])).toEqual({ directory: b.handle, entry: undefined })
    })

    test('goes through directories alone', async () => {
      const volume = await open()
      const a = await volume.makeDirectory(volume.root, 'a', 0o755)
      await volume.create(a.handle, 'file', NEW_FILE)
      const link = await volume.makeSymlink(volume.root, 'link', 'a')
      expect(await volume.find(['link'])).toMatchObject({ directory: volume.root, entry: { handle: link.handle } })
      for (const way of ['link', 'none', 'a/file']) {
        expect(await volume.find([...way.split('/'), 'x'])).toBeUndefined()
      }
    })

    test('refuses names that nothing can have', async () => {
      const volume = await open()
      for (const name of BAD_NAMES) {
        await expect(volume.find([name])).rejects.toMatchObject({ code: 'DITTO_PATH_INVALID' })
        await expect(volume.find(['a', name])).rejects.toMatchObject({ code: 'DITTO_PATH_INVALID' })
      }
      await expect(volume.find([])).rejects.toMatchObject({ code: 'DITTO_PATH_INVALID' })
    })
  })

  describe('handles', () => {
    test('have the form that is promised', async () => {
      const volume = await open()
      const { handle } = await volume.create(volume.root, 'f', NEW_FILE)
      for (const one of [volume.root, handle]) {
        expect(one).toMatch(/^[0-9a-zA-Z._-]+$/)
        expect(one.length).toBeLessThanOrEqual(MAX_HANDLE_BYTES)
      }
    })

    test('and file IDs stay the same when what they name, or a directory above, is renamed', async () => {
      const volume = await open()
      const a = await volume.makeDirectory(volume.root, 'a', 0o755)
      const file = await volume.create(a.handle, 'f', NEW_FILE)
      await volume.rename(a.handle, 'f', a.handle, 'g')
      await volume.rename(volume.root, 'a', volume.root, 'b')
      expect(await volume.path(file.handle)).toEqual(['b', 'g'])
      expect((await volume.lookup(a.handle, 'g')).handle).toBe(file.handle)
      expect((await volume.attributes(file.handle)).fileId).toBe(file.attributes.fileId)
      expect((await volume.parent(file.handle)).handle).toBe(a.handle)
      expect((await volume.parent(a.handle)).handle).toBe(volume.root)
      expect((await volume.parent(volume.root)).handle).toBe(volume.root)
      expect(await volume.path(volume.root)).toEqual([])
    })

    test('of what was removed are stale, with all below', async () => {
      const volume = await open()
      const d = await volume.makeDirectory(volume.root, 'd', 0o755)
      const file = await volume.create(d.handle, 'f', NEW_FILE)
      await volume.removeTree(volume.root, 'd')
      for (const { handle } of [d, file]) {
        await expect(volume.attributes(handle)).rejects.toMatchObject({ code: 'DITTO_HANDLE_STALE' })
        await expect(volume.path(handle)).rejects.toMatchObject({ code: 'DITTO_HANDLE_STALE' })
      }
      const options = { offset: 0, length: 1 }
      await expect(volume.read(file.handle, options)).rejects.toMatchObject({ code: 'DITTO_HANDLE_STALE' })
      await expect(volume.lookup(d.handle, 'f')).rejects.toMatchObject({ code: 'DITTO_HANDLE_STALE' })
      const again = await volume.makeDirectory(volume.root, 'd', 0o755)
      expect(again.handle).not.toBe(d.handle)
    })

    test.each(FORGED)('that were made up are stale: %j', async (forged) => {
      const volume = await open()
      if (forged === volume.root) return
      await expect(volume.attributes(forged as VolumeHandle)).rejects.toMatchObject({ code: 'DITTO_HANDLE_STALE' })
    })
  })

  describe('names', () => {
    test.each(BAD_NAMES)('are checked by every call that takes one: %j', async (name) => {
      const volume = await open()
      const { root } = volume
      await volume.create(root, 'f', NEW_FILE)
      const calls = [
        volume.lookup(root, name),
        volume.create(root, name, NEW_FILE),
        volume.makeDirectory(root, name, 0o755),
        volume.makeSymlink(root, name, 'x'),
        volume.removeFile(root, name),
        volume.removeDirectory(root, name),
        volume.removeTree(root, name),
        volume.rename(root, name, root, 'g'),
        volume.rename(root, 'f', root, name),
      ]
      for (const outcome of await Promise.allSettled(calls)) {
        expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'DITTO_PATH_INVALID' } })
      }
      expect(await namesOf(volume, root)).toEqual(['f'])
    })

    test('are one name in whichever Unicode normal form they come', async () => {
      const volume = await open()
      const made = await volume.create(volume.root, 'e\u0301', NEW_FILE)
      expect((await volume.lookup(volume.root, '\u00e9')).handle).toBe(made.handle)
      expect((await volume.lookup(volume.root, 'e\u0301')).handle).toBe(made.handle)
      expect(await namesOf(volume, volume.root)).toEqual(['\u00e9'])
    })

    test('make no path longer than a space can hold', async () => {
      const volume = await open()
      let at = volume.root
      for (let depth = 0; depth < 127; depth++) at = (await volume.makeDirectory(at, 'd', 0o755)).handle
      await volume.create(at, 'f', NEW_FILE)
      const last = await volume.makeDirectory(at, 'd', 0o755)
      await expect(volume.create(last.handle, 'f', NEW_FILE)).rejects.toMatchObject({ code: 'DITTO_PATH_INVALID' })
    })
  })

  describe('lookup', () => {
    test('finds what a directory holds, by its exact name', async () => {
      const volume = await open()
      const { root } = volume
      const file = await volume.create(root, 'File', NEW_FILE)
      expect(await volume.lookup(root, 'File')).toEqual(file)
      await expect(volume.lookup(root, 'file')).rejects.toMatchObject({ code: 'DITTO_NOT_FOUND' })
      await expect(volume.lookup(file.handle, 'x')).rejects.toMatchObject({ code: 'DITTO_NOT_DIRECTORY' })
    })
  })

  describe('create', () => {
    test('unchecked takes a file that is there as it is, guarded refuses it', async () => {
      const volume = await open()
      const handle = await fileWith(volume, volume.root, 'f', 'text')
      const again = await volume.create(volume.root, 'f', { mode: 0o600, rule: 'unchecked' })
      expect(again.handle).toBe(handle)
      expect(again.attributes).toMatchObject({ mode: 0o644, size: 4 })
      await expect(volume.create(volume.root, 'f', NEW_FILE)).rejects.toMatchObject({ code: 'DITTO_EXISTS' })
    })

    test('refuses the name of a directory or a symlink', async () => {
      const volume = await open()
      const { root } = volume
      await volume.makeDirectory(root, 'd', 0o755)
      await volume.makeSymlink(root, 'l', 'x')
      const unchecked = { mode: 0o644, rule: 'unchecked' } as const
      await expect(volume.create(root, 'd', unchecked)).rejects.toMatchObject({ code: 'DITTO_IS_DIRECTORY' })
      await expect(volume.create(root, 'd', NEW_FILE)).rejects.toMatchObject({ code: 'DITTO_EXISTS' })
      await expect(volume.create(root, 'l', unchecked)).rejects.toMatchObject({ code: 'DITTO_EXISTS' })
      await expect(volume.makeDirectory(root, 'd', 0o755)).rejects.toMatchObject({ code: 'DITTO_EXISTS' })
      await expect(volume.makeSymlink(root, 'l', 'y')).rejects.toMatchObject({ code: 'DITTO_EXISTS' })
    })

    test('exclusive knows the file it made when the call is sent again, and no other', async () => {
      const volume = await open()
      const verifier = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)
      const options = { ...NEW_FILE, verifier }
      const made = await volume.create(volume.root, 'f', options)
      expect((await volume.create(volume.root, 'f', options)).handle).toBe(made.handle)
      const other = { ...NEW_FILE, verifier: Uint8Array.of(8, 7, 6, 5, 4, 3, 2, 1) }
      await expect(volume.create(volume.root, 'f', other)).rejects.toMatchObject({ code: 'DITTO_EXISTS' })
      await volume.create(volume.root, 'g', NEW_FILE)
      await expect(volume.create(volume.root, 'g', options)).rejects.toMatchObject({ code: 'DITTO_EXISTS' })
    })

    test('makes one file of two calls at once', async () => {
      const volume = await open()
      const calls = [1, 2].map(() => volume.create(volume.root, 'f', NEW_FILE))
      const outcomes = await Promise.allSettled(calls)
      expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
      expect(await namesOf(volume, volume.root)).toEqual(['f'])
    })
  })

  describe('symlinks', () => {
    test('tell their target as it was given', async () => {
      const volume = await open()
      const target = '../a//ü \n*'
      const { handle, attributes } = await volume.makeSymlink(volume.root, 'l', target)
      expect(attributes).toMatchObject({ kind: 'symlink', size: Buffer.byteLength(target) })
      expect(await volume.readLink(handle)).toBe(target)
      expect((await volume.lookup(volume.root, 'l')).handle).toBe(handle)
      await expect(volume.read(handle, { offset: 0, length: 1 })).rejects.toMatchObject({ code: 'DITTO_UNSUPPORTED' })
      await expect(volume.readLink(volume.root)).rejects.toMatchObject({ code: 'DITTO_UNSUPPORTED' })
    })

    test.each(['', 'a\0b', 'n'.repeat(4096)])('refuse a target that no space can hold', async (target) => {
      const volume = await open()
      const making = volume.makeSymlink(volume.root, 'l', target)
      await expect(making).rejects.toMatchObject({ code: 'DITTO_PATH_INVALID' })
    })
  })

  describe('remove', () => {
    test('takes what it is for and nothing else', async () => {
      const volume = await open()
      const { root } = volume
      await fileWith(volume, root, 'f', 'x')
      await volume.makeSymlink(root, 'l', 'x')
      const d = await volume.makeDirectory(root, 'd', 0o755)
      await volume.makeDirectory(d.handle, 'e', 0o755)
      await expect(volume.removeFile(root, 'd')).rejects.toMatchObject({ code: 'DITTO_IS_DIRECTORY' })
      await expect(volume.removeDirectory(root, 'f')).rejects.toMatchObject({ code: 'DITTO_NOT_DIRECTORY' })
      await expect(volume.removeDirectory(root, 'd')).rejects.toMatchObject({ code: 'DITTO_NOT_EMPTY' })
      for (const call of ['removeFile', 'removeDirectory', 'removeTree'] as const) {
        await expect(volume[call](root, 'none')).rejects.toMatchObject({ code: 'DITTO_NOT_FOUND' })
      }
      await volume.removeFile(root, 'l')
      await volume.removeFile(root, 'f')
      await volume.removeDirectory(d.handle, 'e')
      await volume.removeDirectory(root, 'd')
      expect(await namesOf(volume, root)).toEqual([])
    })

    test('of a tree takes a file as well as a directory with all below', async () => {
      const volume = await open()
      const { root } = volume
      const d = await volume.makeDirectory(root, 'd', 0o755)
      await fileWith(volume, d.handle, 'f', 'x')
      await fileWith(volume, root, 'g', 'y')
      await volume.removeTree(root, 'd')
      await volume.removeTree(root, 'g')
      expect(await volume.statistics()).toMatchObject({ files: 0, usedBytes: 0 })
    })

    test('ends a file that has been written and not committed', async () => {
      const volume = await open()
      const handle = await fileWith(volume, volume.root, 'f', 'text')
      await volume.removeFile(volume.root, 'f')
      await expect(volume.commit(handle)).rejects.toMatchObject({ code: 'DITTO_HANDLE_STALE' })
      const writing = volume.write(handle, Buffer.from('x'), { offset: 0, isStable: false })
      await expect(writing).rejects.toMatchObject({ code: 'DITTO_HANDLE_STALE' })
      expect(await namesOf(volume, volume.root)).toEqual([])
    })
  })

  describe('rename', () => {
    test('over a file or a symlink takes its place', async () => {
      const volume = await open()
      const { root } = volume
      const kept = await fileWith(volume, root, 'f', 'new')
      const replaced = await fileWith(volume, root, 'g', 'old')
      await volume.rename(root, 'f', root, 'g')
      expect(await namesOf(volume, root)).toEqual(['g'])
      expect((await volume.lookup(root, 'g')).handle).toBe(kept)
      expect(await textOf(volume, kept)).toBe('new')
      await expect(volume.attributes(replaced)).rejects.toMatchObject({ code: 'DITTO_HANDLE_STALE' })
      const link = await volume.makeSymlink(root, 'l', 'x')
      await volume.rename(root, 'l', root, 'g')
      expect(await namesOf(volume, root)).toEqual(['g'])
      expect((await volume.lookup(root, 'g')).handle).toBe(link.handle)
    })

    test('of a directory replaces an empty one and no other', async () => {
      const volume = await open()
      const { root } = volume
      const a = await volume.makeDirectory(root, 'a', 0o755)
      await fileWith(volume, a.handle, 'in', 'x')
      const empty = await volume.makeDirectory(root, 'empty', 0o755)
      await expect(volume.rename(root, 'empty', root, 'a')).rejects.toMatchObject({ code: 'DITTO_NOT_EMPTY' })
      await volume.rename(root, 'a', root, 'empty')
      expect(await namesOf(volume, root)).toEqual(['empty'])
      expect((await volume.lookup(root, 'empty')).handle).toBe(a.handle)
      expect(await namesOf(volume, a.handle)).toEqual(['in'])
      await expect(volume.attributes(empty.handle)).rejects.toMatchObject({ code: 'DITTO_HANDLE_STALE' })
    })

    test('does not put a directory over a file, nor a file over a directory', async () => {
      const volume = await open()
      const { root } = volume
      await fileWith(volume, root, 'f', 'x')
      await volume.makeDirectory(root, 'd', 0o755)
      await expect(volume.rename(root, 'f', root, 'd')).rejects.toMatchObject({ code: 'DITTO_IS_DIRECTORY' })
      await expect(volume.rename(root, 'd', root, 'f')).rejects.toMatchObject({ code: 'DITTO_NOT_DIRECTORY' })
      await expect(volume.rename(root, 'none', root, 'f')).rejects.toMatchObject({ code: 'DITTO_NOT_FOUND' })
      expect(await namesOf(volume, root)).toEqual(['d', 'f'])
    })

    test('does not put a directory into itself, at any depth', async () => {
      const volume = await open()
      const d = await volume.makeDirectory(volume.root, 'd', 0o755)
      const e = await volume.makeDirectory(d.handle, 'e', 0o755)
      for (const { handle } of [d, e]) {
        await expect(volume.rename(volume.root, 'd', handle, 'x')).rejects.toMatchObject({ code: 'DITTO_USAGE' })
      }
      expect(await volume.path(e.handle)).toEqual(['d', 'e'])
    })

    test('to the same name does nothing, to another case of it renames', async () => {
      const volume = await open()
      const handle = await fileWith(volume, volume.root, 'f', 'x')
      await volume.rename(volume.root, 'f', volume.root, 'f')
      expect(await namesOf(volume, volume.root)).toEqual(['f'])
      await volume.rename(volume.root, 'f', volume.root, 'F')
      expect(await namesOf(volume, volume.root)).toEqual(['F'])
      expect(await textOf(volume, handle)).toBe('x')
    })

    test('takes along what has been written to a file and not committed', async () => {
      const volume = await open()
      const d = await volume.makeDirectory(volume.root, 'd', 0o755)
      const handle = await fileWith(volume, volume.root, 'f', 'one')
      await volume.rename(volume.root, 'f', d.handle, 'g')
      await volume.write(handle, Buffer.from(' two'), { offset: 3, isStable: false })
      await volume.commit(handle)
      expect(await volume.path(handle)).toEqual(['d', 'g'])
      expect(await textOf(volume, handle)).toBe('one two')
    })
  })

  describe('copyFile', () => {
    test('makes a file of its own with the same bytes, also those not committed yet', async () => {
      const volume = await open()
      const handle = await fileWith(volume, volume.root, 'f', 'bytes')
      const copy = await volume.copyFile(handle, volume.root, 'g')
      expect(copy.handle).not.toBe(handle)
      expect(copy.attributes).toMatchObject({ size: 5, mode: 0o644 })
      await volume.write(handle, Buffer.from('B'), { offset: 0, isStable: true })
      expect(await textOf(volume, copy.handle)).toBe('bytes')
      expect(await textOf(volume, handle)).toBe('Bytes')
    })

    test('refuses a name that is taken, and what is no file', async () => {
      const volume = await open()
      const handle = await fileWith(volume, volume.root, 'f', 'x')
      await expect(volume.copyFile(handle, volume.root, 'f')).rejects.toMatchObject({ code: 'DITTO_EXISTS' })
      const copying = volume.copyFile(volume.root, volume.root, 'g')
      await expect(copying).rejects.toMatchObject({ code: 'DITTO_IS_DIRECTORY' })
    })
  })
}
