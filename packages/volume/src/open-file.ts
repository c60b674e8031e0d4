import type { FileContent, TreeEntry, VersionId, VolumeHandle } from '@dittofs/interface'
import type { WriteBuffer } from './write-buffer.ts'

/** A file with changes that are not committed. */
export interface OpenFile {
  readonly handle: VolumeHandle
  /** As it was shown before the first of them. */
  readonly entry: TreeEntry & { readonly file: FileContent; readonly version: VersionId }
  readonly buffer: WriteBuffer
  mode: number
  mtimeNs: bigint
  /** When it was last changed, by nanoseconds since the Unix epoch. */
  changedNs: bigint
  /** Part of the change tag. */
  changes: number
  /** Part of the content tag. */
  contentChanges: number
  /** Of the volume's clock, in milliseconds. */
  readonly firstWriteAt: number
  lastWriteAt: number
  /** Aborted when nothing is left to commit. */
  readonly over: AbortController
  /** Removed here: nothing of it is committed any more. */
  isGone: boolean
}

/** What a commit makes of it. */
export function committedFile({ buffer, mode, mtimeNs }: OpenFile, content: FileContent['content']): FileContent {
  return { size: buffer.size, mode, mtimeNs, content }
}
