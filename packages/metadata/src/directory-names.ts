import { setImmediate } from 'node:timers/promises'
import type { TreeEntry } from '@dittofs/interface'
import type { ShownLeaf } from './shown-tree.ts'
import { inSlices } from './slices.ts'
import type { SpaceReplica } from './space-replica.ts'
import { treeEntry } from './tree-entry.ts'
import { namesIn, readChildren, type TreeView } from './tree-view.ts'

/** Names looked at before others get their turn: below a millisecond. */
const NAMES_PER_BATCH = 500

/**
 * The names that a directory shows but for those of conflict copies, in no order, in batches with a turn for others behind
 * each.
 *
 * @param assertOpen - throws where the store was closed meanwhile
 */
export async function* shownNames(
  view: TreeView,
  directoryNames: readonly string[],
  assertOpen: () => void,
): AsyncGenerator<readonly string[]> {
  const directory = view.find(directoryNames)
  if (directory?.kind !== 'directory') return
  await inSlices(readChildren(directory))
  assertOpen()
  let batch: string[] = []
  let looked = 0
  for (const name of namesIn(directory)) {
    if (view.main(directory, name) !== undefined) batch.push(name)
    looked += 1
    if (looked % NAMES_PER_BATCH !== 0) continue
    yield batch
    batch = []
    await setImmediate()
    assertOpen()
  }
  yield batch
}

/** The names of the conflict copies in a directory. */
export function copyNames(view: TreeView, directoryNames: readonly string[]): string[] {
  const directory = view.find(directoryNames)
  return directory?.kind === 'directory' ? view.conflictCopies(directory).map(({ name }) => name) : []
}

/** The entries under names of one directory, which is looked for once. */
export function entriesAt(
  { view, index }: Pick<SpaceReplica, 'view' | 'index'>,
  directoryNames: readonly string[],
  names: readonly string[],
): (TreeEntry | undefined)[] {
  const directory = view.find(directoryNames)
  if (directory?.kind !== 'directory') return names.map(() => undefined)
  const prefix = directoryNames.length === 0 ? '' : `${directoryNames.join('/')}/`
  let copies: ReadonlyMap<string, ShownLeaf> | undefined
  const copyNamed = (name: string): ShownLeaf | undefined => {
    copies ??= new Map(view.conflictCopies(directory).map((copy) => [copy.name, copy]))
    return copies.get(name)
  }
  return names.map((name) => {
    const entry = view.main(directory, name) ?? copyNamed(name)
    return entry === undefined ? undefined : treeEntry(entry, prefix + name, index.devices)
  })
}
