import type { DirtyDirectories } from '../folder-file-system.ts'

/**
 * Watches a directory and everything below it until aborted; see `FolderFileSystem.watch`.
 *
 * @param root - absolute
 */
export type WatchDirectory = (
  root: string,
  onDirty: (dirty: DirtyDirectories) => void,
  options: { signal: AbortSignal },
) => Promise<void>
