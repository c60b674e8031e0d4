import { DittoError, ERROR_CODES, type ErrorCode, type ErrorDetails } from '@dittofs/interface'

/** An error as the control API states it. */
export interface ControlError {
  readonly code: ErrorCode
  readonly message: string
  readonly details: ErrorDetails
}

export function toControlError(error: unknown): ControlError {
  if (error instanceof DittoError) return { code: error.code, message: error.message, details: error.details }
  if (error instanceof Error && error.name === 'TimeoutError') {
    return { code: 'DITTO_TIMEOUT', message: 'It took longer than allowed.', details: {} }
  }
  const reason = error instanceof Error ? error.message : String(error)
  return { code: 'DITTO_INTERNAL', message: `Something is wrong in DittoFS itself: ${reason}`, details: {} }
}

/** @param value - what a daemon sent, perhaps a newer one with codes this side does not know */
export function fromControlError(value: unknown): DittoError {
  const { code, message, details } = (value ?? {}) as Partial<ControlError>
  const isKnown = ERROR_CODES.includes(code as ErrorCode)
  return new DittoError(
    isKnown ? (code as ErrorCode) : 'DITTO_INTERNAL',
    typeof message === 'string' ? message : 'The daemon failed and did not say why.',
    { details: typeof details === 'object' && details !== null ? details : {} },
  )
}

/** The HTTP status of an answer that is an error and nothing else. */
export function httpStatusOf(code: ErrorCode): number {
  switch (code) {
    case 'DITTO_USAGE':
    case 'DITTO_PATH_INVALID':
      return 400
    case 'DITTO_NOT_FOUND':
      return 404
    case 'DITTO_LIMIT':
      return 413
    case 'DITTO_INTERNAL':
      return 500
    case 'DITTO_CLOSED':
      return 503
    default:
      return 422
  }
}
