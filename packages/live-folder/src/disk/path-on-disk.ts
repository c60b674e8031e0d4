import { DittoError, nameFault } from '@dittofs/interface'
import { isStagedName, MARKER_NAME } from '../plan/own-names.ts'
import { platformNameFault } from './platform-name.ts'

/**
 * Names may be in any normal form; of our own only those that the engine uses in the root can be asked for.
 *
 * @throws DittoError DITTO_PATH_INVALID for a name that is not to be used below a live folder
 */
export function requireUsableNames(names: readonly string[], action: string): void {
  for (const [depth, name] of names.entries()) {
    if (depth === 0 && (name === MARKER_NAME || isStagedName(name))) continue
    const fault = nameFault(name.normalize('NFC')) ?? platformNameFault(name)
    if (fault !== undefined) {
      throw new DittoError('DITTO_PATH_INVALID', `Cannot ${action} ${JSON.stringify(names.join('/'))}: ${fault}.`)
    }
  }
}

/** Whether two paths can be one name on a disk that folds case; else one inode at both is a file with two names. */
export function isSameName(from: readonly string[], to: readonly string[]): boolean {
  const folded = (names: readonly string[]): string => names.join('/').normalize('NFC').toLowerCase()
  return folded(from) === folded(to)
}

/** A path as messages show it. */
export function shownPath(names: readonly string[]): string {
  return JSON.stringify(names.join('/'))
}
