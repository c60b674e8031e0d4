import { constants, type Stats } from 'node:fs'
import { chmod, type FileHandle, link, lstat, mkdir, open, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import { DittoError, type RandomBytes } from '@dittofs/interface'

const OWNER_ONLY_FILE = 0o600
const OWNER_ONLY_DIRECTORY = 0o700
/** Permission bits that let anyone but the owner in. */
const OTHERS = 0o077
/** A key or certificate is a few hundred bytes: more is something else. */
const MAX_FILE_BYTES = 16 * 1024

/** Windows has no such modes: the profile directory's access list guards it there. */
const hasModes = process.platform !== 'win32'

/** Told in one sentence what was repaired. */
export type OnRepair = (sentence: string) => void

/**
 * Makes sure that `directory` exists and that only its owner may enter it.
 *
 * @throws DittoError DITTO_HOME_UNSAFE (a symlink, no directory, or somebody else's), DITTO_PERMISSION, DITTO_IO
 */
export async function usePrivateDirectory(directory: string, onRepair: OnRepair): Promise<void> {
  await mapped(directory, async () => {
    await mkdir(directory, { recursive: true, mode: OWNER_ONLY_DIRECTORY })
    const stats = await lstat(directory)
    if (!stats.isDirectory() || !isOurs(stats)) {
      throw new DittoError('DITTO_HOME_UNSAFE', `${directory} must be a directory of your own, not a link to one.`)
    }
    if (hasModes && (stats.mode & OTHERS) !== 0) {
      await chmod(directory, OWNER_ONLY_DIRECTORY)
      onRepair(`Other users could enter ${directory}; its mode is 700 again.`)
    }
  })
}

/**
 * Reads a small file that belongs to its owner alone; narrows its mode where it was wider.
 *
 * @returns `undefined` when there is none
 * @throws DittoError DITTO_HOME_UNSAFE (no regular file, or somebody else's), DITTO_PERMISSION, DITTO_IO
 */
export async function readPrivateFile(file: string, onRepair: OnRepair): Promise<string | undefined> {
  return mapped(file, async () => {
    const handle = await openExisting(file)
    if (handle === undefined) return undefined
    try {
      const stats = await handle.stat()
      if (!stats.isFile() || !isOurs(stats) || stats.size > MAX_FILE_BYTES) {
        throw new DittoError('DITTO_HOME_UNSAFE', `${file} must be a small regular file of your own.`)
      }
      if (hasModes && (stats.mode & OTHERS) !== 0) {
        await handle.chmod(OWNER_ONLY_FILE)
        onRepair(`Other users could read ${file}; its mode is 600 again.`)
      }
      return await handle.readFile('utf8')
    } finally {
      await handle.close()
    }
  })
}

/**
 * Writes a file whole and durably, or not at all, readable by its owner alone.
 *
 * @param init.replaces - whether an existing file gives way; otherwise it wins, whoever made it
 * @returns whether the file was written
 * @throws DittoError DITTO_PERMISSION, DITTO_NO_SPACE, DITTO_IO
 */
export async function writePrivateFile(
  file: string,
  text: string,
  init: { replaces: boolean; randomBytes: RandomBytes },
): Promise<boolean> {
  const temporary = `${file}.${Buffer.from(init.randomBytes(8)).toString('hex')}.tmp`
  return mapped(file, async () => {
    try {
      const handle = await open(temporary, 'wx', OWNER_ONLY_FILE)
      try {
        await handle.writeFile(text)
        await handle.sync()
      } finally {
        await handle.close()
      }
      // A hard link, unlike a rename, never replaces what another process made meanwhile.
      if (init.replaces) await rename(temporary, file)
      else if (!(await linkUnlessTaken(temporary, file))) return false
      await syncDirectory(path.dirname(file))
      return true
    } finally {
      await rm(temporary, { force: true })
    }
  })
}

async function linkUnlessTaken(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw error
  }
}

async function openExisting(file: string): Promise<FileHandle | undefined> {
  try {
    // Neither a link to somewhere else nor a FIFO that blocks a thread for good.
    return await open(file, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0))
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

async function syncDirectory(directory: string): Promise<void> {
  if (process.platform === 'win32') return // directories cannot be opened there
  const handle = await open(directory, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function isOurs(stats: Stats): boolean {
  return process.getuid === undefined || stats.uid === process.getuid()
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined
}

async function mapped<T>(file: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action()
  } catch (error) {
    const code = codeOf(error)
    if (code === undefined || error instanceof DittoError) throw error
    if (code === 'ELOOP') {
      throw new DittoError('DITTO_HOME_UNSAFE', `${file} must not be a symbolic link.`, { cause: error })
    }
    if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
      throw new DittoError('DITTO_PERMISSION', `${file} cannot be used: permission denied.`, { cause: error })
    }
    if (code === 'ENOSPC' || code === 'EDQUOT') {
      throw new DittoError('DITTO_NO_SPACE', `${file} cannot be written: the disk is full.`, { cause: error })
    }
    if (code === 'ENOTDIR' || code === 'EEXIST') {
      throw new DittoError('DITTO_HOME_UNSAFE', `${file} cannot be used: a file is in the way.`, { cause: error })
    }
    throw new DittoError('DITTO_IO', `${file} cannot be used (${code}).`, { cause: error })
  }
}
