import type { TreeEntry } from '@dittofs/interface'
import { contentKey } from '../content/content-key.ts'
import { type Origin, stampOf } from '../state/origins.ts'
import type { SourceEntry } from './source-entry.ts'

/**
 * - `keep`: what is shown is this source as it was last added; nothing is read.
 * - `write`: the source becomes the path's content, a new version where something is shown.
 * - `replace`: the same, after what is shown, of another kind, is removed.
 * - `merge`: a directory on a directory; its attributes are left alone.
 * - `compare`: only its content can tell whether this is another file.
 * - `taken`: something else is shown at the path.
 */
export type AddDecision = 'keep' | 'write' | 'replace' | 'merge' | 'compare' | 'taken'

/**
 * What becomes of a source at a path that may show something.
 *
 * @param shown - what the space shows at the path
 * @param origin - what the source was when it last went into this space
 * @param isForced - whether a person chose to replace whatever is there
 */
export function decideAdd(
  entry: SourceEntry,
  shown: TreeEntry | undefined,
  origin: Origin | undefined,
  isForced: boolean,
): AddDecision {
  if (shown === undefined) return 'write'
  const isSameNode = origin?.node === shown.node
  const isAsAdded = isSameNode && origin.content === shownContent(shown)
  if (shown.kind !== entry.kind) {
    // A directory holds what others put there: it gives way to a person's word alone.
    return isForced || (isAsAdded && shown.kind !== 'directory') ? 'replace' : 'taken'
  }
  if (entry.kind === 'directory') return isForced || isSameNode ? 'write' : 'merge'
  if (isForced) return 'write'
  if (isSameNode && origin.stamp === stampOf(entry.stat)) return 'keep'
  return isAsAdded ? 'write' : 'compare'
}

/** What an {@link Origin} keeps of an entry's content. */
export function shownContent(shown: TreeEntry): string {
  if (shown.file !== undefined) return contentKey(shown.file.content)
  return shown.symlink?.target ?? ''
}
