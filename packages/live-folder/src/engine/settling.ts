import { stampText } from '../base/stamp-text.ts'
import type { DiskStamp } from '../disk-stamp.ts'

/** Milliseconds from the first look at a change to the second. */
const FIRST_WAIT_MS = 50
/** Milliseconds: nothing is waited for longer between two looks. */
const MAX_WAIT_MS = 2000

interface Watched {
  readonly stamp: string
  readonly sinceMs: number
  readonly waitMs: number
}

/**
 * Says when a file is still: when its stamp has stayed the same for a time that doubles each time it did not. What was
 * last changed long ago is still at the first look.
 */
export class Settling {
  readonly #watched = new Map<string, Watched>()

  /** Paths of a folder that are not still yet. */
  countIn(folder: string): number {
    let count = 0
    for (const key of this.#watched.keys()) if (key.startsWith(`${folder}/`)) count += 1
    return count
  }

  /**
   * @param key - of the path
   * @param stamp - `undefined` for a path where nothing is any more
   * @returns milliseconds to wait before another look; 0 when it is still
   */
  look(key: string, stamp: DiskStamp | undefined, monotonicMs: number, nowMs: number): number {
    const before = this.#watched.get(key)
    if (before === undefined && stamp !== undefined && isOld(stamp, nowMs)) return 0
    const text = stamp === undefined ? '' : stampText(stamp)
    if (before?.stamp === text) {
      const left = Math.ceil(before.sinceMs + before.waitMs - monotonicMs)
      if (left > 0) return left
      this.#watched.delete(key)
      return 0
    }
    const waitMs = before === undefined ? FIRST_WAIT_MS : Math.min(before.waitMs * 2, MAX_WAIT_MS)
    this.#watched.set(key, { stamp: text, sinceMs: monotonicMs, waitMs })
    return waitMs
  }
}

function isOld({ mtimeNs, ctimeNs }: DiskStamp, nowMs: number): boolean {
  const changedNs = mtimeNs > ctimeNs ? mtimeNs : ctimeNs
  return BigInt(Math.floor(nowMs)) * 1_000_000n - changedNs > BigInt(MAX_WAIT_MS) * 1_000_000n
}
