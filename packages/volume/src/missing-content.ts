import { type AbortOptions, type ChunkId, type Clock, isDittoError } from '@dittofs/interface'
import { fault } from './volume-faults.ts'
import type { FetchChunks } from './volume-init.ts'

export interface MissingContentInit {
  fetchChunks: FetchChunks | undefined
  clock: Clock
  timeoutMs: number
  /** Aborted when the volume closes. */
  signal: AbortSignal
}

/** Brings what is not here from other devices, and gives up after a while. */
export class MissingContent {
  readonly #init: MissingContentInit

  constructor(init: MissingContentInit) {
    this.#init = init
  }

  /** @throws DittoError DITTO_CHUNK_MISSING (nobody has it, or it did not come in time), DITTO_CLOSED, and what storing throws */
  async fetch(ids: readonly ChunkId[], options: AbortOptions = {}): Promise<void> {
    const { fetchChunks, clock, timeoutMs, signal } = this.#init
    if (fetchChunks === undefined) throw missing('connect to a device that has them')
    const over = new AbortController()
    const late = new AbortController()
    const signals = [signal, late.signal, ...(options.signal === undefined ? [] : [options.signal])]
    const timer = clock
      .sleep(timeoutMs, { signal: over.signal })
      .then(() => late.abort(missing('they did not come in time; try again later')))
      .catch(() => undefined)
    const all = AbortSignal.any(signals)
    try {
      await untilAborted(fetchChunks(ids, { signal: all }), all)
    } catch (error) {
      const isAbsent = isDittoError(error, 'DITTO_PEER_UNREACHABLE') || isDittoError(error, 'DITTO_CHUNK_MISSING')
      if (isAbsent && error !== late.signal.reason) throw missing('connect to a device that has them', error)
      throw error
    } finally {
      over.abort()
      await timer
    }
  }
}

/** Whoever fetches may be slow to hear of the abort. */
async function untilAborted(work: Promise<unknown>, signal: AbortSignal): Promise<void> {
  let onAbort = () => {}
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason as Error)
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
  })
  try {
    await Promise.race([work, aborted])
  } finally {
    signal.removeEventListener('abort', onAbort)
    // Its failure after an abort is nobody's to hear.
    work.catch(() => undefined)
  }
}

function missing(advice: string, cause?: unknown) {
  return fault('DITTO_CHUNK_MISSING', `Bytes of the file are not on this device; ${advice}.`, cause)
}
