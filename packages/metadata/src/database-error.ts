import { DittoError, type ErrorCode } from '@dittofs/interface'

const CODES: Readonly<Record<string, ErrorCode>> = {
  LEVEL_LOCKED: 'DITTO_HOME_LOCKED',
  LEVEL_CORRUPTION: 'DITTO_STORE_CORRUPT',
  ENOSPC: 'DITTO_NO_SPACE',
  EACCES: 'DITTO_PERMISSION',
  EPERM: 'DITTO_PERMISSION',
}

const SENTENCES: Partial<Record<ErrorCode, string>> = {
  DITTO_HOME_LOCKED: 'The metadata of this space is in use by another process; stop it first.',
  DITTO_STORE_CORRUPT:
    'The metadata of this space on disk is damaged; move it away and sync again from another device.',
  DITTO_NO_SPACE: 'The disk is full; free some space and start again.',
  DITTO_PERMISSION: 'The metadata of this space cannot be read or written; check the permissions of its folder.',
}

/** What a failure of the database means, in the project's codes. LevelDB tells some causes in its message only. */
export function databaseError(error: unknown): DittoError {
  if (error instanceof DittoError) return error
  const code = codeIn(error) ?? 'DITTO_IO'
  const sentence = SENTENCES[code] ?? 'The metadata of this space could not be read or written.'
  return new DittoError(code, sentence, { cause: error })
}

function codeIn(error: unknown): ErrorCode | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code !== undefined && CODES[code] !== undefined) return CODES[code]
    if (/no space left/i.test(cause.message)) return 'DITTO_NO_SPACE'
    if (/permission denied/i.test(cause.message)) return 'DITTO_PERMISSION'
    if (/corruption/i.test(cause.message)) return 'DITTO_STORE_CORRUPT'
  }
  return undefined
}
