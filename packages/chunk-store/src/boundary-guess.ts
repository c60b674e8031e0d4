import type { ExpectedChunks } from './worker-messages.ts'

/** Wrong guesses after which no more are made: each costs the hash of a chunk. */
const MAX_MISSES = 64

/**
 * Guesses where the next chunk of a file ends, from the chunks of content that it may hold still, in whole or in parts. A
 * guess counts when the chunk's hash is the one expected: then the bytes are those, and the rule that cut them there once
 * would do so again.
 */
export class BoundaryGuess {
  readonly #lengths: Uint32Array
  readonly #digests: Buffer
  /** Which of the chunks comes next; past the last when nothing is known. */
  #next = 0
  #misses = 0
  #places: Map<string, number> | undefined

  constructor({ lengths, digests }: ExpectedChunks) {
    this.#lengths = lengths
    this.#digests = Buffer.from(digests.buffer, digests.byteOffset, digests.length)
  }

  /**
   * @param available - bytes that are there of the content, from the end of the last chunk on
   * @param isEnd - whether the content ends with them
   * @returns the length that the next chunk may have
   */
  length(available: number, isEnd: boolean): number | undefined {
    const length = this.#lengths[this.#next]
    if (length === undefined || length > available) return undefined
    // The last chunk ended where the content did, not where the rule cut.
    const isLast = this.#next === this.#lengths.length - 1
    return isLast && !(isEnd && length === available) ? undefined : length
  }

  /** @param digest - of the chunk that was guessed. @returns whether it is the expected one */
  confirm(digest: Uint8Array): boolean {
    if (this.#digestAt(this.#next).equals(digest)) {
      this.#next++
      return true
    }
    this.#misses++
    return false
  }

  /** Tells the chunk that was found by the rule: where it is a known one, what follows may be known as well. */
  follow(digest: Uint8Array): void {
    if (this.#misses > MAX_MISSES) {
      this.#next = this.#lengths.length
      return
    }
    this.#places ??= this.#placesByDigest()
    this.#next = this.#places.get(textOf(digest)) ?? this.#lengths.length
  }

  /** For each chunk which one comes after it. */
  #placesByDigest(): Map<string, number> {
    const places = new Map<string, number>()
    for (let nth = 0; nth < this.#lengths.length; nth++) places.set(textOf(this.#digestAt(nth)), nth + 1)
    return places
  }

  #digestAt(nth: number): Buffer {
    return this.#digests.subarray(nth * 32, nth * 32 + 32)
  }
}

function textOf(digest: Uint8Array): string {
  return Buffer.from(digest.buffer, digest.byteOffset, digest.length).toString('latin1')
}
