import { crc32 } from 'node:zlib'
import type { Clock } from '@dittofs/interface'
import { DUPLICATE_LIFETIME_MS, MAX_DUPLICATES } from '../limits.ts'

interface Answered {
  readonly reply: Promise<Buffer[]>
  readonly atMs: number
  isDone: boolean
}

/**
 * Remembers the answers to calls that must not be done twice. A client whose connection broke sends again, with the same
 * transaction number, what it has no answer to: it gets the one that was lost, or waits for the one that is on its way.
 *
 * Calls are known by address, xid and checksum. Some clients count xids from a fixed start in every run, so a program run
 * twice would send the same call in earnest: hence {@link forget}.
 */
export class DuplicateCache {
  readonly #clock: Pick<Clock, 'monotonic'>
  /** Oldest first. */
  readonly #answers = new Map<string, Answered>()

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock
  }

  /** Names a call by all that it consists of. */
  key(address: string, xid: number, record: Buffer): string {
    return `${address} ${xid} ${record.length} ${crc32(record)}`
  }

  /** The answer to the call, made by `run` unless it is known. The buffers are shared: nobody may change them. */
  answer(key: string, run: () => Promise<Buffer[]>): Promise<Buffer[]> {
    this.#expire()
    const known = this.#answers.get(key)
    if (known !== undefined) return known.reply
    const answered: Answered = { reply: run(), atMs: this.#clock.monotonic(), isDone: false }
    this.#answers.set(key, answered)
    const done = (): void => {
      answered.isDone = true
    }
    answered.reply.then(done, () => this.#answers.delete(key))
    return answered.reply
  }

  /** Drops answers that their client has got: it ended the connection in order, with nothing left open. */
  forget(keys: Iterable<string>): void {
    for (const key of keys) if (this.#answers.get(key)?.isDone === true) this.#answers.delete(key)
  }

  get size(): number {
    return this.#answers.size
  }

  /** Calls that still run are never dropped: the bounds of the connections bound them. */
  #expire(): void {
    const deadlineMs = this.#clock.monotonic() - DUPLICATE_LIFETIME_MS
    for (const [key, { atMs, isDone }] of this.#answers) {
      if (this.#answers.size < MAX_DUPLICATES && atMs > deadlineMs) return
      if (isDone) this.#answers.delete(key)
      else if (this.#answers.size < MAX_DUPLICATES) return
    }
  }
}
