import { type Clock, type DeviceKey, isDittoError, type Logger, type Unsubscribe } from '@dittofs/interface'
import type { OpenSpace } from '../spaces/open-space.ts'
import { type OpenConflict, openConflicts } from '../versions/list-conflicts.ts'
import { mergeDelayMs, PATIENCE_MS, QUIET_MS } from './merge-turn.ts'

/** Longer files wait for a person. */
const MAX_FILE_BYTES = 1024 * 1024
/** Looking for conflicts walks the tree: it takes this share of the time at most, 1 of 20. */
const REST_FACTOR = 20

export interface AutoMergeInit {
  self: DeviceKey
  clock: Clock
  logger: Logger
  /** Merges what has no clash. @throws DittoError DITTO_CONFLICT, DITTO_FILE_CHANGED, DITTO_CHUNK_MISSING */
  merge: (space: OpenSpace, conflict: OpenConflict, signal: AbortSignal) => Promise<void>
  /** Whether the bytes of the file are wanted on this device. */
  isWanted: (space: OpenSpace, conflict: OpenConflict) => boolean
}

/** Merges versions of text files that do not clash, when it is this device's turn. */
export class AutoMerge {
  readonly #init: AutoMergeInit
  readonly #stop = new AbortController()
  readonly #running = new Set<Promise<void>>()
  readonly #unsubscribe: Unsubscribe[] = []

  constructor(init: AutoMergeInit) {
    this.#init = init
  }

  /** Looks after a space for as long as this is open. */
  watch(space: OpenSpace): void {
    const watch = new SpaceWatch(space, this.#init)
    this.#unsubscribe.push(space.metadata.onChange(() => watch.wake()))
    const running = watch.run(this.#stop.signal)
    this.#running.add(running)
  }

  async close(): Promise<void> {
    this.#stop.abort()
    for (const unsubscribe of this.#unsubscribe) unsubscribe()
    await Promise.all(this.#running)
  }
}

interface KnownConflict {
  /** When these versions were first seen together, in monotonic milliseconds. */
  readonly since: number
  /** Not before then. Infinite for what clashes: other versions make it another conflict. */
  notBefore: number
}

class SpaceWatch {
  readonly #space: OpenSpace
  readonly #init: AutoMergeInit
  #known = new Map<string, KnownConflict>()
  #isWoken = true
  #wake: (() => void) | undefined

  constructor(space: OpenSpace, init: AutoMergeInit) {
    this.#space = space
    this.#init = init
  }

  wake(): void {
    this.#isWoken = true
    this.#wake?.()
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.#init
    let nextAt: number | undefined
    while (!signal.aborted) {
      await this.#sleepUntil(nextAt, signal)
      if (signal.aborted) return
      this.#isWoken = false
      const begun = clock.monotonic()
      try {
        nextAt = await this.#look(signal)
      } catch (error) {
        if (signal.aborted) return
        logger.warn({ error, space: this.#space.id }, 'Looking for versions to merge failed; it is tried again.')
        nextAt = clock.monotonic() + PATIENCE_MS
      }
      const restMs = Math.max(QUIET_MS / 4, REST_FACTOR * (clock.monotonic() - begun))
      if (this.#known.size > 0) await clock.sleep(restMs, { signal }).catch(() => undefined)
    }
  }

  /** Merges what is due. @returns when the next is */
  async #look(signal: AbortSignal): Promise<number | undefined> {
    const { self, clock, isWanted } = this.#init
    const space = this.#space
    const known = new Map<string, KnownConflict>()
    let nextAt: number | undefined
    for (const conflict of await openConflicts(space, { signal })) {
      const versions = [conflict.main, ...conflict.copies]
      const key = versions.map(({ node, version }) => `${node} ${version}`).join(' ')
      const now = clock.monotonic()
      const one = this.#known.get(key) ?? { since: now, notBefore: 0 }
      known.set(key, one)
      const delayMs = mergeDelayMs({
        self,
        authors: versions.map(({ author }) => author),
        isWriter: (device) => space.membership.role(device) === 'full',
      })
      if (delayMs === undefined || !isSmallText(conflict) || !isWanted(space, conflict)) continue
      const at = Math.max(one.since + delayMs, one.notBefore)
      if (at <= now) one.notBefore = await this.#merge(conflict, signal)
      const next = at <= now ? one.notBefore : at
      if (Number.isFinite(next)) nextAt = Math.min(nextAt ?? next, next)
    }
    this.#known = known
    return nextAt
  }

  /** @returns when to try again, in monotonic milliseconds */
  async #merge(conflict: OpenConflict, signal: AbortSignal): Promise<number> {
    const { merge, logger, clock } = this.#init
    const fields = {
      space: this.#space.id,
      versions: [conflict.main, ...conflict.copies].map(({ version }) => version),
    }
    try {
      await merge(this.#space, conflict, signal)
      logger.info(fields, 'Versions of a text file were merged.')
      return Number.POSITIVE_INFINITY
    } catch (error) {
      signal.throwIfAborted()
      if (isDittoError(error, 'DITTO_CONFLICT') || isDittoError(error, 'DITTO_LIMIT')) return Number.POSITIVE_INFINITY
      logger.debug({ ...fields, error }, 'Versions of a text file could not be merged yet.')
      return clock.monotonic() + PATIENCE_MS
    }
  }

  async #sleepUntil(atMs: number | undefined, signal: AbortSignal): Promise<void> {
    if (this.#isWoken || signal.aborted) return
    const over = new AbortController()
    const { clock } = this.#init
    await new Promise<void>((resolve) => {
      this.#wake = resolve
      signal.addEventListener('abort', () => resolve(), { signal: over.signal })
      if (atMs === undefined) return
      clock.sleep(Math.max(1, atMs - clock.monotonic()), { signal: over.signal }).then(resolve, () => undefined)
    })
    this.#wake = undefined
    over.abort()
  }
}

/** Whether it may be text: two versions of one file, neither too long. What is in them is looked at when they are merged. */
function isSmallText({ main, copies }: OpenConflict): boolean {
  const [copy] = copies
  if (copy === undefined || copies.length > 1 || main.node !== copy.node) return false
  return [main, copy].every(({ file }) => file !== undefined && file.size <= MAX_FILE_BYTES)
}
