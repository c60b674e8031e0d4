import type { Action, NodeId, TreeEntry } from '@dittofs/interface'
import type { BaseEntry } from '../base/base-entry.ts'
import type { BaseTree } from '../base/base-tree.ts'
import { isConflictCopyName } from '../plan/conflict-copy-name.ts'
import { nodesOf, parentPath, type RemoteTree, shownEntry } from '../plan/remote-tree.ts'

type Deletion = Extract<Action, { readonly type: 'delete' }>

/** Entries looked at before others get a turn. */
const ENTRIES_PER_SLICE = 500

/** Whether an entry is shown under that name in a directory of one of these nodes. */
export function isShownIn(remote: RemoteTree, shown: TreeEntry, directory: readonly NodeId[], name: string): boolean {
  if (shown.path === '' || shown.name !== name) return false
  const parent = remote.lookup(parentPath(shown.path))
  return parent !== undefined && nodesOf(parent).some((node) => directory.includes(node))
}

/** A file that became a conflict copy shows by another name, and so does a copy that is in conflict no more: neither moved. */
function isMovedAway(remote: RemoteTree, shown: TreeEntry, { parent, name, isDirectory }: BaseEntry): boolean {
  if (parent === undefined || shown.conflictOf !== undefined) return false
  const wasCopy = !isDirectory && isConflictCopyName(name, shown.name)
  return !isShownIn(remote, shown, parent.nodes, wasCopy ? shown.name : name)
}

/**
 * What to send for a path that is gone from disk. Whoever deleted it saw the version and the place that the base has, and
 * below a directory what the base has there: where the document has another version, or has put it elsewhere, it stays, and
 * is written out again.
 *
 * @param entry - may have been set aside: then where it stood is not asked
 * @returns `undefined` where the document is to stay as it is
 */
export function* planDeletion(
  remote: RemoteTree,
  base: BaseTree,
  entry: BaseEntry,
): Generator<void, Deletion | undefined> {
  const shown = shownEntry(remote, entry)
  if (shown === undefined || shown.path === '' || shown.kind !== entry.kind) return undefined
  if (!base.isAside(entry) && isMovedAway(remote, shown, entry)) return undefined
  if (!entry.isDirectory) {
    if (shown.version !== entry.version || entry.version === undefined) return undefined
    return { type: 'delete', node: shown.node, base: entry.version }
  }
  const keep: NodeId[] = []
  let looked = 0
  const pending = [shown.path]
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    for (const child of remote.children(path) ?? []) {
      looked += 1
      if (looked % ENTRIES_PER_SLICE === 0) yield
      const seen = nodesOf(child)
        .flatMap((node) => base.byNode(node))
        .some((known) => known.isInside(entry) && (child.kind === 'directory' || known.version === child.version))
      if (!seen) keep.push(...nodesOf(child))
      else if (child.kind === 'directory') pending.push(child.path)
    }
  }
  return { type: 'delete', node: shown.node, ...(keep.length === 0 ? {} : { keep }) }
}
