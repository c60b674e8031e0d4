import { watch } from 'node:fs'
import path from 'node:path'
import type { Clock } from '@dittofs/interface'
import type { DirtyDirectories } from '../folder-file-system.ts'
import { DirtySet } from './dirty-set.ts'
import { watchFault } from './watch-fault.ts'

const GATHER_MS = 50

/** `FolderFileSystem.watch` by one watch for a whole tree, which macOS and Windows have. */
export async function watchTree(
  root: string,
  onDirty: (dirty: DirtyDirectories) => void,
  options: { clock: Clock; signal: AbortSignal },
): Promise<void> {
  const { clock, signal } = options
  signal.throwIfAborted()
  const dirty = new DirtySet()
  let isGathering = false
  const stir = (): void => {
    if (isGathering) return
    isGathering = true
    const tell = (): void => {
      isGathering = false
      const taken = dirty.take()
      if (taken !== undefined && !signal.aborted) onDirty(taken)
    }
    clock.sleep(GATHER_MS, { signal }).then(tell, () => undefined)
  }
  try {
    const watcher = watch(root, { persistent: false, recursive: true }, (_, changed) => {
      // Without a name: Windows' buffer of changes overflowed.
      if (changed === null) dirty.addAll()
      else dirty.add(changed.split(path.sep).slice(0, -1))
      stir()
    })
    watcher.on('error', () => {
      dirty.addAll()
      stir()
    })
    signal.addEventListener('abort', () => watcher.close(), { once: true })
  } catch (error) {
    throw watchFault(error, root)
  }
}
