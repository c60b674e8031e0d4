import type { DiskKind, DiskStamp } from '../disk-stamp.ts'

const LETTERS: Readonly<Record<DiskKind, string>> = { file: 'f', directory: 'd', symlink: 'l', other: 'o' }
const KINDS: Readonly<Record<string, DiskKind>> = { f: 'file', d: 'directory', l: 'symlink', o: 'other' }

/**
 * A stamp as one short string: a base of 100,000 entries keeps each in a third of the memory, and two stamps of a file are
 * equal exactly when their texts are.
 */
export function stampText(stamp: DiskStamp): string {
  const { kind, dev, ino, size, mode, mtimeNs, ctimeNs, birthtimeNs } = stamp
  const times = `${mtimeNs} ${ctimeNs === mtimeNs ? '' : ctimeNs} ${birthtimeNs === mtimeNs ? '' : birthtimeNs}`
  return `${LETTERS[kind]} ${dev} ${ino} ${size} ${mode} ${times}`
}

/** @throws TypeError for a text that {@link stampText} did not make */
export function parseStamp(text: string): DiskStamp {
  const [letter, dev, ino, size, mode, mtime, ctime, birthtime, ...more] = text.split(' ')
  const kind = KINDS[letter ?? '']
  if (kind === undefined || birthtime === undefined || more.length > 0) throw new TypeError('not a stamp')
  const mtimeNs = BigInt(mtime as string)
  return {
    kind,
    dev: BigInt(dev as string),
    ino: BigInt(ino as string),
    size: Number(size),
    mode: Number(mode),
    mtimeNs,
    ctimeNs: ctime === '' ? mtimeNs : BigInt(ctime as string),
    birthtimeNs: birthtime === '' ? mtimeNs : BigInt(birthtime),
  }
}

/** The device and inode of a stamp, in its text form: what stays when a file is renamed. */
export function inodeOfText(text: string): string {
  const start = text.indexOf(' ') + 1
  return text.slice(start, text.indexOf(' ', text.indexOf(' ', start) + 1))
}

export function inodeOf(stamp: DiskStamp): string {
  return `${stamp.dev} ${stamp.ino}`
}

/**
 * Whether two stamps with one inode are of one file or directory, and not of a later one that got the inode again: by the
 * time it was made, and where the file system has none, for files by size and time.
 */
export function isSameInode(a: DiskStamp, b: DiskStamp): boolean {
  if (a.kind !== b.kind || a.dev !== b.dev || a.ino !== b.ino) return false
  if (a.birthtimeNs !== 0n && b.birthtimeNs !== 0n) return a.birthtimeNs === b.birthtimeNs
  return a.kind === 'directory' || (a.size === b.size && a.mtimeNs === b.mtimeNs)
}
