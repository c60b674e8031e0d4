import { MemoryDisk, MemoryFolderFileSystem } from '../../src/index.ts'
import { folderFileSystemSuite } from '../support/folder-file-system-suite.ts'
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
