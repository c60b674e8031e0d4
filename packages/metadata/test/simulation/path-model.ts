import type { NodeContent, PathAction, TreeEntry } from '@dittofs/interface'
import { contentKey, packContent } from '../../src/content-codec.ts'
import type { ObservedState } from './observed-state.ts'

/** Each shown path with what it holds; `/` for a directory. */
export type PathTree = ReadonlyMap<string, string>

export function pathTree(state: ObservedState): PathTree {
  return new Map([...state.entries].map(([path, entry]) => [path, label(entry)]))
}

/** What a person expects of an action: exactly the path named changes, whatever stands behind it. */
export function applyToPaths(tree: PathTree, action: PathAction): PathTree {
  const changed = new Map(tree)
  const makeParents = (path: string) => {
    const names = path.split('/')
    for (let depth = 1; depth < names.length; depth += 1) {
      const parent = names.slice(0, depth).join('/')
      if (!changed.has(parent)) changed.set(parent, '/')
    }
  }
  if (action.type === 'remove') {
    for (const path of tree.keys()) if (isAtOrBelow(path, action.path)) changed.delete(path)
    return changed
  }
  if (action.type === 'move') {
    makeParents(action.to)
    for (const [path, content] of tree) {
      if (!isAtOrBelow(path, action.from)) continue
      changed.delete(path)
      changed.set(action.to + path.slice(action.from.length), content)
    }
    return changed
  }
  makeParents(action.path)
  if (action.type === 'mkdir') changed.set(action.path, '/')
  else if (action.type === 'write') changed.set(action.path, contentLabel({ kind: 'file', file: action.file }))
  else changed.set(action.path, contentLabel({ kind: 'symlink', symlink: action.symlink }))
  return changed
}

/**
 * Where the tree after an action is not the one expected. A directory that was dead before goes with the last that
 * lived in it, and its name goes to a file that was shown as a conflict copy of it. A file that was a conflict copy
 * of another one shows as one with it when that one is given the same bytes.
 */
export function differences(expected: PathTree, actual: PathTree, before: ObservedState): string[] {
  const gone = new Set([...before.deadPaths].filter((path) => expected.get(path) === '/' && actual.get(path) !== '/'))
  const isRenamed = (path: string) => {
    const conflictOf = before.entries.get(path)?.conflictOf
    return gone.has(path) || (conflictOf !== undefined && gone.has(conflictOf)) || isCopyOfAny(path, gone)
  }
  const isMerged = (path: string, content: string) => {
    const copy = before.entries.get(path)
    if (copy?.conflictOf === undefined || actual.has(path)) return false
    const isSameNode = before.entries.get(copy.conflictOf)?.node === copy.node
    return !isSameNode && expected.get(copy.conflictOf) === content && actual.get(copy.conflictOf) === content
  }
  const lines = (tree: PathTree) =>
    [...tree].filter(([path]) => !isRenamed(path)).map(([path, content]) => `${withoutNumber(path)} as ${content}`)
  const found = lines(actual)
  const missing = lines(new Map([...expected].filter((line) => !isMerged(...line)))).filter((line) => {
    const at = found.indexOf(line)
    if (at >= 0) found.splice(at, 1)
    return at < 0
  })
  return [...missing.map((line) => `expected ${line}`), ...found.map((line) => `did not expect ${line}`)]
}

/** Copies of one device and second are numbered, and the number goes when the first of them does. */
function withoutNumber(path: string): string {
  return path.replaceAll(/( \d{6}) \d+\)/g, '$1)')
}

function isCopyOfAny(path: string, names: ReadonlySet<string>): boolean {
  return [...names].some((name) => path.startsWith(name.replace(/\.txt$/, '')) && path.includes(' (conflict from '))
}

function label({ kind, file, symlink }: TreeEntry): string {
  if (file !== undefined) return contentLabel({ kind: 'file', file })
  return symlink === undefined ? (kind === 'directory' ? '/' : '?') : contentLabel({ kind: 'symlink', symlink })
}

function contentLabel(content: NodeContent): string {
  return `${content.kind} ${Buffer.from(contentKey(content.kind, packContent(content)), 'latin1').toString('base64')}`
}

function isAtOrBelow(path: string, top: string): boolean {
  return path === top || path.startsWith(`${top}/`)
}
