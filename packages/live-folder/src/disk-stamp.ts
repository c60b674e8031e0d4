/** What stands at a path on disk. `other`: a device, a FIFO, a socket; never synced. */
export type DiskKind = 'file' | 'directory' | 'symlink' | 'other'

/** What `lstat` said of a path: by it a later look tells whether anything was changed. */
export interface DiskStamp {
  readonly kind: DiskKind
  readonly dev: bigint
  readonly ino: bigint
  /** Bytes. */
  readonly size: number
  /** The nine permission bits. */
  readonly mode: number
  /** Nanoseconds since the Unix epoch, as the file system keeps them. */
  readonly mtimeNs: bigint
  readonly ctimeNs: bigint
  /** 0 where the file system has none. */
  readonly birthtimeNs: bigint
}

/**
 * Whether nobody changed what is at a path. A rename changes `ctimeNs` on some file systems, so it counts for files only
 * together with equal names: pass `isMoved` to leave it out.
 */
export function isSameStamp(a: DiskStamp, b: DiskStamp, isMoved = false): boolean {
  if (a.kind !== b.kind || a.dev !== b.dev || a.ino !== b.ino || a.mode !== b.mode) return false
  if (a.kind === 'directory') return true
  return a.size === b.size && a.mtimeNs === b.mtimeNs && (isMoved || a.ctimeNs === b.ctimeNs)
}
