import { execFileSync } from 'node:child_process'
import { chmod, link, lstat, mkdir, readdir, readFile, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileTime } from '../../src/disk/file-times.ts'
import type { FolderUser } from './folder-user.ts'

/** A person at a directory on this machine's disk. */
export function nodeFolderUser(root: string): FolderUser {
  const at = (names: readonly string[]): string => path.join(root, ...names)
  return {
    write: (names, text) => writeFile(at(names), text),
    read: async (names) => {
      const stat = await lstat(at(names)).catch(() => undefined)
      return stat?.isFile() === true ? readFile(at(names), 'utf8') : undefined
    },
    makeDirectory: (names) => mkdir(at(names)),
    makeSymlink: (names, target) => symlink(target, at(names)),
    makeSpecial: async (names) => {
      execFileSync('mkfifo', [at(names)])
    },
    hardLink: (from, to) => link(at(from), at(to)),
    rename: (from, to) => rename(at(from), at(to)),
    remove: (names) => rm(at(names), { recursive: true }),
    setMode: (names, mode) => chmod(at(names), mode),
    setTime: (names, mtimeNs) => utimes(at(names), new Date(), fileTime(mtimeNs)),
    names: async (names) => (await readdir(at(names))).sort(),
  }
}
