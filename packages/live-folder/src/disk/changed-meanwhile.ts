import { DittoError } from '@dittofs/interface'
import { type DiskStamp, isSameStamp } from '../disk-stamp.ts'
import { readStamp } from './read-stamp.ts'

/** @param rescued - the name under which what was changed in the last moment now stands */
export function changedMeanwhile(names: readonly string[], rescued?: string): DittoError {
  return new DittoError('DITTO_FILE_CHANGED', `${JSON.stringify(names.join('/'))} was changed meanwhile.`, {
    ...(rescued === undefined ? {} : { details: { rescued } }),
  })
}

/** @throws DittoError DITTO_FILE_CHANGED unless there is what is expected */
export function requireExpected(
  names: readonly string[],
  found: DiskStamp | undefined,
  expected: DiskStamp | undefined,
): void {
  const isExpected = found === undefined || expected === undefined ? found === expected : isSameStamp(found, expected)
  if (!isExpected) throw changedMeanwhile(names)
}

/**
 * `report.txt` as `report (changed 2026-11-21 094512).txt`, at most 255 bytes.
 *
 * @param number - 0 for the first of a second; the next ones have it in their name, `(changed 2026-11-21 094512 2)`
 */
export function rescuedName(name: string, now: Date, number = 0): string {
  const when = now.toISOString().slice(0, 19).replace('T', ' ').replaceAll(':', '')
  const dot = name.lastIndexOf('.')
  const extension = dot > 0 && name.length - dot <= 16 ? name.slice(dot) : ''
  const suffix = ` (changed ${when}${number === 0 ? '' : ` ${number + 1}`})${extension}`
  let stem = extension === '' ? name : name.slice(0, dot)
  while (Buffer.byteLength(stem + suffix) > 255) stem = [...stem].slice(0, -1).join('')
  return stem + suffix
}

/** The stamp of what must be at a place. @throws DittoError DITTO_FILE_CHANGED where nothing is */
export async function existing(names: readonly string[], place: string): Promise<DiskStamp> {
  const stamp = await readStamp(place)
  if (stamp === undefined) throw changedMeanwhile(names)
  return stamp
}
