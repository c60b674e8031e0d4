import type { ChunkId } from '@dittofs/interface'

/**
 * Locks chunk IDs, any number at once. A caller holds all it asked for or none while it waits, so two that want the
 * same IDs in another order do not wait for each other.
 */
export class IdLock {
  readonly #held = new Map<ChunkId, Promise<void>>()

  /** @returns what releases the IDs */
  async acquire(ids: readonly ChunkId[]): Promise<() => void> {
    for (;;) {
      const holders = new Set<Promise<void>>()
      for (const id of ids) {
        const holder = this.#held.get(id)
        if (holder !== undefined) holders.add(holder)
      }
      if (holders.size === 0) break
      await Promise.all(holders)
    }
    let settle!: () => void
    const holder = new Promise<void>((resolve) => {
      settle = resolve
    })
    for (const id of ids) this.#held.set(id, holder)
    return () => {
      for (const id of ids) if (this.#held.get(id) === holder) this.#held.delete(id)
      settle()
    }
  }
}
