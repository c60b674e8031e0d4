import type { Clock, FileContent, Logger, MetadataStore, TreeEntry } from '@dittofs/interface'
import type { WantedContent } from './content-scan.ts'
import { Wakeup } from './wakeup.ts'

/** Changed paths remembered one by one; past it the tree is walked instead. */
const MAX_DIRTY_PATHS = 20_000
/** Contents handed on at once. */
const BATCH_SIZE = 1024
/**
 * A walk of the tree is followed by a pause of at least this, and of so many times its own length: before a walk for
 * what changed, and before one only because some peer may have gained what nobody had.
 */
const WALK_PAUSE_MS = 100
const CHANGED_PAUSE_FACTOR = 0.5
const GAINED_PAUSE_FACTOR = 4
/** After a failure of a store. */
const RETRY_MS = 30_000

/** Contents of what is shown and picked, each time from the beginning. */
export type ContentSource = (isPicked: (entry: TreeEntry) => boolean) => AsyncIterable<readonly WantedContent[]>

export interface MissingSearchInit {
  metadata: MetadataStore
  clock: Clock
  log: Logger
  /**
   * Looks at contents, and asks for what they lack. `isWhole`: they are all there are.
   *
   * @returns milliseconds of it that were spent waiting for room
   */
  scan: (contents: ContentSource, isWhole: boolean, options: { readonly signal: AbortSignal }) => Promise<number>
  /** `isIdle` may have changed. */
  onChange: () => void
}

/**
 * Decides when to look for missing content, and where: the whole tree at first, then what changed; the whole tree again
 * when too much changed, or when a peer may have what nobody had before.
 */
export class MissingSearch {
  readonly #init: MissingSearchInit
  readonly #wakeup = new Wakeup()
  #dirtyPaths = new Set<string>()
  #walkFor: 'change' | 'gain' | undefined = 'change'
  #isScanning = false
  #walkEndedAt = Number.NEGATIVE_INFINITY
  #walkWorkMs = 0

  constructor(init: MissingSearchInit) {
    this.#init = init
  }

  /** Whether everything has been looked at. */
  get isIdle(): boolean {
    return this.#walkFor === undefined && this.#dirtyPaths.size === 0 && !this.#isScanning
  }

  /** What is shown at these paths changed. `undefined` stands for anything. */
  changed(paths: readonly string[] | undefined): void {
    if (this.#walkFor !== 'change') {
      if (paths === undefined || this.#dirtyPaths.size + paths.length > MAX_DIRTY_PATHS) {
        this.#walkFor = 'change'
        this.#dirtyPaths.clear()
      } else {
        for (const path of paths) this.#dirtyPaths.add(path)
      }
    }
    this.#wakeup.wake()
    this.#init.onChange()
  }

  /** Something that was looked for in vain may be had now, or may not be needed any more. */
  lookAgain(): void {
    this.#walkFor ??= 'gain'
    this.#wakeup.wake()
    this.#init.onChange()
  }

  /** Searches until the signal is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#step(signal)
      } catch (error) {
        if (signal.aborted) return
        this.#init.log.error({ error }, 'Looking for missing content failed; it is tried again.')
        this.#walkFor = 'change'
        await this.#init.clock.sleep(RETRY_MS, { signal }).catch(() => undefined)
      } finally {
        this.#isScanning = false
      }
      this.#init.onChange()
    }
  }

  async #step(signal: AbortSignal): Promise<void> {
    const { clock, scan } = this.#init
    if (this.#dirtyPaths.size > 0) {
      this.#isScanning = true
      const paths = [...this.#dirtyPaths]
      this.#dirtyPaths.clear()
      await scan((isPicked) => this.#contents(paths, isPicked), false, { signal })
      return
    }
    if (this.#walkFor === undefined) {
      await this.#wakeup.wait({ signal })
      return
    }
    const factor = this.#walkFor === 'change' ? CHANGED_PAUSE_FACTOR : GAINED_PAUSE_FACTOR
    const waitMs = this.#walkEndedAt + Math.max(WALK_PAUSE_MS, factor * this.#walkWorkMs) - clock.monotonic()
    if (waitMs > 0) {
      // Woken by a change, which may make the walk due sooner or is to be looked at first.
      await this.#wakeup.waitAtMost(waitMs, clock, { signal })
      return
    }
    this.#isScanning = true
    this.#walkFor = undefined
    const start = clock.monotonic()
    const waitedMs = await scan((isPicked) => this.#contents([''], isPicked), true, { signal })
    this.#walkEndedAt = clock.monotonic()
    this.#walkWorkMs = this.#walkEndedAt - start - waitedMs
  }

  /** Contents of what is shown at the paths and below. */
  async *#contents(
    paths: readonly string[],
    isPicked: (entry: TreeEntry) => boolean,
  ): AsyncGenerator<readonly WantedContent[]> {
    const { metadata } = this.#init
    let batch: WantedContent[] = []
    for (const path of paths) {
      const entry = path === '' ? undefined : metadata.lookup(path)
      if (entry?.file !== undefined) {
        if (isPicked(entry)) batch.push(wantedContent(entry, entry.file))
      } else if (path === '' || entry?.kind === 'directory') {
        for await (const entries of metadata.walk(path)) {
          for (const one of entries) {
            if (one.file !== undefined && isPicked(one)) batch.push(wantedContent(one, one.file))
          }
          if (batch.length < BATCH_SIZE) continue
          yield batch
          batch = []
        }
      }
      if (batch.length < BATCH_SIZE) continue
      yield batch
      batch = []
    }
    if (batch.length > 0) yield batch
  }
}

function wantedContent({ author }: TreeEntry, { content, size }: FileContent): WantedContent {
  return author === undefined ? { content, size } : { content, size, author }
}
