import { DittoError, type ErrorCode } from '@dittofs/interface'

/** The statuses of RFC 1813 section 2.6 that are used. */
export const NFS3 = {
  ok: 0,
  permission: 1,
  noEntry: 2,
  io: 5,
  access: 13,
  exists: 17,
  crossDevice: 18,
  notDirectory: 20,
  isDirectory: 21,
  invalid: 22,
  fileTooBig: 27,
  noSpace: 28,
  readOnly: 30,
  nameTooLong: 63,
  notEmpty: 66,
  stale: 70,
  badHandle: 10001,
  notSync: 10002,
  badCookie: 10003,
  notSupported: 10004,
  tooSmall: 10005,
  serverFault: 10006,
  badType: 10007,
  tryLater: 10008,
} as const

/** A status that the gateway itself finds, without asking the volume. */
export class NfsError extends Error {
  readonly status: number

  constructor(status: number) {
    super(`NFSv3 status ${status}`)
    this.name = 'NfsError'
    this.status = status
  }
}

/**
 * What clients hear of a volume's errors; every other code is a fault of ours.
 *
 * A chunk that nobody reachable has is an I/O error and not NFS3ERR_JUKEBOX: kernel clients ask again for ever on the
 * latter, so that the program that reads hangs until a peer comes that may be gone for good. An I/O error is not kept by
 * any client: the next read asks again.
 */
const STATUS_BY_CODE: Readonly<Partial<Record<ErrorCode, number>>> = {
  DITTO_NOT_FOUND: NFS3.noEntry,
  DITTO_EXISTS: NFS3.exists,
  DITTO_PATH_INVALID: NFS3.invalid,
  DITTO_UNSUPPORTED: NFS3.invalid,
  DITTO_USAGE: NFS3.invalid,
  DITTO_HANDLE_STALE: NFS3.stale,
  DITTO_NOT_DIRECTORY: NFS3.notDirectory,
  DITTO_IS_DIRECTORY: NFS3.isDirectory,
  DITTO_NOT_EMPTY: NFS3.notEmpty,
  DITTO_TIMEOUT: NFS3.tryLater,
  DITTO_BUSY: NFS3.tryLater,
  DITTO_CLOSED: NFS3.io,
  DITTO_IO: NFS3.io,
  DITTO_PERMISSION: NFS3.access,
  DITTO_NO_SPACE: NFS3.noSpace,
  DITTO_FILE_CHANGED: NFS3.tryLater,
  DITTO_CHUNK_CORRUPT: NFS3.io,
  DITTO_CHUNK_MISSING: NFS3.io,
  DITTO_MANIFEST_INVALID: NFS3.io,
  DITTO_STORE_CORRUPT: NFS3.io,
  DITTO_PEER_UNREACHABLE: NFS3.io,
  DITTO_ROLE: NFS3.readOnly,
  DITTO_LIMIT: NFS3.fileTooBig,
}

/** The status for an error, or `undefined` for one that should not have come up. */
export function knownStatus(error: unknown): number | undefined {
  if (error instanceof NfsError) return error.status
  return error instanceof DittoError ? STATUS_BY_CODE[error.code] : undefined
}
