import type { DeviceKey } from '@dittofs/interface'

/** How long a conflict has to be as it is before it is merged: versions of one burst of edits come close together. */
export const QUIET_MS = 2000
/** How long the device whose turn it is gets before the others do it. */
export const PATIENCE_MS = 60_000

export interface MergeTurn {
  readonly self: DeviceKey
  /** Who made the versions in conflict; `undefined` where that is not known. */
  readonly authors: readonly (DeviceKey | undefined)[]
  readonly isWriter: (device: DeviceKey) => boolean
}

/**
 * How long after a conflict came to be as it is this device merges it, in milliseconds; `undefined`: never.
 *
 * Every device comes to the same order without a word: first the one with the lowest key of those that made a version and
 * may write, then, if that one is not there, all others, whose merges have equal bytes and so are one.
 */
export function mergeDelayMs({ self, authors, isWriter }: MergeTurn): number | undefined {
  if (!isWriter(self)) return undefined
  const [first] = authors.flatMap((author) => (author !== undefined && isWriter(author) ? [author] : [])).sort()
  return first === self ? QUIET_MS : PATIENCE_MS
}
