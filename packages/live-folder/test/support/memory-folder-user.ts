import type { MemoryDisk } from '../../src/index.ts'
import type { FolderUser } from './folder-user.ts'

/** A person at a directory of a disk in memory. */
export function memoryFolderUser(disk: MemoryDisk, root: string): FolderUser {
  const at = (names: readonly string[]): string => [root, ...names].join('/')
  return {
    write: async (names, text) => disk.write(at(names), Buffer.from(text)),
    read: async (names) => {
      const isFile = disk.stat(at(names))?.kind === 'file'
      return isFile ? Buffer.from(disk.read(at(names))).toString() : undefined
    },
    makeDirectory: async (names) => disk.makeDirectory(at(names)),
    makeSymlink: async (names, target) => disk.makeSymlink(at(names), target),
    makeSpecial: async (names) => disk.makeSpecial(at(names)),
    hardLink: async (from, to) => disk.hardLink(at(from), at(to)),
    rename: async (from, to) => disk.rename(at(from), at(to)),
    remove: async (names) => disk.removeAll(at(names)),
    setMode: async (names, mode) => disk.setMode(at(names), mode),
    setTime: async (names, mtimeNs) => disk.setTime(at(names), mtimeNs),
    names: async (names) => [...(disk.names(at(names)) ?? [])].sort(),
  }
}
