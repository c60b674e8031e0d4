import { statfs } from 'node:fs/promises'
import { parseByteSize } from './byte-size.ts'

/** What stays free where the settings say nothing: the greater of the two (SECURITY.md section 8). */
const DEFAULT_RESERVE_BYTES = 1024 ** 3
const DEFAULT_RESERVE_SHARE = 0.05

/** A file system: bytes that it has, and those that this user may still write. */
export interface DiskSpace {
  readonly freeBytes: number
  readonly totalBytes: number
}

/** Whether `text` says what is to stay free: a size, `0`, or nothing for the default. */
export function isReserve(text: string): boolean {
  return text === '' || text === '0' || parseByteSize(text) !== undefined
}

/**
 * Bytes that may be written before less stays free than `reserve` says; below 0 where it is less already. Without a
 * limit where nothing is to stay free: only a disk that is really full stops a write then.
 *
 * @param reserve - as in the settings, see {@link isReserve}
 */
export function roomOn({ freeBytes, totalBytes }: DiskSpace, reserve: string): number {
  if (reserve === '0') return Number.POSITIVE_INFINITY
  const kept = parseByteSize(reserve) ?? Math.max(DEFAULT_RESERVE_BYTES, DEFAULT_RESERVE_SHARE * totalBytes)
  return Math.floor(freeBytes - kept)
}

/** Looks at the file system that a directory is on. */
export async function diskSpaceOf(directory: string): Promise<DiskSpace> {
  const { bavail, blocks, bsize } = await statfs(directory)
  return { freeBytes: bavail * bsize, totalBytes: blocks * bsize }
}

/** As {@link roomOn}, of the disk a directory is on; without a limit where that cannot be found out: writing will tell. */
export async function roomOf(directory: string, reserve: string): Promise<number> {
  if (reserve === '0') return Number.POSITIVE_INFINITY
  return diskSpaceOf(directory).then(
    (space) => roomOn(space, reserve),
    () => Number.POSITIVE_INFINITY,
  )
}
