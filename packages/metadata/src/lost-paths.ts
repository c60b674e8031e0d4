import { nodePath } from './changed-paths.ts'
import { contentKey } from './content-codec.ts'
import type { LogItem } from './log-run.ts'
import type { LogRecord } from './record.ts'
import { decodeRecord } from './record-codec.ts'
import type { SpaceIndex } from './space-index.ts'

/** Items compared, or entries looked up, in one step. */
const ITEMS_PER_STEP = 250

/**
 * How a copy of a log differs from its owner's, which is as long or longer: what only the first has, clock by clock.
 *
 * @param held - gives the items of the copy from one clock to another
 * @param end - the clock behind its last item
 */
export function* compareCopies(
  held: (from: number, to: number) => readonly LogItem[],
  end: number,
  owners: readonly LogItem[],
): Generator<void, { readonly isSame: boolean; readonly dropped: readonly string[] }> {
  const dropped: string[] = []
  let isSame = true
  for (let from = 0; from < end; from += ITEMS_PER_STEP) {
    for (const [at, item] of held(from, Math.min(end, from + ITEMS_PER_STEP)).entries()) {
      if (item === owners[from + at]) continue
      isSame = false
      if (item !== null) dropped.push(item)
    }
    yield
  }
  return { isSame, dropped }
}

/**
 * Where the entries of the tree stood whose content, or whose place, only the dropped entries of logs named.
 *
 * @param before - the index with the dropped entries
 * @param after - the index without them
 * @returns at most `limit` paths, each once
 */
export function* lostPaths(
  dropped: readonly string[],
  before: SpaceIndex,
  after: SpaceIndex,
  limit: number,
): Generator<void, string[]> {
  const paths = new Set<string>()
  for (const [position, entry] of dropped.entries()) {
    const record = decodeRecord(entry)
    if (record?.type === 'state' && isLost(record, after)) {
      const node = before.nodes.get(record.node)
      const path = node === undefined ? undefined : nodePath(before, node)
      if (path !== undefined) paths.add(path)
      if (paths.size >= limit) break
    }
    if ((position + 1) % ITEMS_PER_STEP === 0) yield
  }
  return [...paths]
}

function isLost({ node: id, version }: Extract<LogRecord, { type: 'state' }>, after: SpaceIndex): boolean {
  const node = after.nodes.get(id)
  if (node?.placement === undefined) return true
  if (node.kind === 'directory' || version === undefined) return false
  const key = contentKey(node.kind, version.content)
  return !node.states.some((slot) => slot.version !== undefined && contentKey(node.kind, slot.version.content) === key)
}
