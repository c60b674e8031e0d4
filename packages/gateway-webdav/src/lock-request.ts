import { HttpError } from './http-error.ts'
import { MAX_LOCK_OWNER_BYTES, MAX_LOCK_SECONDS } from './limits.ts'
import { childElements, davChild, isDav, serializeElement, type XmlElement } from './xml-element.ts'

/** @throws HttpError 400: no `lockinfo`; 422: a lock that is not for writing, or not exclusive or shared; 507: a long owner */
export function parseLockInfo(body: XmlElement): { readonly isExclusive: boolean; readonly owner: string } {
  if (!isDav(body, 'lockinfo')) throw new HttpError(400, 'The body of the request is no LOCK.')
  const scope = childElements(davChild(body, 'lockscope') ?? body)[0]
  const type = davChild(body, 'locktype')
  const isExclusive = scope !== undefined && isDav(scope, 'exclusive')
  const isShared = scope !== undefined && isDav(scope, 'shared')
  if (type === undefined || davChild(type, 'write') === undefined || isExclusive === isShared) {
    throw new HttpError(422, 'Locks are for writing, and exclusive or shared.')
  }
  const ownerElement = davChild(body, 'owner')
  const owner = ownerElement === undefined ? '' : serializeElement(ownerElement)
  if (Buffer.byteLength(owner) > MAX_LOCK_OWNER_BYTES) throw new HttpError(507, 'The owner of the lock is too long.')
  return { isExclusive, owner }
}

/** The first usable time of a `Timeout` header, at most MAX_LOCK_SECONDS; that where there is none. */
export function parseTimeout(header: string | string[] | undefined): number {
  for (const one of (Array.isArray(header) ? header.join(',') : (header ?? '')).split(',', 8)) {
    const seconds = /^\s*second-(\d{1,10})\s*$/i.exec(one)?.[1]
    if (seconds !== undefined) return Math.min(Math.max(Number(seconds), 1), MAX_LOCK_SECONDS)
    if (/^\s*infinite\s*$/i.test(one)) break
  }
  return MAX_LOCK_SECONDS
}
