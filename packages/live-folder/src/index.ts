/**
 * Live folders: a directory of the user's that mirrors a directory of a space, both ways.
 */

export type { BaseDatabase } from './base/base-database.ts'
export { CheckedDirectories } from './disk/checked-directories.ts'
export { DescriptorDirectories } from './disk/descriptor-directories.ts'
export { fileTime } from './disk/file-times.ts'
export { MemoryDisk, type MemoryDiskInit } from './disk/memory-disk.ts'
export { MemoryFolderFileSystem, type MemoryFolderFileSystemInit } from './disk/memory-folder-file-system.ts'
export {
  type NodeFolderFileSystemInit,
  openNodeFolderFileSystem,
  type SymlinkPolicy,
} from './disk/node-folder-file-system.ts'
export { openSafeDirectories } from './disk/open-safe-directories.ts'
export { platformNameFault } from './disk/platform-name.ts'
export type { SafeDirectories } from './disk/safe-directories.ts'
export { staysInside } from './disk/symlink-target.ts'
export { fromSystemError, systemErrorName } from './disk/system-error.ts'
export { type DiskKind, type DiskStamp, isSameStamp } from './disk-stamp.ts'
export { openSpaceFolders } from './engine/open-space-folders.ts'
export type { FileOnDisk, FolderContent, FolderId, PlacedFile, TakenFile } from './engine/ports.ts'
export {
  FOLDER_MODES,
  type FolderMode,
  type FolderPlan,
  type FolderProblem,
  type FolderState,
  type HeldChange,
  type LinkedFolder,
  type PauseReason,
  type PlannedStep,
  type ProblemKind,
  type SpaceFolders,
  type SpaceFoldersInit,
  type TrailEntry,
} from './engine/space-folders.ts'
export type {
  DirtyDirectories,
  DiskListing,
  DiskName,
  FileSource,
  FolderFileSystem,
  UnusableName,
} from './folder-file-system.ts'
export { findIgnored } from './ignore/find-ignored.ts'
export type { IgnoreFault } from './ignore/ignore-file.ts'
export { IGNORE_FILE_NAME, type IgnoreMatch, IgnoreRules, type IgnoreText } from './ignore/ignore-rules.ts'
export { ignoringFileSystem } from './ignore/ignoring-file-system.ts'
export { systemWatcher } from './watch/system-watcher.ts'
export type { WatchDirectory } from './watch/watch-directory.ts'
