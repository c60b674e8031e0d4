import type { ByteRange } from '@dittofs/interface'

/** Parts of a file: ascending, apart from each other. */
export class ByteRanges {
  readonly #ranges: ByteRange[] = []
  #bytes = 0

  get isEmpty(): boolean {
    return this.#ranges.length === 0
  }

  /** Bytes in all of them. */
  get bytes(): number {
    return this.#bytes
  }

  add(start: number, end: number): void {
    if (start >= end) return
    const from = this.#firstFrom(start)
    let to = from
    let merged: ByteRange = { start, end }
    for (; to < this.#ranges.length; to++) {
      const range = this.#ranges[to] as ByteRange
      if (range.start > end) break
      merged = { start: Math.min(merged.start, range.start), end: Math.max(merged.end, range.end) }
      this.#bytes -= range.end - range.start
    }
    this.#ranges.splice(from, to - from, merged)
    this.#bytes += merged.end - merged.start
  }

  /** Drops everything from an offset on. */
  cut(size: number): void {
    for (let last = this.#ranges.at(-1); last !== undefined && last.end > size; last = this.#ranges.at(-1)) {
      this.#ranges.pop()
      this.#bytes -= last.end - last.start
      if (last.start >= size) continue
      this.#ranges.push({ start: last.start, end: size })
      this.#bytes += size - last.start
    }
  }

  /** What of a part is in them. */
  within(start: number, end: number): ByteRange[] {
    const found: ByteRange[] = []
    for (let at = this.#firstFrom(start); at < this.#ranges.length; at++) {
      const range = this.#ranges[at] as ByteRange
      if (range.start >= end) break
      const part = { start: Math.max(start, range.start), end: Math.min(end, range.end) }
      if (part.start < part.end) found.push(part)
    }
    return found
  }

  /** What of a part is not in them. */
  gaps(start: number, end: number): ByteRange[] {
    const found: ByteRange[] = []
    let at = start
    for (const range of this.within(start, end)) {
      if (at < range.start) found.push({ start: at, end: range.start })
      at = range.end
    }
    if (at < end) found.push({ start: at, end })
    return found
  }

  /** The index of the first range that ends at `offset` or behind it. */
  #firstFrom(offset: number): number {
    let low = 0
    let high = this.#ranges.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#ranges[middle] as ByteRange).end < offset) low = middle + 1
      else high = middle
    }
    return low
  }
}
