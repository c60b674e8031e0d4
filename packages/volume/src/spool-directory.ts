import { constants } from 'node:fs'
import { mkdir, open, readdir, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { DittoError, type ErrorCode } from '@dittofs/interface'

/** A file with holes, for bytes that are not committed yet. Nothing of it need survive a crash. */
export interface SpoolFile {
  /** Reads exactly as many bytes as fit into `into`, zeros where nothing was written. */
  read(offset: number, into: Uint8Array): Promise<void>
  write(offset: number, bytes: Uint8Array): Promise<void>
  /** Deletes it. */
  remove(): Promise<void>
}

/** Where uncommitted bytes lie. All calls throw DittoError DITTO_NO_SPACE, DITTO_PERMISSION or DITTO_IO. */
export interface SpoolDirectory {
  /** Deletes what an earlier process left. */
  clear(): Promise<void>
  /** @param name - of a file that is not there: lowercase letters and digits */
  create(name: string): Promise<SpoolFile>
}

const SPOOL_NAME = /^[0-9a-z]+\.spool$/

/** A directory of the machine's file system, made if it is not there. */
export function spoolDirectory(directory: string): SpoolDirectory {
  return {
    clear: () =>
      guarded(async () => {
        await mkdir(directory, { recursive: true, mode: 0o700 })
        for (const name of await readdir(directory)) if (SPOOL_NAME.test(name)) await unlink(join(directory, name))
      }),
    create: (name) => guarded(() => createFile(join(directory, `${name}.spool`))),
  }
}

async function createFile(path: string): Promise<SpoolFile> {
  const handle = await open(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600)
  return {
    read: (offset, into) =>
      guarded(async () => {
        for (let at = 0; at < into.length; ) {
          const { bytesRead } = await handle.read(into, at, into.length - at, offset + at)
          if (bytesRead === 0) return void into.fill(0, at)
          at += bytesRead
        }
      }),
    write: (offset, bytes) =>
      guarded(async () => {
        for (let at = 0; at < bytes.length; ) {
          at += (await handle.write(bytes, at, bytes.length - at, offset + at)).bytesWritten
        }
      }),
    remove: () =>
      guarded(async () => {
        await handle.close()
        await unlink(path)
      }),
  }
}

const CODES: Readonly<Record<string, ErrorCode>> = {
  ENOSPC: 'DITTO_NO_SPACE',
  EDQUOT: 'DITTO_NO_SPACE',
  EFBIG: 'DITTO_NO_SPACE',
  EACCES: 'DITTO_PERMISSION',
  EPERM: 'DITTO_PERMISSION',
  EROFS: 'DITTO_PERMISSION',
}

async function guarded<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    const code = CODES[(cause as NodeJS.ErrnoException).code ?? ''] ?? 'DITTO_IO'
    throw new DittoError(code, 'Bytes that wait to be committed cannot be kept; see that the disk has space.', {
      cause,
    })
  }
}
