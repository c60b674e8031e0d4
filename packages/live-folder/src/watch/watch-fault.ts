import { readFileSync } from 'node:fs'
import { DittoError } from '@dittofs/interface'
import { fromSystemError, systemErrorName } from '../disk/system-error.ts'

/** A sensible value: on 64-bit Linux each watch that is used takes about 1 KiB of the kernel's memory. */
const ENOUGH_WATCHES = 524_288
const ENOUGH_INSTANCES = 512

/** Says what keeps a directory from being watched, and how the person at this machine can change it. */
export function watchFault(error: unknown, root: string): unknown {
  const shown = JSON.stringify(root)
  if (systemErrorName(error) === 'ENOSPC') {
    const limit = readLimit('max_user_watches')
    const value = Math.max(ENOUGH_WATCHES, 2 * (limit ?? 0))
    return new DittoError(
      'DITTO_LIMIT',
      `The system allows no more watches than ${limit ?? 'there are'}, so not all changes in ${shown} are seen at once; ` +
        `allow more with: sudo sysctl fs.inotify.max_user_watches=${value} ` +
        '(and the same line in a file in /etc/sysctl.d to keep it), then restart.',
      { cause: error, details: { sysctl: 'fs.inotify.max_user_watches', value } },
    )
  }
  if (systemErrorName(error) === 'EMFILE') {
    const value = Math.max(ENOUGH_INSTANCES, 2 * (readLimit('max_user_instances') ?? 0))
    return new DittoError(
      'DITTO_LIMIT',
      `Too many programs watch files, so changes in ${shown} are not seen at once; allow more with: ` +
        `sudo sysctl fs.inotify.max_user_instances=${value}, then restart.`,
      { cause: error, details: { sysctl: 'fs.inotify.max_user_instances', value } },
    )
  }
  return fromSystemError(error, `watch ${shown}`)
}

/** One of the kernel's settings for inotify; `undefined` on systems without. */
export function readLimit(name: 'max_user_watches' | 'max_user_instances' | 'max_queued_events'): number | undefined {
  try {
    const value = Number(readFileSync(`/proc/sys/fs/inotify/${name}`, 'utf8'))
    return Number.isSafeInteger(value) && value > 0 ? value : undefined
  } catch {
    return undefined
  }
}
