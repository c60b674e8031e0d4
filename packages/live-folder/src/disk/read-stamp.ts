import { type BigIntStats, lstat } from 'node:fs'
import type { DiskKind, DiskStamp } from '../disk-stamp.ts'
import { systemErrorName } from './system-error.ts'

const PERMISSIONS = 0o777n

/** What stands at a path, not following a last symlink; `undefined` for nothing. @throws system errors */
export function readStamp(place: string): Promise<DiskStamp | undefined> {
  // With a callback it takes two thirds of the time of a promise, which counts for 100,000 files.
  return new Promise((resolve, reject) => {
    lstat(place, { bigint: true }, (error, stat) => {
      if (error === null) resolve(stampOf(stat))
      else if (systemErrorName(error) === 'ENOENT' || systemErrorName(error) === 'ENOTDIR') resolve(undefined)
      else reject(error)
    })
  })
}

export function stampOf(stat: BigIntStats): DiskStamp {
  return {
    kind: kindOf(stat),
    dev: stat.dev,
    ino: stat.ino,
    size: Number(stat.size),
    mode: Number(stat.mode & PERMISSIONS),
    mtimeNs: stat.mtimeNs,
    ctimeNs: stat.ctimeNs,
    birthtimeNs: stat.birthtimeNs,
  }
}

function kindOf(stat: BigIntStats): DiskKind {
  if (stat.isFile()) return 'file'
  if (stat.isDirectory()) return 'directory'
  return stat.isSymbolicLink() ? 'symlink' : 'other'
}
