import { setImmediate } from 'node:timers/promises'
import { MAX_PATH_PARTS, type NameClash, type TreeEntry, type WalkOptions } from '@dittofs/interface'
import type { ShownDirectory, ShownLeaf } from './shown-tree.ts'
import { inSlices } from './slices.ts'
import { sortedInSteps } from './sorted-in-steps.ts'
import type { SpaceReplica } from './space-replica.ts'
import { treeEntry } from './tree-entry.ts'
import { compareText, namesIn, readChildren, type TreeView } from './tree-view.ts'

const ENTRIES_PER_BATCH = 256

/** A directory on the way: what is still to come of it. */
interface Frame {
  readonly names: readonly string[]
  /** The names of what it showed when its turn came, in order. */
  readonly sorted: readonly string[]
  readonly copies: ReadonlyMap<string, ShownLeaf>
  readonly below: (readonly string[])[]
  at: number
}

/**
 * The entry at a path and all below, parents first: a directory's entries together, or with `isDepthFirst` each
 * directory directly before what is in it. Each directory is read when its turn comes, so changes made meanwhile may
 * or may not be seen. Nothing is shown below MAX_PATH_PARTS: no path names it.
 */
export async function* walkTree(
  { view, index }: Pick<SpaceReplica, 'view' | 'index'>,
  top: readonly string[],
  { signal, isDepthFirst = false }: WalkOptions,
  assertOpen: () => void,
): AsyncGenerator<readonly TreeEntry[]> {
  signal?.throwIfAborted()
  const start = view.find(top)
  if (start === undefined) return
  let batch = [treeEntry(start, top.join('/'), index.devices)]
  const pending: (readonly string[])[] = start.kind === 'directory' ? [top] : []
  const frames: Frame[] = []
  for (;;) {
    if (frames.length === 0) {
      const next = pending.pop()
      if (next === undefined) break
      const opened = await openFrame(view, next)
      if (opened !== undefined) frames.push(opened)
      continue
    }
    const frame = frames.at(-1) as Frame
    let directory = view.find(frame.names)
    let deeper: readonly string[] | undefined
    const prefix = frame.names.length === 0 ? '' : `${frame.names.join('/')}/`
    while (frame.at < frame.sorted.length && directory?.kind === 'directory' && deeper === undefined) {
      const name = frame.sorted[frame.at] as string
      frame.at += 1
      const entry = frame.copies.get(name) ?? view.main(directory, name)
      if (entry === undefined) continue
      batch.push(treeEntry(entry, prefix + name, index.devices))
      if (entry.kind === 'directory' && frame.names.length + 1 < MAX_PATH_PARTS) {
        if (isDepthFirst) deeper = [...frame.names, name]
        else frame.below.push([...frame.names, name])
      }
      if (batch.length < ENTRIES_PER_BATCH) continue
      yield batch
      batch = []
      await setImmediate()
      signal?.throwIfAborted()
      assertOpen()
      directory = view.find(frame.names)
    }
    if (deeper === undefined) {
      frames.pop()
      pending.push(...frame.below.reverse())
    } else {
      const opened = await openFrame(view, deeper)
      if (opened !== undefined) frames.push(opened)
    }
  }
  if (batch.length > 0) yield batch
}

async function openFrame(view: TreeView, names: readonly string[]): Promise<Frame | undefined> {
  const directory = view.find(names)
  if (directory?.kind !== 'directory') return undefined
  await inSlices(readChildren(directory))
  const copies = new Map(view.conflictCopies(directory).map((copy) => [copy.name, copy]))
  const sorted = await inSlices(sortedInSteps(joined(namesIn(directory), copies.keys())))
  return { names, sorted, copies, below: [], at: 0 }
}

function* joined(names: Iterable<string>, copies: Iterable<string>): Generator<string> {
  yield* names
  yield* copies
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
