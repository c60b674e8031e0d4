import { describe, expect, it } from 'vitest'
import {
  type DirtyDirectories,
  findIgnored,
  ignoringFileSystem,
  MemoryDisk,
  MemoryFolderFileSystem,
} from '../../src/index.ts'

function folder() {
  let ns = 1_000_000_000n
  const disk = new MemoryDisk({ nowNs: () => ns++ })
  disk.makeDirectory('/f')
  const inner = new MemoryFolderFileSystem({ disk, root: '/f', now: () => 0 })
  const write = (path: string, text: string) => disk.write(`/f/${path}`, Buffer.from(text))
  return { disk, inner, fileSystem: ignoringFileSystem(inner), write }
}

async function ignoredIn(fileSystem: ReturnType<typeof folder>['fileSystem'], names: string[]): Promise<string[]> {
  const listing = await fileSystem.list(names)
  return (listing?.names ?? []).filter(({ isIgnored }) => isIgnored === true).map(({ name }) => name)
}

describe('a directory with ignore files', () => {
  it('tells which of its names they leave out, those of directories above included', async () => {
    const { disk, fileSystem, write } = folder()
    write('.dittoignore', '*.o\n/build/\n')
    disk.makeDirectory('/f/src')
    disk.makeDirectory('/f/build')
    write('src/a.o', '')
    write('src/a.c', '')
    write('src/.dittoignore', 'a.c\n!a.o\n')
    expect(await ignoredIn(fileSystem, ['src'])).toEqual(['a.c'])
    expect(await ignoredIn(fileSystem, [])).toEqual(['build'])
  })

  it('asks to be looked at again as a whole when a pattern changes', async () => {
    const { fileSystem, write } = folder()
    const told: DirtyDirectories[] = []
    write('a.o', '')
    write('.dittoignore', '*.o\n')
    await fileSystem.list([])
    await fileSystem.watch((dirty) => told.push(dirty), { signal: new AbortController().signal })
    write('.dittoignore', '*.c\n')
    told.length = 0
    expect(await ignoredIn(fileSystem, [])).toEqual([])
    expect(told).toEqual(['all'])
  })

  it('reports a line that cannot be used', async () => {
    const { fileSystem, write } = folder()
    write('.dittoignore', `${'*'.repeat(40)}x\n`)
    const listing = await fileSystem.list([])
    expect(listing?.unusable).toMatchObject([{ shown: '.dittoignore:1' }])
  })
})

describe('what would be ignored', () => {
  it('is named with the line that does it, and of a directory only itself', async () => {
    const { disk, inner, write } = folder()
    write('.dittoignore', '# comment\n*.o\nbuild/\n')
    disk.makeDirectory('/f/build')
    write('build/x.o', '')
    write('a.o', '')
    expect(await findIgnored(inner)).toEqual([
      { path: 'a.o', isDirectory: false, pattern: '*.o', file: '.dittoignore', line: 2 },
      { path: 'build', isDirectory: true, pattern: 'build/', file: '.dittoignore', line: 3 },
    ])
    expect(await findIgnored(inner, { pattern: '*.o' })).toEqual([
      { path: 'a.o', isDirectory: false, pattern: '*.o' },
      { path: 'build/x.o', isDirectory: false, pattern: '*.o' },
    ])
  })
})
