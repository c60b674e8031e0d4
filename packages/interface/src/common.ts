/** What every call that may wait takes last. An abort rejects with the signal's own reason. */
export interface AbortOptions {
  signal?: AbortSignal
}

/** How sure a write is before it is reported done. */
export const DURABILITIES = ['full', 'group', 'none'] as const
/**
 * - `full`: each file's bytes, and then its index entries, are on stable storage before the call returns.
 * - `group`: one barrier for a batch of files or 100 ms, whichever comes first; callers wait for their barrier.
 * - `none`: whenever the operating system gets to it; for caches.
 */
export type Durability = (typeof DURABILITIES)[number]

/** Milliseconds: `now` since the Unix epoch, `monotonic` from an arbitrary start and never backwards. */
export interface Clock {
  now(): number
  monotonic(): number
  /** Resolves after `delayMs`; rejects with the signal's reason when aborted. */
  sleep(delayMs: number, options?: AbortOptions): Promise<void>
}

/** `size` random bytes, owned by the caller. Cryptographic in production, seeded in simulations. */
export type RandomBytes = (size: number) => Uint8Array

/** Structured logging: an event's fields, then one plain sentence. Never secrets, never file content. */
export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** Ends a subscription. Calling it again does nothing. */
export type Unsubscribe = () => void

/** What comes at once or later. */
export type Awaitable<T> = T | Promise<T>
