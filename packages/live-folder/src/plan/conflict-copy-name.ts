import { MAX_NAME_BYTES } from '@dittofs/interface'

/** What a name that was cut after a whole character may leave free of its bytes. */
const MAX_FREE_BYTES = 3

const COPY_NAME = /^(.*) \(conflict from .+, \d{4}-\d\d-\d\d \d{6}(?: \d+)?\)(\.[^.]*)?$/su

/**
 * Whether a name is one that a conflict copy of another name is shown by, whatever device and date it tells.
 *
 * @see docs/metadata.md, What entries mean
 */
export function isConflictCopyName(name: string, original: string): boolean {
  const match = COPY_NAME.exec(name)
  if (match === null) return false
  const [, start = '', end = ''] = match
  if (start + end === original) return true
  const isCut = Buffer.byteLength(name) >= MAX_NAME_BYTES - MAX_FREE_BYTES
  return isCut && original.startsWith(start) && original.slice(start.length).endsWith(end)
}
