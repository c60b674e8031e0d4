import { HttpError } from './http-error.ts'
import type { Lock, LockTable } from './lock-table.ts'
import { formatHref, type RequestPath } from './request-path.ts'

/** Who asks, and the lock tokens the request submits. */
export interface LockHolder {
  readonly principal: string
  readonly tokens: ReadonlySet<string>
}

/** The lock that keeps `holder` from changing `path`; `undefined` when nothing does. One token of several is enough. */
export function blockingLock(locks: LockTable, path: RequestPath, holder: LockHolder): Lock | undefined {
  const covering = locks.covering(path)
  return covering.some((lock) => holds(holder, lock)) ? undefined : covering[0]
}

/** @throws HttpError 423 with what is locked */
export function requireLock(locks: LockTable, path: RequestPath, holder: LockHolder): void {
  const lock = blockingLock(locks, path, holder)
  if (lock !== undefined) throw lockedError([lock.href])
}

/** Adding or removing a name changes the directory that it stands in. @throws HttpError 423 */
export function requireParentLock(locks: LockTable, path: RequestPath, holder: LockHolder): void {
  if (path.names.length > 0) requireLock(locks, { ...path, names: path.names.slice(0, -1) }, holder)
}

/** Where below a directory others hold locks, as URLs: it cannot be removed then. */
export function lockedBelow(locks: LockTable, path: RequestPath, holder: LockHolder): string[] {
  const blocked = new Set<string>()
  for (const lock of locks.below(path)) {
    if (blockingLock(locks, lock.path, holder) !== undefined) blocked.add(formatHref(lock.path, lock.isDirectory))
  }
  return [...blocked]
}

export function lockedError(hrefs: readonly string[]): HttpError {
  return new HttpError(423, 'This is locked, and the request does not carry the token of the lock.', {
    condition: { name: 'lock-token-submitted', hrefs },
  })
}

export function holds(holder: LockHolder, lock: Lock): boolean {
  return holder.tokens.has(lock.token) && lock.principal === holder.principal
}
