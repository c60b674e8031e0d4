import type { ByteRange } from '@dittofs/interface'

/** What is read ahead of somebody who has just begun to read in order. */
const FIRST_AHEAD_BYTES = 256 * 1024
/** Reads in flight at once come a little out of order. */
const TOLERANCE_BYTES = 2 * 1024 * 1024
/** Readers known at once. */
const MAX_READERS = 128

interface Reader {
  /** Where the furthest read ended. */
  end: number
  /** How far has been read ahead. */
  aheadTo: number
  aheadBytes: number
}

/** Decides what to read ahead: nothing for who jumps about, more and more for who reads on. */
export class ReadAhead {
  readonly #maxBytes: number
  readonly #readers = new Map<string, Reader>()

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /**
   * Takes note of a read.
   *
   * @param file - names the content
   * @returns what is to be read now, beyond what was asked for
   */
  next(file: string, { start, end }: ByteRange, size: number): ByteRange | undefined {
    const reader = this.#readers.get(file)
    this.#readers.delete(file)
    const isOn = reader !== undefined && start <= reader.end + TOLERANCE_BYTES && start + TOLERANCE_BYTES >= reader.end
    const now: Reader = isOn
      ? { end: Math.max(end, reader.end), aheadTo: reader.aheadTo, aheadBytes: reader.aheadBytes }
      : { end, aheadTo: end, aheadBytes: start === 0 ? FIRST_AHEAD_BYTES / 2 : 0 }
    this.#readers.set(file, now)
    if (this.#readers.size > MAX_READERS) {
      for (const oldest of this.#readers.keys()) {
        this.#readers.delete(oldest)
        break
      }
    }
    if (!isOn || now.end === reader.end) return undefined
    now.aheadBytes = Math.min(Math.max(now.aheadBytes * 2, FIRST_AHEAD_BYTES), this.#maxBytes)
    const from = Math.max(now.aheadTo, now.end)
    const to = Math.min(now.end + now.aheadBytes, size)
    // Not for every small read: half a window at a time keeps the store's reads large.
    if (to - from < Math.min(now.aheadBytes / 2, size - from) || from >= to) return undefined
    now.aheadTo = to
    return { start: from, end: to }
  }
}
