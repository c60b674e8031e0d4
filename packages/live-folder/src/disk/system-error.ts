import { DittoError, type ErrorCode } from '@dittofs/interface'

/** What a failed system call means to a person, by its `errno` name; others are DITTO_IO. */
const MEANINGS: Readonly<Record<string, { readonly code: ErrorCode; readonly reason: string }>> = {
  ENOENT: { code: 'DITTO_NOT_FOUND', reason: 'it does not exist' },
  ENOTDIR: { code: 'DITTO_NOT_FOUND', reason: 'a part of the path is not a directory' },
  EACCES: { code: 'DITTO_PERMISSION', reason: 'this user may not access it' },
  EPERM: { code: 'DITTO_PERMISSION', reason: 'the system does not permit it' },
  EROFS: { code: 'DITTO_PERMISSION', reason: 'the file system is read-only' },
  ENOSPC: { code: 'DITTO_NO_SPACE', reason: 'the disk is full' },
  EDQUOT: { code: 'DITTO_NO_SPACE', reason: 'the disk quota is used up' },
  EFBIG: { code: 'DITTO_NO_SPACE', reason: 'the file system cannot hold a file of that size' },
  EEXIST: { code: 'DITTO_EXISTS', reason: 'something is there already' },
  ENOTEMPTY: { code: 'DITTO_EXISTS', reason: 'a directory that is not empty is there already' },
  EISDIR: { code: 'DITTO_EXISTS', reason: 'a directory is there' },
  ENAMETOOLONG: { code: 'DITTO_PATH_INVALID', reason: 'the name is too long for the file system' },
  EILSEQ: { code: 'DITTO_PATH_INVALID', reason: 'the file system cannot hold a name with these characters' },
  ELOOP: { code: 'DITTO_PATH_INVALID', reason: 'a symlink is in the way' },
  EMFILE: { code: 'DITTO_LIMIT', reason: 'too many files are open' },
  ENFILE: { code: 'DITTO_LIMIT', reason: 'too many files are open on this machine' },
}

/** The `errno` name of a failed system call, `ENOENT` for one; `undefined` for any other error. */
export function systemErrorName(error: unknown): string | undefined {
  const name: unknown = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof name === 'string' && /^E[A-Z0-9]+$/.test(name) ? name : undefined
}

/**
 * Says in one sentence what a failed system call prevented.
 *
 * @param action - what was to be done, as in `write "/tmp/x"`
 * @returns `error` itself when it is not a system error, so that aborts and DittoErrors pass unchanged
 */
export function fromSystemError(error: unknown, action: string): unknown {
  const name = systemErrorName(error)
  if (name === undefined) return error
  const meaning = MEANINGS[name]
  return new DittoError(
    meaning?.code ?? 'DITTO_IO',
    `Cannot ${action}: ${meaning?.reason ?? `the system says ${name}`}.`,
    {
      cause: error,
      details: { errno: name },
    },
  )
}
