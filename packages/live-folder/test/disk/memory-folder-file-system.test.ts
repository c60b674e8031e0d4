import type { DittoError } from '@dittofs/interface'
import { describe, expect, it } from 'vitest'
import { MemoryDisk, MemoryFolderFileSystem } from '../../src/index.ts'
import { folderFileSystemSuite, sourceOf } from '../support/folder-file-system-suite.ts'
import { memoryFolderUser } from '../support/memory-folder-user.ts'

folderFileSystemSuite('a live folder in memory', {
  setup: async () => {
    let nowNs = 1_700_000_000_000_000_000n
    const disk = new MemoryDisk({ nowNs: () => nowNs++ })
    disk.makeDirectory('/folder')
    const fileSystem = new MemoryFolderFileSystem({ disk, root: '/folder', now: () => Number(nowNs / 1_000_000n) })
    return { fileSystem, user: memoryFolderUser(disk, '/folder') }
  },
})

describe('a disk in memory', () => {
  function folder(init: { pause?: () => Promise<void>; overflows?: () => boolean } = {}) {
    let nowNs = 1_700_000_000_000_000_000n
    const disk = new MemoryDisk({ nowNs: () => nowNs++ })
    disk.makeDirectory('/folder')
    return { disk, fileSystem: new MemoryFolderFileSystem({ disk, root: '/folder', now: () => 0, ...init }) }
  }

  it('gives the number of a removed file to the next, as ext4 does, with another birth time', () => {
    const { disk } = folder()
    disk.write('/folder/a', Buffer.from('a'))
    const a = disk.stat('/folder/a')
    disk.remove('/folder/a')
    disk.write('/folder/b', Buffer.from('b'))
    expect(disk.stat('/folder/b')?.ino).toBe(a?.ino)
    expect(disk.stat('/folder/b')?.birthtimeNs).not.toBe(a?.birthtimeNs)
  })

  it('keeps the number of a file that still has a name', () => {
    const { disk } = folder()
    disk.write('/folder/a', Buffer.from('a'))
    disk.hardLink('/folder/a', '/folder/other')
    disk.remove('/folder/a')
    disk.write('/folder/b', Buffer.from('b'))
    expect(disk.stat('/folder/b')?.ino).not.toBe(disk.stat('/folder/other')?.ino)
  })

  it('leaves both names of one file when one is renamed to the other', () => {
    const { disk } = folder()
    disk.write('/folder/a', Buffer.from('a'))
    disk.hardLink('/folder/a', '/folder/b')
    disk.rename('/folder/a', '/folder/b')
    expect(disk.names('/folder')).toEqual(['a', 'b'])
  })

  it('keeps under a name of its own what was written into a file at the moment it was replaced', async () => {
    let pauses = 0
    const { disk, fileSystem } = folder({
      pause: async () => {
        // Once the old file has its second name nothing looks at it again before it is replaced.
        if (disk.names('/folder')?.length === 3 && pauses++ === 0) disk.write('/folder/f', Buffer.from('last moment'))
      },
    })
    disk.write('/folder/f', Buffer.from('old'))
    const expected = disk.stat('/folder/f')
    const error: unknown = await fileSystem
      .writeFile(['f'], sourceOf(['new']), expected)
      .catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'DITTO_FILE_CHANGED' })
    const { rescued } = (error as DittoError).details
    expect(Buffer.from(disk.read(`/folder/${rescued as string}`)).toString()).toBe('last moment')
    expect(Buffer.from(disk.read('/folder/f')).toString()).toBe('new')
    expect(disk.names('/folder')).toHaveLength(2)
  })

  it('tells only that something changed when the queue overflows', async () => {
    const told: unknown[] = []
    const { disk, fileSystem } = folder({ overflows: () => true })
    await fileSystem.watch((dirty) => told.push(dirty), { signal: new AbortController().signal })
    disk.write('/folder/f', Buffer.from('x'))
    expect(new Set(told)).toEqual(new Set(['all']))
  })

  it('may lose what was not made durable when the power goes, and nothing else', () => {
    const { disk } = folder()
    disk.write('/folder/f', Buffer.from('old'))
    disk.flush()
    disk.write('/folder/f', Buffer.from('new'))
    disk.crash(() => false)
    expect(Buffer.from(disk.read('/folder/f')).toString()).toBe('old')
  })
})
