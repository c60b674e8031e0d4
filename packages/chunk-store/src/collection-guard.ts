import type { ChunkId } from '@dittofs/interface'

/**
 * A set of chunk IDs that may answer `true` for one that is not in it, once in 2^53 or so: 8 bytes an ID. Whoever
 * keeps what is in the set keeps, in that case, one chunk too many.
 */
export class FingerprintSet {
  readonly #fingerprints = new Set<number>()

  add(id: ChunkId): void {
    this.#fingerprints.add(fingerprint(id))
  }

  has(id: ChunkId): boolean {
    return this.#fingerprints.has(fingerprint(id))
  }
}

/** The first 52 bits. */
function fingerprint(id: ChunkId): number {
  return Number.parseInt(id.slice(0, 13), 16)
}

interface Collection {
  readonly space: number
  readonly touched: FingerprintSet
}

/**
 * Keeps collections from taking what other calls rely on. A call that finds a chunk held says so (`touch`) under the
 * chunk's lock, and a collection asks (`isTouched`) under the same lock. Calls that had begun before the collection
 * did are waited for: it cannot know what they found.
 */
export class CollectionGuard {
  readonly #collections = new Set<Collection>()
  readonly #writing = new Map<number, Set<Promise<void>>>()

  touch(space: number, ids: readonly ChunkId[]): void {
    for (const collection of this.#collections) {
      if (collection.space === space) for (const id of ids) collection.touched.add(id)
    }
  }

  /** Says that a call writes to the space. @returns what ends it */
  enter(space: number): () => void {
    const writing = this.#writing.get(space) ?? new Set()
    this.#writing.set(space, writing)
    let leave!: () => void
    const call = new Promise<void>((resolve) => {
      leave = resolve
    })
    writing.add(call)
    return () => {
      writing.delete(call)
      leave()
    }
  }

  /** Begins a collection. `settled` resolves when the calls that were writing then are done. */
  begin(space: number): { isTouched: (id: ChunkId) => boolean; settled: Promise<unknown>; end: () => void } {
    const collection: Collection = { space, touched: new FingerprintSet() }
    this.#collections.add(collection)
    return {
      isTouched: (id) => collection.touched.has(id),
      settled: Promise.all([...(this.#writing.get(space) ?? [])]),
      end: () => this.#collections.delete(collection),
    }
  }
}
