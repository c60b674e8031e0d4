import { hash } from 'node:crypto'
import type { Writer } from './event.ts'

const LANES = 8

/**
 * For each log a hash of the entries it still holds, kept up to date as entries come and go: the sum of their
 * SHA-256 hashes, each over the clock and the entry. Equal logs have equal digests, however they got there.
 */
export class LogDigests {
  readonly #sums = new Map<Writer, Uint32Array>()

  add(writer: Writer, clock: number, entry: string): void {
    this.#change(writer, clock, entry, 1)
  }

  remove(writer: Writer, clock: number, entry: string): void {
    this.#change(writer, clock, entry, -1)
  }

  /** The sums of one log; `undefined` where nothing was counted. */
  sumsOf(writer: Writer): Uint32Array | undefined {
    return this.#sums.get(writer)
  }

  /** Goes on from sums that {@link sumsOf} gave. */
  restore(writer: Writer, sums: Uint32Array): void {
    this.#sums.set(writer, Uint32Array.from(sums))
  }

  /** All logs in order of their writers, 40 bytes each. */
  summary(): Buffer {
    const parts: Buffer[] = []
    for (const { log, digest } of this.all()) {
      const head = Buffer.alloc(8)
      head.writeBigUInt64BE(BigInt(log))
      parts.push(head, digest)
    }
    return Buffer.concat(parts)
  }

  /** Each log with its digest, in order of their writers. */
  all(): { readonly log: Writer; readonly digest: Buffer }[] {
    return [...this.#sums]
      .sort(([a], [b]) => a - b)
      .map(([log, sums]) => {
        const digest = Buffer.alloc(LANES * 4)
        for (const [lane, sum] of sums.entries()) digest.writeUInt32BE(sum, lane * 4)
        return { log, digest }
      })
  }

  #change(writer: Writer, clock: number, entry: string, sign: 1 | -1): void {
    let sums = this.#sums.get(writer)
    if (sums === undefined) {
      sums = new Uint32Array(LANES)
      this.#sums.set(writer, sums)
    }
    const hashed = hash('sha256', `${clock} ${entry}`, 'buffer')
    for (let lane = 0; lane < LANES; lane += 1) {
      sums[lane] = ((sums[lane] as number) + sign * hashed.readUInt32LE(lane * 4)) >>> 0
    }
  }
}
