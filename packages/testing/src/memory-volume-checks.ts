import { DittoError, type ErrorCode, nameFault } from '@dittofs/interface'

export function checkedName(given: string): string {
  const name = given.normalize('NFC')
  const found = nameFault(name)
  if (found !== undefined) throw fault('DITTO_PATH_INVALID', `This name cannot be used: ${found}.`)
  return name
}

export function checkRange(value: number, from: number, to: number, what: string): void {
  if (!Number.isSafeInteger(value) || value < from || value > to) {
    throw fault('DITTO_LIMIT', `${value} is too little or too much for ${what}: ${from} to ${to}.`)
  }
}

export function fault(code: ErrorCode, message: string): DittoError {
  return new DittoError(code, message)
}

export function exists(): DittoError {
  return fault('DITTO_EXISTS', 'The name is taken.')
}

export function isDirectory(): DittoError {
  return fault('DITTO_IS_DIRECTORY', 'This is a directory.')
}

export function notDirectory(): DittoError {
  return fault('DITTO_NOT_DIRECTORY', 'This is no directory.')
}
