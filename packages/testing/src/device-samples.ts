import { createHash } from 'node:crypto'
import { chmod, lstat, mkdir, readdir, readFile, readlink, symlink, utimes, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { Device, ListEntry, ListOptions } from '@dittofs/interface'
import { pseudoRandomBytes } from './pseudo-random-bytes.ts'
import { temporaryDirectory } from './temporary-directory.ts'

/** When the files of these tests were changed last. */
const MTIME = new Date('2024-05-06T07:08:09Z')
export const MTIME_NS = `${MTIME.getTime()}000000`
export const isWindows = process.platform === 'win32'

export async function listAll(device: Device, shown?: string, options?: ListOptions): Promise<ListEntry[]> {
  const entries: ListEntry[] = []
  for await (const batch of device.list(shown, options)) entries.push(...batch)
  return entries
}

export async function readAll(device: Device, shown: string, options?: Parameters<Device['read']>[1]): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  for await (const bytes of device.read(shown, options)) pieces.push(bytes)
  return Buffer.concat(pieces)
}

/** A file in a directory of its own, with a known time. */
export async function fileOf(name: string, content: Uint8Array, { mode = 0o644 } = {}): Promise<string> {
  const file = path.join(await temporaryDirectory(), name)
  await writeFile(file, content)
  await chmod(file, mode)
  await utimes(file, MTIME, MTIME)
  return file
}

/** A tree with three files, one of them empty, an empty directory and a symlink: seven entries. */
export async function treeOf(): Promise<string> {
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
export async function describeTree(root: string, below = ''): Promise<string[]> {
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
