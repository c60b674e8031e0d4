import type { IncomingMessage } from 'node:http'
import { isLoopback } from './address-rule.ts'
import { parseAuthorization, type VerifyCredentials } from './credentials.ts'
import type { FailureLimit } from './failure-limit.ts'
import { HttpError } from './http-error.ts'

/** Who is let in, and how. */
export interface AuthenticationPolicy {
  /** `undefined`: nobody has credentials. */
  readonly verify: VerifyCredentials | undefined
  readonly realm: string
  /** Whether programs on this machine need none. */
  readonly isLoopbackOpen: boolean
}

/** Who sends a request: a name, or `undefined` for somebody on this machine who needs none. */
export interface Principal {
  readonly name: string | undefined
}

/** @throws HttpError 401 (no credentials that count), 429 (too many wrong ones from this address) */
export async function authenticate(
  request: IncomingMessage,
  address: string,
  policy: AuthenticationPolicy,
  failures: FailureLimit,
): Promise<Principal> {
  const shown = parseAuthorization(request.headers.authorization)
  const isOpen = policy.isLoopbackOpen && isLoopback(address)
  if (isOpen && (shown === undefined || policy.verify === undefined)) return { name: undefined }
  if (shown === undefined || policy.verify === undefined) throw unauthorized(policy.realm)
  const waitMs = failures.waitMs(address)
  if (waitMs > 0) {
    const headers = { 'Retry-After': String(Math.ceil(waitMs / 1000)) }
    throw new HttpError(429, 'Too many wrong passwords came from this address: wait a while.', { headers })
  }
  const name = await policy.verify(shown)
  if (name !== undefined) return { name }
  failures.noteFailure(address)
  throw unauthorized(policy.realm)
}

function unauthorized(realm: string): HttpError {
  const quoted = realm.replace(/[^\x20-\x7e]/g, '?').replace(/["\\]/g, '\\$&')
  return new HttpError(401, 'Sign in to use this.', {
    headers: { 'WWW-Authenticate': `Basic realm="${quoted}", charset="UTF-8", Bearer realm="${quoted}"` },
  })
}
