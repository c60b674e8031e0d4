import nodePath from 'node:path'
import { DittoError } from '@dittofs/interface'
import { type Event, subscribe } from '@parcel/watcher'
import { systemErrorName } from '../disk/system-error.ts'
import type { DirtyDirectories } from '../folder-file-system.ts'
import type { WatchDirectory } from './watch-directory.ts'

/** More directories than that at once are told as everything: to name them would cost more than to look. */
const MAX_DIRTY = 5000

/**
 * Watches by what the system offers (inotify, FSEvents, ReadDirectoryChangesW), through the package @parcel/watcher: its
 * own thread reads the events and hands them on in batches, 50 ms after they came.
 */
export const nativeWatcher: WatchDirectory = async (root, onDirty, { signal }) => {
  signal.throwIfAborted()
  const subscription = await subscribe(root, (error, events) => {
    if (signal.aborted) return
    // What was lost is found by looking at everything.
    onDirty(error === null ? dirtyDirectories(root, events) : 'all')
  }).catch((error: unknown) => {
    throw watchError(root, error)
  })
  const stop = () => {
    subscription.unsubscribe().catch(() => undefined)
  }
  if (signal.aborted) stop()
  else signal.addEventListener('abort', stop, { once: true })
}

function dirtyDirectories(root: string, events: readonly Event[]): DirtyDirectories {
  const dirty = new Map<string, readonly string[]>()
  for (const { path } of events) {
    const directory = nodePath.dirname(nodePath.relative(root, path))
    if (dirty.has(directory)) continue
    dirty.set(directory, directory === '.' ? [] : directory.split(nodePath.sep))
    if (dirty.size > MAX_DIRTY) return 'all'
  }
  return [...dirty.values()]
}

function watchError(root: string, cause: unknown): DittoError {
  const text = cause instanceof Error ? cause.message : String(cause)
  const shown = JSON.stringify(root)
  if (systemErrorName(cause) === 'ENOSPC' || text.includes('No space left')) {
    return new DittoError(
      'DITTO_LIMIT',
      `The system allows no more watches, which ${shown} needs one a directory of; raise the limit with "sysctl fs.inotify.max_user_watches=1048576". Until then changes are found by looking at everything now and then.`,
      { cause },
    )
  }
  if (text.includes('Too many open files')) {
    return new DittoError(
      'DITTO_LIMIT',
      `The system allows no more watchers, which ${shown} needs one of; raise the limit with "sysctl fs.inotify.max_user_instances=1024". Until then changes are found by looking at everything now and then.`,
      { cause },
    )
  }
  return new DittoError('DITTO_UNSUPPORTED', `Changes in ${shown} cannot be watched: ${text}.`, { cause })
}
