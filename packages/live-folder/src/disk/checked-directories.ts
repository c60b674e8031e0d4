import { lstat, realpath } from 'node:fs/promises'
import path from 'node:path'
import { DittoError } from '@dittofs/interface'
import type { SafeDirectories } from './safe-directories.ts'

/**
 * For systems without descriptor paths: every part is looked at and the directory's real path compared, before a write
 * and after it. Between the two a local attacker who may write in the tree could swap a directory; the second check
 * then fails the write, but cannot undo it. docs/security.md says so.
 */
export class CheckedDirectories implements SafeDirectories {
  readonly #root: string

  static async open(root: string): Promise<CheckedDirectories> {
    return new CheckedDirectories(await realpath(root))
  }

  /** @param root - a real path */
  constructor(root: string) {
    this.#root = root
  }

  async within<T>(names: readonly string[], action: (place: string) => Promise<T>): Promise<T> {
    const place = await this.#check(names)
    const outcome = await action(place)
    await this.#check(names)
    return outcome
  }

  async close(): Promise<void> {}

  async #check(names: readonly string[]): Promise<string> {
    let place = this.#root
    for (const name of names) {
      place = path.join(place, name)
      if (!(await lstat(place)).isDirectory()) throw notDirectory(names)
    }
    if ((await realpath(place)) !== place) throw notDirectory(names)
    return place
  }
}

function notDirectory(names: readonly string[]): DittoError {
  return new DittoError(
    'DITTO_PATH_INVALID',
    `Nothing is written below ${JSON.stringify(names.join('/'))}: it is a symlink or a file, not a directory.`,
  )
}
