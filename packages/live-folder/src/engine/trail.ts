import type { Clock } from '@dittofs/interface'
import type { TrailEntry } from './space-folders.ts'

const MAX_ENTRIES_PER_PATH = 20
/** Some 300 bytes each. */
const MAX_PATHS = 10_000

/** What was seen, decided and done of late, by path: for a person who asks why. Bounded; the oldest paths go first. */
export class Trail {
  readonly #clock: Pick<Clock, 'now'>
  readonly #entries = new Map<string, TrailEntry[]>()

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock
  }

  note(folder: string, path: string, what: TrailEntry['what'], text: string): void {
    const key = `${folder}/${path}`
    const entries = this.#entries.get(key) ?? []
    this.#entries.delete(key)
    this.#entries.set(key, entries)
    entries.push({ at: this.#clock.now(), folder, path, what, text })
    if (entries.length > MAX_ENTRIES_PER_PATH) entries.shift()
    if (this.#entries.size <= MAX_PATHS) return
    for (const oldest of this.#entries.keys()) {
      this.#entries.delete(oldest)
      break
    }
  }

  of(path: string, folders: Iterable<string>): readonly TrailEntry[] {
    const found = [...folders].flatMap((folder) => this.#entries.get(`${folder}/${path}`) ?? [])
    return found.sort((a, b) => a.at - b.at)
  }
}
