import { type ErrorCode, isDittoError } from '@dittofs/interface'
import { HttpError } from './http-error.ts'

/** The HTTP status of each code that a volume may throw; every other one is 500. */
const STATUS: Partial<Record<ErrorCode, number>> = {
  DITTO_USAGE: 400,
  DITTO_PATH_INVALID: 403,
  DITTO_PERMISSION: 403,
  DITTO_ROLE: 403,
  DITTO_UNSUPPORTED: 403,
  DITTO_NOT_FOUND: 404,
  DITTO_HANDLE_STALE: 404,
  DITTO_IS_DIRECTORY: 405,
  DITTO_EXISTS: 409,
  DITTO_NOT_DIRECTORY: 409,
  DITTO_NOT_EMPTY: 409,
  DITTO_CONFLICT: 409,
  DITTO_LIMIT: 413,
  DITTO_IO: 500,
  DITTO_CHUNK_CORRUPT: 500,
  DITTO_BUSY: 503,
  DITTO_CLOSED: 503,
  DITTO_TIMEOUT: 503,
  DITTO_CHUNK_MISSING: 503,
  DITTO_NO_SPACE: 507,
}

/** Seconds after which a client may ask again for what nobody reachable has now. */
const RETRY_AFTER_SECONDS = '5'

/**
 * What a client is told of an error. A sentence of ours goes out only where the client is at fault: what went wrong
 * inside, with paths of this machine, is for the log.
 */
export function toHttpError(error: unknown): HttpError {
  if (error instanceof HttpError) return error
  const status = isDittoError(error) ? (STATUS[error.code] ?? 500) : 500
  if (isDittoError(error) && status < 500) return new HttpError(status, error.message)
  if (status === 503) {
    const message = 'This cannot be answered now: what is needed is not on this device, or it is busy. Try again later.'
    return new HttpError(503, message, { headers: { 'Retry-After': RETRY_AFTER_SECONDS } })
  }
  if (status === 507) return new HttpError(507, 'There is no space left on the device that serves this.')
  return new HttpError(500, 'Something went wrong on the device that serves this; its log says what.')
}
