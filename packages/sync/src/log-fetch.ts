import { type Clock, DittoError } from '@dittofs/interface'
import { encodeMessage, type LogPartMessage } from '@dittofs/wire'
import { Wakeup } from './wakeup.ts'

/** How long the owner may take for one part. */
const PART_TIMEOUT_MS = 30_000
/** How long all of it may take: the copies are held in memory meanwhile, and no other repair of the space begins. */
const FETCH_TIMEOUT_MS = 15 * 60_000
/** Bytes of copies that are held until the last part is there: about two million entries. */
const MAX_COPIED_BYTES = 256 * 1024 * 1024

export interface LogFetchInit {
  clock: Clock
  /** Number of the space in messages to the peer. */
  spaceNumber: number
  write: (parts: readonly Uint8Array[]) => Promise<void>
}

interface AskedPart {
  readonly log: number
  readonly from: number
  part?: LogPartMessage
}

/** Fetches logs from their owner, one part at a time. Parts that were not asked for are skipped. */
export class LogFetch {
  readonly #init: LogFetchInit
  readonly #arrived = new Wakeup()
  #asked: AskedPart | undefined

  constructor(init: LogFetchInit) {
    this.#init = init
  }

  receive(part: LogPartMessage): void {
    const asked = this.#asked
    if (asked === undefined || asked.log !== part.log || asked.from !== part.from) return
    asked.part ??= part
    this.#arrived.wake()
  }

  /**
   * @returns the logs from their beginnings to their ends, as updates
   * @throws DittoError DITTO_TIMEOUT, DITTO_PROTOCOL (parts that lead nowhere), DITTO_LIMIT
   */
  async fetch(logs: readonly number[], signal: AbortSignal): Promise<readonly Uint8Array[]> {
    const updates: Uint8Array[] = []
    const startedAt = this.#init.clock.monotonic()
    let bytes = 0
    for (const log of logs) {
      for (let from = 0; ; ) {
        const { to, end, update } = await this.#ask(log, from, signal)
        if (from >= end) break
        if (to <= from || to > end || update.length === 0) {
          throw new DittoError('DITTO_PROTOCOL', 'The peer gave a part of a log that ends where it begins.')
        }
        if (this.#init.clock.monotonic() - startedAt > FETCH_TIMEOUT_MS) throw tooSlow()
        bytes += update.length
        if (bytes > MAX_COPIED_BYTES) {
          throw new DittoError('DITTO_LIMIT', 'A log is too long to be compared with its owner’s copy.')
        }
        updates.push(update)
        from = to
        if (from >= end) break
      }
    }
    return updates
  }

  async #ask(log: number, from: number, signal: AbortSignal): Promise<LogPartMessage> {
    const { clock, spaceNumber, write } = this.#init
    const asked: AskedPart = { log, from }
    this.#asked = asked
    try {
      await write([encodeMessage({ type: 'wantLog', space: spaceNumber, log, from })])
      if (asked.part === undefined) await this.#arrived.waitAtMost(PART_TIMEOUT_MS, clock, { signal })
      if (asked.part === undefined) throw tooSlow()
      return asked.part
    } finally {
      this.#asked = undefined
    }
  }
}

function tooSlow(): DittoError {
  return new DittoError('DITTO_TIMEOUT', 'The owner of a log did not give its copy in time.')
}
