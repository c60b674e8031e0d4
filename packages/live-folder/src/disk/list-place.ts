import { isUtf8 } from 'node:buffer'
import { readdir } from 'node:fs/promises'
import type { AbortOptions } from '@dittofs/interface'
import type { DiskStamp } from '../disk-stamp.ts'
import type { DiskListing, DiskName, UnusableName } from '../folder-file-system.ts'
import { readStamp } from './read-stamp.ts'
import { fromSystemError } from './system-error.ts'

/** Names looked at together: enough to keep the threads of the file system busy, few enough for the event loop. */
const NAMES_AT_ONCE = 256

/**
 * Everything in a directory, by what may be synced and what may not.
 *
 * @param isLeftover - whether what has a name of ours goes instead of being told
 */
export async function listPlace(
  place: string,
  isLeftover: (name: string, stamp: DiskStamp) => Promise<boolean>,
  options: AbortOptions,
): Promise<DiskListing> {
  const found = await readdir(place, { encoding: 'buffer' })
  const names: DiskName[] = []
  const unusable: UnusableName[] = []
  for (let at = 0; at < found.length; at += NAMES_AT_ONCE) {
    options.signal?.throwIfAborted()
    const some: string[] = []
    for (const raw of found.slice(at, at + NAMES_AT_ONCE)) {
      if (isUtf8(raw)) some.push(raw.toString())
      else unusable.push({ shown: escaped(raw), reason: 'Its name is not valid UTF-8; rename it to have it synced.' })
    }
    const stamps = await Promise.allSettled(some.map((name) => readStamp(`${place}/${name}`)))
    for (const [nth, outcome] of stamps.entries()) {
      const name = some[nth] as string
      if (outcome.status === 'rejected') {
        const { message } = fromSystemError(outcome.reason, `look at ${JSON.stringify(name)}`) as Error
        unusable.push({ shown: name, reason: message })
        continue
      }
      const stamp = outcome.value
      if (stamp === undefined || (isOurs(name) && (await isLeftover(name, stamp)))) continue
      names.push({ name, stamp })
    }
  }
  return { names, unusable }
}

/** Whether a name may be one that this program gives to what people are not to see. */
function isOurs(name: string): boolean {
  return name.startsWith('.dittofs-')
}

/** A name that is no text, as text. */
function escaped(raw: Buffer): string {
  return raw
    .toString('latin1')
    .replaceAll(/[^\x20-\x7e]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16).padStart(2, '0')}`)
}
