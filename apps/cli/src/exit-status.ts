import { DittoError, type ErrorCode } from '@dittofs/interface'

/** What each exit status of `dittofs` means. Scripts rely on it. */
export const EXIT_STATUSES = {
  done: 0,
  failed: 1,
  usage: 2,
  unreachable: 3,
  notFound: 4,
  integrity: 5,
  interrupted: 130,
} as const

/** Codes that end with another status than 1. */
const STATUS_OF_CODE: Partial<Readonly<Record<ErrorCode, number>>> = {
  DITTO_USAGE: EXIT_STATUSES.usage,
  DITTO_PATH_INVALID: EXIT_STATUSES.usage,
  DITTO_TICKET_MANGLED: EXIT_STATUSES.usage,
  DITTO_PEER_UNREACHABLE: EXIT_STATUSES.unreachable,
  DITTO_DAEMON_UNREACHABLE: EXIT_STATUSES.unreachable,
  DITTO_LINK_CUT: EXIT_STATUSES.unreachable,
  DITTO_LINK_TIMEOUT: EXIT_STATUSES.unreachable,
  DITTO_KNOCK_REFUSED: EXIT_STATUSES.unreachable,
  DITTO_TIMEOUT: EXIT_STATUSES.unreachable,
  DITTO_CHUNK_MISSING: EXIT_STATUSES.unreachable,
  DITTO_NOT_FOUND: EXIT_STATUSES.notFound,
  DITTO_HANDLE_STALE: EXIT_STATUSES.notFound,
  DITTO_CHUNK_CORRUPT: EXIT_STATUSES.integrity,
  DITTO_MANIFEST_INVALID: EXIT_STATUSES.integrity,
  DITTO_STORE_CORRUPT: EXIT_STATUSES.integrity,
  DITTO_DIVERGED: EXIT_STATUSES.integrity,
  DITTO_BUNDLE_DAMAGED: EXIT_STATUSES.integrity,
}

/** The status with which a command ends that failed with this code. */
export function exitStatusOfCode(code: ErrorCode): number {
  return STATUS_OF_CODE[code] ?? EXIT_STATUSES.failed
}

/** The status with which a command ends that failed with this error. */
export function exitStatusOf(error: unknown): number {
  return error instanceof DittoError ? exitStatusOfCode(error.code) : EXIT_STATUSES.failed
}
