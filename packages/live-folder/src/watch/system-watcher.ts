import type { Clock } from '@dittofs/interface'
import type { WatchDirectory } from './watch-directory.ts'
import { watchEachDirectory } from './watch-each-directory.ts'
import { watchTree } from './watch-tree.ts'

/** How this system watches directories. */
export function systemWatcher(clock: Clock): WatchDirectory {
  const hasTrees = process.platform === 'darwin' || process.platform === 'win32'
  const watch = hasTrees ? watchTree : watchEachDirectory
  return (root, onDirty, { signal }) => watch(root, onDirty, { clock, signal })
}
