import { describe, expect, it } from 'vitest'
import { type DiskStamp, type FileSource, type FolderFileSystem, isSameStamp } from '../../src/index.ts'
import type { FolderUser } from './folder-user.ts'

export interface FolderFileSystemSubject {
  readonly fileSystem: FolderFileSystem
  /** At the same directory. */
  readonly user: FolderUser
}

export interface FolderFileSystemSuiteInit {
  /** An empty folder; removed by whoever made it when the running test has finished. */
  setup: () => Promise<FolderFileSystemSubject>
}

const MTIME_NS = 1_700_000_000_123_456_000n
const CHANGED = { code: 'DITTO_FILE_CHANGED' }
const EXISTS = { code: 'DITTO_EXISTS' }
const INVALID = { code: 'DITTO_PATH_INVALID' }

/** A source of text, in as many pieces as there are parts; `between` runs before the last. */
export function sourceOf(parts: readonly string[], between?: () => Promise<void>, mode = 0o640): FileSource {
  return {
    async *content() {
      for (const [index, part] of parts.entries()) {
        if (index === parts.length - 1) await between?.()
        yield Buffer.from(part)
      }
    },
    size: Buffer.byteLength(parts.join('')),
    mode,
    mtimeNs: MTIME_NS,
  }
}

/** What every {@link FolderFileSystem} does. */
export function folderFileSystemSuite(name: string, init: FolderFileSystemSuiteInit): void {
  describe(`${name}: looking`, () => {
    it('lists what is there with its stamps, and nothing where there is no directory', async () => {
      const { fileSystem, user } = await init.setup()
      await user.makeDirectory(['d'])
      await user.write(['d', 'f'], 'text')
      await user.makeSymlink(['d', 'l'], 'f')
      await user.makeSpecial(['d', 'pipe'])
      const listing = await fileSystem.list(['d'])
      const kinds = listing?.names.map((found) => [found.name, found.stamp.kind]).sort()
      expect(kinds).toEqual([
        ['f', 'file'],
        ['l', 'symlink'],
        ['pipe', 'other'],
      ])
      for (const found of listing?.names ?? []) {
        expect(isSameStamp(found.stamp, await there(fileSystem, ['d', found.name]))).toBe(true)
      }
      for (const names of [['none'], ['none', 'x'], ['d', 'f'], ['d', 'l']]) {
        expect(await fileSystem.list(names)).toBeUndefined()
      }
      expect(await fileSystem.stat(['none'])).toBeUndefined()
      expect(await fileSystem.stat(['d', 'f', 'x'])).toBeUndefined()
      expect(await fileSystem.readLink(['d', 'l'])).toBe('f')
    })

    it('sees a directory that took the place of one it has looked at', async () => {
      const { fileSystem, user } = await init.setup()
      await user.makeDirectory(['d'])
      await user.makeDirectory(['d', 'e'])
      await user.write(['d', 'e', 'old'], '')
      expect((await fileSystem.list(['d', 'e']))?.names.map((found) => found.name)).toEqual(['old'])
      await user.rename(['d'], ['moved'])
      expect(await fileSystem.list(['d', 'e'])).toBeUndefined()
      await user.makeDirectory(['d'])
      await user.makeDirectory(['d', 'e'])
      await user.write(['d', 'e', 'new'], '')
      expect((await fileSystem.list(['d', 'e']))?.names.map((found) => found.name)).toEqual(['new'])
      await fileSystem.writeFile(['d', 'e', 'more'], sourceOf(['x']), undefined)
      expect(await user.names(['d', 'e'])).toEqual(['more', 'new'])
      expect(await user.names(['moved', 'e'])).toEqual(['old'])
    })

    it('reads a file, and fails when it is not as expected or changes meanwhile', async () => {
      const { fileSystem, user } = await init.setup()
      await user.write(['f'], 'some text')
      const stamp = await there(fileSystem, ['f'])
      expect(await textOf(fileSystem.read(['f'], stamp))).toBe('some text')
      await expect(
        (async () => {
          for await (const _ of fileSystem.read(['f'], stamp)) await user.write(['f'], 'longer than before')
        })(),
      ).rejects.toMatchObject(CHANGED)
      await expect(textOf(fileSystem.read(['f'], stamp))).rejects.toMatchObject(CHANGED)
    })

    it('ends with the reason of an abort', async () => {
      const { fileSystem, user } = await init.setup()
      await user.write(['f'], 'text')
      const signal = AbortSignal.abort()
      await expect(fileSystem.list([], { signal })).rejects.toThrow(signal.reason as Error)
      await expect(textOf(fileSystem.read(['f'], await there(fileSystem, ['f']), { signal }))).rejects.toThrow(
        signal.reason as Error,
      )
    })
  })

  describe(`${name}: writing`, () => {
    it('makes a file with its mode and time, and leaves nothing else', async () => {
      const { fileSystem, user } = await init.setup()
      const stamp = await fileSystem.writeFile(['f'], sourceOf(['on', 'ce'], undefined, 0o4751), undefined)
      expect(await user.read(['f'])).toBe('once')
      expect(stamp).toMatchObject({ kind: 'file', size: 4, mode: 0o751, mtimeNs: MTIME_NS })
      expect(isSameStamp(stamp, await there(fileSystem, ['f']))).toBe(true)
      expect(await user.names([])).toEqual(['f'])
    })

    it('replaces the file that was expected', async () => {
      const { fileSystem, user } = await init.setup()
      await user.write(['f'], 'old')
      const stamp = await fileSystem.writeFile(['f'], sourceOf(['new']), await there(fileSystem, ['f']))
      expect(await user.read(['f'])).toBe('new')
      expect(isSameStamp(stamp, await there(fileSystem, ['f']))).toBe(true)
      expect(await user.names([])).toEqual(['f'])
    })

    it('writes the folder’s marker, which stands in the root alone', async () => {
      const { fileSystem, user } = await init.setup()
      const stamp = await fileSystem.writeFile(['.dittofs-folder'], sourceOf(['id']), undefined)
      expect(await textOf(fileSystem.read(['.dittofs-folder'], stamp))).toBe('id')
      await fileSystem.writeFile(['.dittofs-folder'], sourceOf(['other']), stamp)
      await user.makeDirectory(['d'])
      const below = fileSystem.writeFile(['d', '.dittofs-folder'], sourceOf(['id']), undefined)
      await expect(below).rejects.toMatchObject(INVALID)
    })

    it('replaces one name of a file and leaves its other names', async () => {
      const { fileSystem, user } = await init.setup()
      await user.write(['f'], 'old')
      await user.hardLink(['f'], ['other'])
      await fileSystem.writeFile(['f'], sourceOf(['new']), await there(fileSystem, ['f']))
      expect([await user.read(['f']), await user.read(['other'])]).toEqual(['new', 'old'])
    })

    it('leaves alone what changed, came or went while the content was written', async () => {
      const { fileSystem, user } = await init.setup()
      await user.write(['changed'], 'old')
      await user.write(['gone'], 'old')
      const changed = await there(fileSystem, ['changed'])
      const gone = await there(fileSystem, ['gone'])
      const edit = sourceOf(['a', 'b'], () => user.write(['changed'], 'the user’s'))
      await expect(fileSystem.writeFile(['changed'], edit, changed)).rejects.toMatchObject(CHANGED)
      const removal = sourceOf(['a', 'b'], () => user.remove(['gone']))
      await expect(fileSystem.writeFile(['gone'], removal, gone)).rejects.toMatchObject(CHANGED)
      const arrival = sourceOf(['a', 'b'], () => user.write(['come'], 'the user’s'))
      await expect(fileSystem.writeFile(['come'], arrival, undefined)).rejects.toMatchObject(CHANGED)
      expect(await user.read(['changed'])).toBe('the user’s')
      expect(await user.read(['come'])).toBe('the user’s')
      expect(await user.names([])).toEqual(['changed', 'come'])
    })

    it('leaves nothing behind when the content fails', async () => {
      const { fileSystem, user } = await init.setup()
      const failing = sourceOf(['a', 'b'], () => Promise.reject(new Error('no more')))
      await expect(fileSystem.writeFile(['f'], failing, undefined)).rejects.toThrow('no more')
      expect(await user.names([])).toEqual([])
    })

    it('makes symlinks, also in place of files, and none that lead outside', async () => {
      const { fileSystem, user } = await init.setup()
      await user.write(['f'], 'old')
      const stamp = await fileSystem.makeSymlink(
        ['f'],
        { target: 'g', mtimeNs: MTIME_NS },
        await there(fileSystem, ['f']),
      )
      expect(stamp).toMatchObject({ kind: 'symlink', mtimeNs: MTIME_NS })
      expect(await fileSystem.readLink(['f'])).toBe('g')
      for (const target of ['/etc', '../up', 'a\0b', '']) {
        expect(await fileSystem.makeSymlink(['no'], { target, mtimeNs: MTIME_NS }, undefined)).toBeUndefined()
      }
      expect(await user.names([])).toEqual(['f'])
    })

    it('sets mode and time of what is as expected', async () => {
      const { fileSystem, user } = await init.setup()
      await user.write(['f'], 'text')
      await user.makeDirectory(['d'])
      await user.makeSymlink(['l'], 'f')
      for (const names of [['f'], ['d']]) {
        const attributes = { mode: 0o4711, mtimeNs: MTIME_NS }
        const before = await there(fileSystem, names)
        const stamp = await fileSystem.setAttributes(names, attributes, before)
        expect(stamp).toMatchObject({ mode: 0o711, mtimeNs: MTIME_NS })
        // Whether somebody wrote into it meanwhile cannot always be told: then the stamp is that of no look.
        const isUnsure = stamp.ctimeNs === -1n
        expect(isSameStamp(stamp, await there(fileSystem, names), isUnsure)).toBe(true)
        await expect(fileSystem.setAttributes(names, attributes, before)).rejects.toMatchObject(CHANGED)
      }
      const link = await fileSystem.setAttributes(['l'], { mtimeNs: MTIME_NS }, await there(fileSystem, ['l']))
      expect(link.mtimeNs).toBe(MTIME_NS)
    })
  })

  describe(`${name}: directories, moving and removing`, () => {
    it('makes a directory only where nothing is', async () => {
      const { fileSystem, user } = await init.setup()
      expect(await fileSystem.makeDirectory(['d'])).toMatchObject({ kind: 'directory', mode: 0o700 })
      await expect(fileSystem.makeDirectory(['d'])).rejects.toMatchObject(EXISTS)
      expect(await user.names([])).toEqual(['d'])
    })

    it('moves files, symlinks and directories with what is in them, keeping what they are', async () => {
      const { fileSystem, user } = await init.setup()
      await user.makeDirectory(['d'])
      await user.makeDirectory(['to'])
      await user.write(['d', 'f'], 'text')
      await user.makeSymlink(['l'], 'x')
      const file = await there(fileSystem, ['d', 'f'])
      const moved = await fileSystem.rename(['d', 'f'], ['d', 'g'], file)
      expect(isSameStamp(moved, file, true)).toBe(true)
      expect(isSameStamp(moved, await there(fileSystem, ['d', 'g']))).toBe(true)
      await fileSystem.rename(['l'], ['to', 'l'], await there(fileSystem, ['l']))
      await fileSystem.rename(['d'], ['to', 'd'], await there(fileSystem, ['d']))
      expect(await user.read(['to', 'd', 'g'])).toBe('text')
      expect(await user.names([])).toEqual(['to'])
    })

    it('lets things stand aside in the root while room is made for them', async () => {
      const { fileSystem, user } = await init.setup()
      await user.makeDirectory(['d'])
      const aside = await fileSystem.rename(['d'], ['.dittofs-staged-1'], await there(fileSystem, ['d']))
      await fileSystem.writeFile(['.dittofs-staged-1', 'f'], sourceOf(['x']), undefined)
      await fileSystem.rename(['.dittofs-staged-1'], ['e'], aside)
      expect(await user.read(['e', 'f'])).toBe('x')
    })

    it('never replaces by a move, and moves nothing that changed', async () => {
      const { fileSystem, user } = await init.setup()
      await user.write(['a'], 'a')
      await user.write(['b'], 'b')
      await user.makeDirectory(['d'])
      await user.makeDirectory(['e'])
      const file = await there(fileSystem, ['a'])
      await expect(fileSystem.rename(['a'], ['b'], file)).rejects.toMatchObject(EXISTS)
      await expect(fileSystem.rename(['a'], ['d'], file)).rejects.toMatchObject(EXISTS)
      await expect(fileSystem.rename(['d'], ['e'], await there(fileSystem, ['d']))).rejects.toMatchObject(EXISTS)
      await user.write(['a'], 'changed')
      await expect(fileSystem.rename(['a'], ['c'], file)).rejects.toMatchObject(CHANGED)
      expect(await user.names([])).toEqual(['a', 'b', 'd', 'e'])
    })

    it('never replaces another name of the same file by a move', async () => {
      const { fileSystem, user } = await init.setup()
      await user.write(['a'], 'text')
      await user.hardLink(['a'], ['b'])
      await expect(fileSystem.rename(['a'], ['b'], await there(fileSystem, ['a']))).rejects.toMatchObject(EXISTS)
      expect(await user.names([])).toEqual(['a', 'b'])
    })

    it('removes what is as expected and no directory that holds something', async () => {
      const { fileSystem, user } = await init.setup()
      await user.makeDirectory(['d'])
      await user.write(['d', 'f'], 'text')
      await user.makeSymlink(['l'], 'd')
      const file = await there(fileSystem, ['d', 'f'])
      await expect(fileSystem.remove(['d'], await there(fileSystem, ['d']))).rejects.toMatchObject(EXISTS)
      await user.write(['d', 'f'], 'changed')
      await expect(fileSystem.remove(['d', 'f'], file)).rejects.toMatchObject(CHANGED)
      expect(await user.read(['d', 'f'])).toBe('changed')
      await fileSystem.remove(['d', 'f'], await there(fileSystem, ['d', 'f']))
      await fileSystem.remove(['l'], await there(fileSystem, ['l']))
      await fileSystem.remove(['d'], await there(fileSystem, ['d']))
      expect(await user.names([])).toEqual([])
    })
  })

  describe(`${name}: refusing`, () => {
    it('refuses to work below a symlink or a file', async () => {
      const { fileSystem, user } = await init.setup()
      await user.makeDirectory(['d'])
      await user.write(['f'], 'text')
      await user.makeSymlink(['l'], 'd')
      for (const parent of ['l', 'f']) {
        await expect(fileSystem.writeFile([parent, 'x'], sourceOf(['x']), undefined)).rejects.toMatchObject(INVALID)
        await expect(fileSystem.makeDirectory([parent, 'x'])).rejects.toMatchObject(INVALID)
      }
      expect(await user.names(['d'])).toEqual([])
      expect(await user.read(['f'])).toBe('text')
    })

    it.each(['..', '.', '', 'a/b', 'a\0b', '.dittofs-0123456789abcdef.tmp', 'a'.repeat(256)])(
      'refuses the name %j',
      async (bad) => {
        const { fileSystem, user } = await init.setup()
        await expect(fileSystem.writeFile([bad], sourceOf(['x']), undefined)).rejects.toMatchObject(INVALID)
        await expect(fileSystem.makeDirectory([bad, 'x'])).rejects.toMatchObject(INVALID)
        expect(await user.names([])).toEqual([])
      },
    )
  })

  describe(`${name}: watching`, () => {
    it('tells of the directory in which something changed, until aborted', async () => {
      const { fileSystem, user } = await init.setup()
      await user.makeDirectory(['d'])
      await user.write(['d', 'f'], 'text')
      const watching = new AbortController()
      const told = new Set<string>()
      let wake: () => void = () => undefined
      await fileSystem.watch(
        (dirty) => {
          for (const names of dirty === 'all' ? [[]] : dirty) told.add(names.join('/'))
          wake()
        },
        { signal: watching.signal },
      )
      await user.write(['d', 'f'], 'changed')
      while (!told.has('d')) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
      watching.abort()
    })
  })
}

async function there(fileSystem: FolderFileSystem, names: readonly string[]): Promise<DiskStamp> {
  const stamp = await fileSystem.stat(names)
  expect(stamp).toBeDefined()
  return stamp as DiskStamp
}

async function textOf(content: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = []
  for await (const part of content) parts.push(part)
  return Buffer.concat(parts).toString()
}
