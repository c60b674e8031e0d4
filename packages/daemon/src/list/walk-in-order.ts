import { setImmediate } from 'node:timers/promises'
import type { AbortOptions, MetadataStore, TreeEntry } from '@dittofs/interface'

const ENTRIES_PER_BATCH = 256

/**
 * The entry at a path and all below it, each directory directly before what is in it, names in code unit order: the
 * order in which people read a tree.
 */
export async function* walkInOrder(
  metadata: MetadataStore,
  root: TreeEntry,
  options: AbortOptions = {},
): AsyncGenerator<readonly TreeEntry[]> {
  let batch: TreeEntry[] = []
  /** What is still to come, the next one last. */
  const pending: TreeEntry[] = [root]
  for (let entry = pending.pop(); entry !== undefined; entry = pending.pop()) {
    batch.push(entry)
    if (entry.kind === 'directory') {
      const children = metadata.children(entry.path) ?? []
      for (let i = children.length - 1; i >= 0; i--) pending.push(children[i] as TreeEntry)
    }
    if (batch.length < ENTRIES_PER_BATCH) continue
    yield batch
    batch = []
    await setImmediate()
    options.signal?.throwIfAborted()
  }
  if (batch.length > 0) yield batch
}
