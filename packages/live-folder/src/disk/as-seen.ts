import { type DiskStamp, isSameStamp } from '../disk-stamp.ts'

/**
 * The stamp of what was just put into a place. Where something else is there by now, or somebody has written into it, that
 * is a change still to be found: what is said is what this device saw.
 */
export function asSeen(seen: DiskStamp, now: DiskStamp): DiskStamp {
  return isSameStamp(seen, now, true) ? now : unsure(seen)
}

/** A stamp that no look at the disk gives: the next one reads the file. */
export function unsure(stamp: DiskStamp): DiskStamp {
  return { ...stamp, ctimeNs: -1n }
}
