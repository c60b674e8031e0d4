/**
 * Live folders: a directory of the user's that mirrors a directory of a space, both ways.
 */
export { type DiskKind, type DiskStamp, isSameStamp } from './disk-stamp.ts'
export type {
  DirtyDirectories,
  DiskListing,
  DiskName,
  FileSource,
  FolderFileSystem,
  UnusableName,
} from './folder-file-system.ts'
