import type { NodeAction, NodeContent, NodeId, TreeEntry } from '@dittofs/interface'
import { contentKey, packContent } from '../../src/content-codec.ts'
import { findNode, showsVersion } from '../../src/find-node.ts'
import { parseVersionId } from '../../src/version-id.ts'
import type { ObservedState } from './observed-state.ts'

/** What each directory shows, whatever its files are called: an action on a node may make or settle conflicts. */
type ContentLines = ReadonlySet<string>

interface Expectation {
  readonly lines: ContentLines
  /** Whether more may come to light than these. */
  readonly isAtLeast: boolean
}

/** Where the tree after an action on a node is not what its author expects. */
export function nodeDifferences(before: ObservedState, after: ObservedState, action: NodeAction): string[] {
  const expected = expectation(before, action)
  const actual = linesOf([...after.entries.values()])
  const gone = (line: string) => line.endsWith('/') && before.deadPaths.has(line.slice(0, -1))
  const missing = [...expected.lines].filter((line) => !actual.has(line) && !gone(line))
  const found = expected.isAtLeast ? [] : [...actual].filter((line) => !expected.lines.has(line))
  return [...missing.map((line) => `expected ${line}`), ...found.map((line) => `did not expect ${line}`)]
}

function expectation(before: ObservedState, action: NodeAction): Expectation {
  const entries = [...before.entries.values()]
  const exactly = (wanted: readonly TreeEntry[], ...more: string[]) => {
    return { lines: new Set([...linesOf(wanted), ...more]), isAtLeast: false }
  }
  const atLeast = { lines: linesOf(entries), isAtLeast: true }
  if (action.type === 'create') {
    const parent = directoryPath(before, action.parent)
    if (parent === undefined) return atLeast
    return exactly(entries, lineOf(join(parent, action.name), action.content))
  }
  const shown = shownEntries(before, action.node)
  if (action.type === 'undelete') {
    // A dead directory that is shown goes back, or elsewhere, with what is in it.
    const [directory] = shown
    const others = entries.filter(({ path }) => directory === undefined || !isAtOrBelow(path, directory.path))
    return { lines: linesOf(others), isAtLeast: true }
  }
  if (action.type === 'edit') {
    if (action.content.kind === 'directory') return exactly(entries)
    const edited = entryShowing(before, action.node, action.base)
    const at = edited ?? shown[0]
    if (at === undefined) return atLeast
    // The base may be known from a life whose changes are lost: it had replaced what its writer wrote before.
    const base = parseVersionId(action.base)
    const isReplaced = (entry: TreeEntry) => {
      if (entry.node !== action.node || entry.version === undefined) return false
      const { writer, t } = parseVersionId(entry.version)
      return writer === base.writer && t <= base.t
    }
    return exactly(
      entries.filter((entry) => entry !== edited && !isReplaced(entry)),
      lineOf(at.path, action.content),
    )
  }
  if (action.type === 'delete') {
    const [directory] = shown.filter(({ kind }) => kind === 'directory')
    if (directory !== undefined) return exactly(withoutTree(before, directory, action.keep ?? []))
    const deleted =
      action.base === undefined
        ? shown.find(({ path }) => path === pathOf(before, action.node))
        : entryShowing(before, action.node, action.base)
    return exactly(entries.filter((entry) => entry !== deleted))
  }
  const parent = directoryPath(before, action.parent)
  const moved = action.version === undefined ? undefined : entryShowing(before, action.node, action.version)
  const from = moved?.path ?? pathOf(before, action.node)
  if (parent === undefined || from === undefined) return { ...atLeast, lines: new Set() }
  const to = join(parent, action.name)
  return exactly(
    entries.map((entry) =>
      isAtOrBelow(entry.path, from) ? { ...entry, path: to + entry.path.slice(from.length) } : entry,
    ),
  )
}

function withoutTree(before: ObservedState, directory: TreeEntry, keep: readonly NodeId[]): TreeEntry[] {
  const entries = [...before.entries.values()]
  const kept = keep.flatMap((node) => shownEntries(before, node))
  const stays = ({ path }: TreeEntry) =>
    !isAtOrBelow(path, directory.path) ||
    kept.some((one) => one.path !== directory.path && isAtOrBelow(one.path, directory.path) && isRelated(path, one))
  return entries.filter(stays)
}

/** Whether a path is a kept entry's, leads to it, or lies below it. */
function isRelated(path: string, kept: TreeEntry): boolean {
  return isAtOrBelow(kept.path, path) || (kept.kind === 'directory' && isAtOrBelow(path, kept.path))
}

/** All entries that show a node: a directory's one, each version of a leaf. */
function shownEntries({ entries }: ObservedState, id: NodeId): TreeEntry[] {
  return [...entries.values()].filter(({ node, nodes }) => node === id || nodes?.includes(id) === true)
}

function entryShowing(before: ObservedState, id: NodeId, version: string): TreeEntry | undefined {
  const event = parseVersionId(version as NonNullable<TreeEntry['version']>)
  const found = findNode(before.view, id, event)
  const node = before.view.index.nodes.get(id)
  if (found?.entry.kind !== 'leaf' || node === undefined) return undefined
  return showsVersion(found.entry, node, event) ? before.entries.get(found.names.join('/')) : undefined
}

function pathOf(before: ObservedState, id: NodeId): string | undefined {
  return findNode(before.view, id)?.names.join('/')
}

function directoryPath(before: ObservedState, id: NodeId): string | undefined {
  return id === before.view.index.root.id ? '' : shownEntries(before, id)[0]?.path
}

function linesOf(entries: readonly TreeEntry[]): Set<string> {
  return new Set(entries.map((entry) => lineOf(entry.path, contentOf(entry))))
}

function contentOf({ kind, file, symlink }: TreeEntry): NodeContent {
  if (file !== undefined) return { kind: 'file', file }
  if (symlink !== undefined) return { kind: 'symlink', symlink }
  if (kind === 'directory') return { kind, directory: { mode: 0, mtimeNs: 0n } }
  throw new Error('an entry without content')
}

function lineOf(path: string, content: NodeContent): string {
  if (content.kind === 'directory') return `${path}/`
  const key = Buffer.from(contentKey(content.kind, packContent(content)), 'latin1').toString('base64')
  return `${path.slice(0, path.lastIndexOf('/') + 1)}| ${content.kind} ${key}`
}

function join(directory: string, name: string): string {
  return directory === '' ? name : `${directory}/${name}`
}

function isAtOrBelow(path: string, top: string): boolean {
  return path === top || path.startsWith(`${top}/`)
}
