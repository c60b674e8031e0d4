import { DittoError, isDittoError } from '@dittofs/interface'

const NO_SPACE = new Set(['ENOSPC', 'EDQUOT'])
const PERMISSION = new Set(['EACCES', 'EPERM', 'EROFS'])
/** Running out of these says nothing about the data on the disk. */
const EXHAUSTED = new Set(['EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN'])

/** The code Node gave a failed system call, if it was one. */
export function systemCode(error: unknown): string | undefined {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined
  return typeof code === 'string' ? code : undefined
}

/** What a failed read or write of the store's own files means to its caller. */
export function storageError(cause: unknown): DittoError {
  if (isDittoError(cause)) return cause
  const code = systemCode(cause) ?? ''
  if (NO_SPACE.has(code)) {
    return new DittoError('DITTO_NO_SPACE', 'The disk of the chunk store is full; make room and try again.', { cause })
  }
  if (PERMISSION.has(code)) {
    return new DittoError('DITTO_PERMISSION', 'The chunk store may not be written or read; check its owner and mode.', {
      cause,
    })
  }
  const text = cause instanceof Error ? cause.message : String(cause)
  return new DittoError('DITTO_IO', `The chunk store could not be read or written: ${text}.`, { cause })
}

/** Whether a failed read is about the machine's state and not about what it tried to read. */
export function isPassingFailure(error: unknown): boolean {
  if (isDittoError(error)) return true
  const code = systemCode(error) ?? ''
  return EXHAUSTED.has(code) || PERMISSION.has(code)
}

/** A failed system call as a {@link storageError}; anything else, such as an abort's reason, as it is. */
export function orStorageError(error: unknown): unknown {
  return systemCode(error)?.startsWith('E') === true && !isDittoError(error) ? storageError(error) : error
}
