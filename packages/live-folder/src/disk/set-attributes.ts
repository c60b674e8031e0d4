import { constants } from 'node:fs'
import { chmod, type FileHandle, lutimes, open } from 'node:fs/promises'
import type { DiskStamp } from '../disk-stamp.ts'
import { unsure } from './as-seen.ts'
import { existing, requireExpected } from './changed-meanwhile.ts'
import { fileTime } from './file-times.ts'
import { readStamp, stampOf } from './read-stamp.ts'
import { systemErrorName } from './system-error.ts'

const NOFOLLOW = constants.O_NOFOLLOW ?? 0
const NONBLOCK = constants.O_NONBLOCK ?? 0
const PERMISSIONS = 0o777
/** Milliseconds in which hardly anybody writes into a file unseen while its attributes are set. */
const UNSEEN_MS = 5
/** Files up to this size are read again after that, however short it took. */
const MAX_REREAD_BYTES = 16 * 1024 * 1024

/** Sets mode and time of what is expected at a place. @throws DittoError DITTO_FILE_CHANGED where something else is */
export async function setAttributes(
  names: readonly string[],
  place: string,
  attributes: { readonly mode?: number; readonly mtimeNs: bigint },
  expected: DiskStamp,
): Promise<DiskStamp> {
  const time = fileTime(attributes.mtimeNs)
  if (expected.kind === 'symlink') {
    requireExpected(names, await readStamp(place), expected)
    await lutimes(place, new Date(), time)
    return existing(names, place)
  }
  const handle = await openUnreadable(names, place, expected)
  try {
    const startMs = performance.now()
    requireExpected(names, stampOf(await handle.stat({ bigint: true })), expected)
    await handle.utimes(new Date(), time)
    if (attributes.mode !== undefined) await handle.chmod(attributes.mode & PERMISSIONS)
    const stamp = stampOf(await handle.stat({ bigint: true }))
    // The time that a write left in between is gone: so what is there is read again, if it is small or that took long.
    const isLong = performance.now() - startMs > UNSEEN_MS
    return stamp.kind === 'file' && (isLong || stamp.size <= MAX_REREAD_BYTES) ? unsure(stamp) : stamp
  } finally {
    await handle.close()
  }
}

/** Opens for changing attributes, which needs no permission to read. */
async function openUnreadable(names: readonly string[], place: string, expected: DiskStamp): Promise<FileHandle> {
  const flags = constants.O_RDONLY | NOFOLLOW | NONBLOCK
  const path = expected.kind === 'directory' ? `${place}/.` : place
  try {
    return await open(path, flags)
  } catch (error) {
    if (systemErrorName(error) !== 'EACCES') throw error
    requireExpected(names, await readStamp(place), expected)
    // Its owner may always make it readable; the mode that it is to have is set afterwards.
    await chmod(place, expected.mode | 0o400)
    return open(path, flags)
  }
}
