import type { DirtyDirectories } from '../folder-file-system.ts'

/** More dirty directories than that are everything: looking at all is then cheaper than remembering. */
const MAX_DIRTY = 10_000

/** Gathers dirty directories until they are taken. */
export class DirtySet {
  readonly #directories = new Map<string, readonly string[]>()
  #isAll = false

  add(names: readonly string[]): void {
    if (this.#isAll) return
    this.#directories.set(names.join('/'), names)
    if (this.#directories.size > MAX_DIRTY) this.addAll()
  }

  addAll(): void {
    this.#isAll = true
    this.#directories.clear()
  }

  /** @returns `undefined` for nothing */
  take(): DirtyDirectories | undefined {
    const dirty = this.#isAll ? 'all' : [...this.#directories.values()]
    this.#isAll = false
    this.#directories.clear()
    return dirty.length === 0 ? undefined : dirty
  }
}
