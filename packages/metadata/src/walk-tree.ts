import { setImmediate } from 'node:timers/promises'
import { type AbortOptions, MAX_PATH_PARTS, type NameClash, type TreeEntry } from '@dittofs/interface'
import type { ShownDirectory } from './shown-tree.ts'
import type { SpaceReplica } from './space-replica.ts'
import { treeEntry } from './tree-entry.ts'
import { compareText, type TreeView } from './tree-view.ts'

const ENTRIES_PER_BATCH = 256

/**
 * The entry at a path and all below, parents first. Each directory is read when its turn comes, so changes made
 * meanwhile may or may not be seen. Nothing is shown below MAX_PATH_PARTS: no path names it.
 */
export async function* walkTree(
  { view, index }: Pick<SpaceReplica, 'view' | 'index'>,
  top: readonly string[],
  { signal }: AbortOptions,
  assertOpen: () => void,
): AsyncGenerator<readonly TreeEntry[]> {
  signal?.throwIfAborted()
  const start = view.find(top)
  if (start === undefined) return
  let batch = [treeEntry(start, top.join('/'), index.devices)]
  const pending: (readonly string[])[] = start.kind === 'directory' ? [top] : []
  for (let names = pending.pop(); names !== undefined; names = pending.pop()) {
    const directory = view.find(names)
    if (directory?.kind !== 'directory') continue
    const below: (readonly string[])[] = []
    const entries = [...view.entries(directory)].sort((a, b) => compareText(a.name, b.name))
    for (const entry of entries) {
      const path = [...names, entry.name]
      batch.push(treeEntry(entry, path.join('/'), index.devices))
      if (entry.kind === 'directory' && path.length < MAX_PATH_PARTS) below.push(path)
      if (batch.length < ENTRIES_PER_BATCH) continue
      yield batch
      batch = []
      await setImmediate()
      signal?.throwIfAborted()
      assertOpen()
    }
    pending.push(...below.reverse())
  }
  if (batch.length > 0) yield batch
}

/** Names side by side that differ in case only, in the whole tree. */
export function clashesIn(view: TreeView): NameClash[] {
  const clashes: NameClash[] = []
  const pending: { directory: ShownDirectory; path: string }[] = [{ directory: view.root, path: '' }]
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const summary = view.summaries.of(next.directory)
    if (summary.totals.clashes === 0) continue
    for (const names of summary.caseClashes()) clashes.push({ directory: next.path, names })
    for (const entry of view.entries(next.directory)) {
      if (entry.kind !== 'directory') continue
      pending.push({ directory: entry, path: next.path === '' ? entry.name : `${next.path}/${entry.name}` })
    }
  }
  return clashes.sort((a, b) => compareText(a.directory, b.directory))
}
