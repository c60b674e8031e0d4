import { LINK_PROFILES } from './link-profile.ts'

/** Bytes that all transfers of a device may hold at once, from the request until the store has them, as long as nothing else was measured. */
export const DEFAULT_TRANSFER_BYTES = LINK_PROFILES.lan.memoryBytes

/** Counts bytes against a limit. One request may go past it; the next waits. */
export class MemoryBudget {
  readonly #limitBytes: () => number
  readonly #onRoom: () => void
  #usedBytes = 0

  /** @param limitBytes - as it is now; what is held may be more when it falls, and nothing is taken until it is not */
  constructor(limitBytes: () => number, onRoom: () => void) {
    this.#limitBytes = limitBytes
    this.#onRoom = onRoom
  }

  get roomBytes(): number {
    return this.#limitBytes() - this.#usedBytes
  }

  get usedBytes(): number {
    return this.#usedBytes
  }

  get isIdle(): boolean {
    return this.#usedBytes === 0
  }

  take(bytes: number): void {
    this.#usedBytes += bytes
  }

  give(bytes: number): void {
    this.#usedBytes -= bytes
    this.#onRoom()
  }
}
