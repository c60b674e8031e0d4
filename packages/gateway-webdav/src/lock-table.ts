import { randomUUID } from 'node:crypto'
import type { Clock } from '@dittofs/interface'
import { HttpError } from './http-error.ts'
import { MAX_LOCKS, MAX_LOCKS_PER_CLIENT } from './limits.ts'
import { formatHref, type RequestPath } from './request-path.ts'

/** What a LOCK asks for. */
export interface LockRequest {
  readonly path: RequestPath
  readonly isDirectory: boolean
  readonly isExclusive: boolean
  /** Whether everything below is locked too. */
  readonly isDeep: boolean
  /** What the client wrote in the owner element, as XML; `''` for nothing. */
  readonly owner: string
  /** Who holds it: only the same one may use its token. */
  readonly principal: string
  /** Whose locks are counted together. */
  readonly client: string
  readonly seconds: number
}

/** A write lock that is held. */
export interface Lock extends LockRequest {
  readonly token: string
  readonly href: string
  /** By the monotonic clock, milliseconds. */
  expiresAtMs: number
}

/** Names a place in the tree of a gateway; no name holds a `/`, so two places never share a key. */
export function lockKey(path: RequestPath): string {
  return path.exportName === undefined ? '' : ['', path.exportName, ...path.names].join('/')
}

/**
 * The locks of a gateway, by the place they are on (RFC 4918 6 and 7). They are kept in memory: after a restart a client
 * has to lock again, which RFC 4918 6.6 lets happen at any time.
 */
export class LockTable {
  readonly #clock: Pick<Clock, 'monotonic'>
  readonly #byToken = new Map<string, Lock>()
  readonly #byKey = new Map<string, Set<Lock>>()
  /** How many each client holds, those included that ended and were not cleared away. */
  readonly #ofClient = new Map<string, number>()

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock
  }

  get size(): number {
    return this.#byToken.size
  }

  get(token: string): Lock | undefined {
    const lock = this.#byToken.get(token)
    return lock !== undefined && this.#isAlive(lock) ? lock : undefined
  }

  /** Milliseconds that a lock has left. */
  remainingMs(lock: Lock): number {
    return Math.max(0, lock.expiresAtMs - this.#clock.monotonic())
  }

  /** The locks that a place is under: those on it, and deep ones on the directories above. */
  covering(path: RequestPath): Lock[] {
    const key = lockKey(path)
    const found = this.#at(key)
    for (let end = key.lastIndexOf('/'); end >= 0; end = key.lastIndexOf('/', end - 1)) {
      found.push(...this.#at(key.slice(0, end)).filter((lock) => lock.isDeep))
      if (end === 0) break
    }
    return found
  }

  /** The locks on places below `path`. */
  below(path: RequestPath): Lock[] {
    const prefix = `${lockKey(path)}/`
    const found: Lock[] = []
    for (const key of this.#byKey.keys()) if (key.startsWith(prefix)) found.push(...this.#at(key))
    return found
  }

  /** The locks that stand against a new one. */
  conflicts(request: Pick<LockRequest, 'path' | 'isDeep' | 'isExclusive'>): Lock[] {
    const around = [...this.covering(request.path), ...(request.isDeep ? this.below(request.path) : [])]
    return around.filter((lock) => request.isExclusive || lock.isExclusive)
  }

  /**
   * Takes a lock that nothing stands against: `conflicts` was asked in the same turn.
   *
   * @throws HttpError 507: MAX_LOCKS or MAX_LOCKS_PER_CLIENT
   */
  grant(request: LockRequest): Lock {
    // Locks that ended are cleared away when they are in the way: then it is worth looking at all of them.
    if (this.#isFullFor(request.client)) this.#sweep()
    if (this.#isFullFor(request.client)) throw new HttpError(507, 'Too many locks are held: release some of them.')
    const lock: Lock = {
      ...request,
      token: `opaquelocktoken:${randomUUID()}`,
      href: formatHref(request.path, request.isDirectory),
      expiresAtMs: this.#clock.monotonic() + request.seconds * 1000,
    }
    this.#byToken.set(lock.token, lock)
    this.#ofClient.set(lock.client, (this.#ofClient.get(lock.client) ?? 0) + 1)
    const key = lockKey(lock.path)
    this.#byKey.set(key, (this.#byKey.get(key) ?? new Set()).add(lock))
    return lock
  }

  /** Lets a lock live for `seconds` from now. */
  refresh(lock: Lock, seconds: number): void {
    lock.expiresAtMs = this.#clock.monotonic() + seconds * 1000
  }

  release(lock: Lock): void {
    if (!this.#byToken.delete(lock.token)) return
    const left = (this.#ofClient.get(lock.client) ?? 1) - 1
    if (left > 0) this.#ofClient.set(lock.client, left)
    else this.#ofClient.delete(lock.client)
    const key = lockKey(lock.path)
    const there = this.#byKey.get(key)
    there?.delete(lock)
    if (there?.size === 0) this.#byKey.delete(key)
  }

  /** Ends the locks below a place, whose nodes are gone, and those on it unless it stays mapped. */
  releaseTree(path: RequestPath, options: { isMapped: boolean }): void {
    for (const lock of this.below(path)) this.release(lock)
    if (!options.isMapped) for (const lock of this.#at(lockKey(path))) this.release(lock)
  }

  #at(key: string): Lock[] {
    return [...(this.#byKey.get(key) ?? [])].filter((lock) => this.#isAlive(lock))
  }

  #isAlive(lock: Lock): boolean {
    return lock.expiresAtMs > this.#clock.monotonic()
  }

  #isFullFor(client: string): boolean {
    return this.#byToken.size >= MAX_LOCKS || (this.#ofClient.get(client) ?? 0) >= MAX_LOCKS_PER_CLIENT
  }

  #sweep(): void {
    for (const lock of [...this.#byToken.values()]) if (!this.#isAlive(lock)) this.release(lock)
  }
}
