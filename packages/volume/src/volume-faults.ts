import { DittoError, type ErrorCode, nameFault } from '@dittofs/interface'

export function fault(code: ErrorCode, message: string, cause?: unknown): DittoError {
  return new DittoError(code, message, cause === undefined ? {} : { cause })
}

export function staleHandle(): DittoError {
  return fault('DITTO_HANDLE_STALE', 'What the handle named is no longer there; open it again by its path.')
}

export function notFound(name: string): DittoError {
  return fault('DITTO_NOT_FOUND', `There is no ${JSON.stringify(name)} in the directory.`)
}

export function taken(name: string): DittoError {
  return fault('DITTO_EXISTS', `The name ${JSON.stringify(name)} is taken.`)
}

export function isDirectory(): DittoError {
  return fault('DITTO_IS_DIRECTORY', 'This is a directory; a file is wanted.')
}

export function notDirectory(): DittoError {
  return fault('DITTO_NOT_DIRECTORY', 'This is no directory.')
}

export function notEmpty(): DittoError {
  return fault('DITTO_NOT_EMPTY', 'The directory is not empty; remove what is in it first.')
}

/** A name in NFC. @throws DittoError DITTO_PATH_INVALID */
export function checkedName(given: string): string {
  const name = given.normalize('NFC')
  const found = nameFault(name)
  if (found === undefined) return name
  throw fault('DITTO_PATH_INVALID', `The name cannot be used: ${found}.`)
}

/** @throws DittoError DITTO_LIMIT unless `value` is an integer from `least` to `most` */
export function checkRange(value: number, least: number, most: number, what: string): void {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return
  throw fault('DITTO_LIMIT', `${what} is ${least} to ${most}, not ${value}.`)
}
