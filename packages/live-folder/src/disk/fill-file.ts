import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import type { FileSource } from '../folder-file-system.ts'
import { fileTime } from './file-times.ts'
import { writeSparse } from './write-sparse.ts'

const PERMISSIONS = 0o777

/** Makes a file at a path where nothing is, with content, mode and time. */
export async function fillFile(path: string, source: FileSource): Promise<void> {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0)
  const handle = await open(path, flags, 0o600)
  try {
    await writeSparse(handle, source.content())
    await handle.chmod(source.mode & PERMISSIONS)
    await handle.utimes(new Date(), fileTime(source.mtimeNs))
  } finally {
    await handle.close()
  }
}
