/**
 * Live folders: a directory of the user's that mirrors a directory of a space, both ways.
 */

export type { BaseDatabase } from './base/base-database.ts'
export { type DiskKind, type DiskStamp, isSameStamp } from './disk-stamp.ts'
export { openSpaceFolders } from './engine/open-space-folders.ts'
export type { FileOnDisk, FolderContent, FolderId, PlacedFile } from './engine/ports.ts'
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
