import { DittoError } from './errors.ts'
import { MAX_NAME_BYTES, MAX_PATH_BYTES, MAX_PATH_PARTS } from './limits.ts'

/** Why a name may not stand in a space; `undefined` when it may. Names are compared and stored as NFC. */
export function nameFault(name: string): string | undefined {
  if (name === '') return 'a name cannot be empty'
  if (name === '.' || name === '..') return `"${name}" is no name`
  if (name.includes('/')) return 'a name cannot contain "/"'
  if (name.includes('\0')) return 'a name cannot contain a NUL character'
  if (!name.isWellFormed()) return 'a name must be valid Unicode'
  if (name.normalize('NFC') !== name) return 'a name must be in Unicode normal form C'
  if (name.startsWith('.dittofs')) return 'names that begin with ".dittofs" are kept for DittoFS itself'
  if (Buffer.byteLength(name) > MAX_NAME_BYTES) return `a name is at most ${MAX_NAME_BYTES} bytes long`
  return undefined
}

/**
 * The names of a path within a space. A leading `/` and repeated or trailing ones are dropped; `''` and `/` are the
 * root, no names. What a person typed may be in any normal form: it is brought to NFC.
 *
 * @throws DittoError DITTO_PATH_INVALID for `.`, `..`, NUL and whatever else {@link nameFault} names, and past
 *   MAX_PATH_BYTES or MAX_PATH_PARTS
 */
export function parsePath(path: string): string[] {
  const names = path
    .normalize('NFC')
    .split('/')
    .filter((name) => name !== '')
  for (const name of names) {
    const fault = nameFault(name)
    if (fault !== undefined) {
      throw new DittoError('DITTO_PATH_INVALID', `The path ${JSON.stringify(path)} cannot be used: ${fault}.`)
    }
  }
  if (names.length > MAX_PATH_PARTS || Buffer.byteLength(names.join('/')) > MAX_PATH_BYTES) {
    throw new DittoError(
      'DITTO_PATH_INVALID',
      `The path is too long: at most ${MAX_PATH_BYTES} bytes and ${MAX_PATH_PARTS} parts.`,
    )
  }
  return names
}
