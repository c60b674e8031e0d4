/**
 * Every code an error of DittoFS may carry. Public API: a code never changes its meaning.
 *
 * @see docs/errors.md for what each one means, whether to retry and what to do
 */
export const ERROR_CODES = [
  // use
  'DITTO_USAGE',
  'DITTO_CONFIG_INVALID',
  'DITTO_NOT_FOUND',
  'DITTO_EXISTS',
  'DITTO_PATH_INVALID',
  'DITTO_UNSUPPORTED',
  'DITTO_HANDLE_STALE',
  'DITTO_NOT_DIRECTORY',
  'DITTO_IS_DIRECTORY',
  'DITTO_NOT_EMPTY',
  // lifecycle
  'DITTO_CLOSED',
  'DITTO_TIMEOUT',
  'DITTO_BUSY',
  // local machine
  'DITTO_IO',
  'DITTO_PERMISSION',
  'DITTO_NO_SPACE',
  'DITTO_HOME_LOCKED',
  'DITTO_HOME_UNSAFE',
  'DITTO_DAEMON_UNREACHABLE',
  'DITTO_PORT_IN_USE',
  'DITTO_FILE_CHANGED',
  // stored content
  'DITTO_CHUNK_CORRUPT',
  'DITTO_CHUNK_MISSING',
  'DITTO_MANIFEST_INVALID',
  'DITTO_STORE_CORRUPT',
  'DITTO_STORE_VERSION',
  // metadata
  'DITTO_UPDATE_INVALID',
  'DITTO_UPDATE_GAP',
  'DITTO_CONFLICT',
  'DITTO_DIVERGED',
  // identity, links, pairing
  'DITTO_IDENTITY_INVALID',
  'DITTO_IDENTITY_CLONED',
  'DITTO_KNOCK_REFUSED',
  'DITTO_PEER_UNTRUSTED',
  'DITTO_PEER_UNREACHABLE',
  'DITTO_LINK_CUT',
  'DITTO_LINK_TIMEOUT',
  'DITTO_TICKET_MANGLED',
  'DITTO_TICKET_EXPIRED',
  'DITTO_TICKET_USED',
  'DITTO_TICKET_REVOKED',
  'DITTO_TICKET_UNKNOWN',
  'DITTO_TICKET_UNCONFIRMED',
  'DITTO_STATEMENT_INVALID',
  'DITTO_NOT_A_MEMBER',
  'DITTO_ROLE',
  // bundles
  'DITTO_BUNDLE_DAMAGED',
  'DITTO_BUNDLE_FOREIGN',
  // protocol
  'DITTO_PROTOCOL',
  'DITTO_PROTOCOL_VERSION',
  'DITTO_LIMIT',
  'DITTO_INTERNAL',
] as const

export type ErrorCode = (typeof ERROR_CODES)[number]

/** What a {@link DittoError} may tell beside its message: plain values, fit for JSON and logs. */
export type ErrorDetails = Readonly<Record<string, string | number | boolean | readonly string[]>>

export interface DittoErrorInit {
  cause?: unknown
  details?: ErrorDetails
}

/**
 * The one error class of DittoFS. Callers match on `code`, never on `message`.
 *
 * `message` is one plain sentence for a person: what happened and, where there is something to do, what to do.
 */
export class DittoError extends Error {
  readonly code: ErrorCode
  readonly details: ErrorDetails

  constructor(code: ErrorCode, message: string, init: DittoErrorInit = {}) {
    super(message, init.cause === undefined ? undefined : { cause: init.cause })
    this.name = 'DittoError'
    this.code = code
    this.details = init.details ?? {}
  }
}

/** Whether `error` is a {@link DittoError}, of that code where one is given. */
export function isDittoError(error: unknown, code?: ErrorCode): error is DittoError {
  return error instanceof DittoError && (code === undefined || error.code === code)
}
