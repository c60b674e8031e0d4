import type { NodeId, TreeEntry } from '@dittofs/interface'
import { decodeMessage } from '../../src/exchange.ts'
import type { LogRun } from '../../src/log-run.ts'
import type { LogRecord } from '../../src/record.ts'
import { decodeRecord } from '../../src/record-codec.ts'
import { resolve } from '../../src/resolve.ts'
import { isAlive, type ShownDirectory } from '../../src/shown-tree.ts'
import type { LogEntry } from '../../src/space-index.ts'
import { treeEntry } from '../../src/tree-entry.ts'
import type { DeviceLabel, TreeView } from '../../src/tree-view.ts'
import { readUpdate } from '../../src/update-reader.ts'

/** One version of one node: `node|writer:t`. */
export type VersionKey = string

/** What a device shows, resolved anew from its whole document by the pure form. */
export interface ObservedState {
  readonly view: TreeView
  readonly entries: ReadonlyMap<string, TreeEntry>
  /** Every version shown, those included that another equal one stands for. */
  readonly versions: ReadonlySet<VersionKey>
  readonly directories: ReadonlySet<NodeId>
  readonly livingDirectories: ReadonlySet<NodeId>
  /** Paths of directories shown only because something in them lives. */
  readonly deadPaths: ReadonlySet<string>
  /** Things that must never be. */
  readonly faults: readonly string[]
}

export function versionKey(node: NodeId, { writer, t }: { readonly writer: number; readonly t: number }): VersionKey {
  return `${node}|${writer}:${t}`
}

/** The runs in messages of a peer. */
export function runsIn(messages: Iterable<Uint8Array>): LogRun[] {
  return [...messages].flatMap((message) => {
    const decoded = decodeMessage(message)
    if (decoded.type !== 'update') return []
    const steps = readUpdate(decoded.update)
    for (;;) {
      const step = steps.next()
      if (step.done === true) return step.value
    }
  })
}

export function* entriesIn(runs: readonly LogRun[]): Generator<LogEntry & { readonly record: LogRecord | undefined }> {
  for (const { writer, clock, items } of runs) {
    for (const [at, item] of items.entries()) {
      if (item !== null) yield { writer, clock: clock + at, record: decodeRecord(item) }
    }
  }
}

export function observe(runs: readonly LogRun[], deviceLabel: DeviceLabel): ObservedState {
  const view = resolve(entriesIn(runs), deviceLabel)
  const entries = new Map<string, TreeEntry>()
  const versions = new Set<VersionKey>()
  const directories = new Set<NodeId>()
  const livingDirectories = new Set<NodeId>()
  const deadPaths = new Set<string>()
  const faults: string[] = []
  const pending: { directory: ShownDirectory; path: string }[] = [{ directory: view.root, path: '' }]
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    for (const entry of view.entries(next.directory)) {
      const path = next.path === '' ? entry.name : `${next.path}/${entry.name}`
      if (entries.has(path)) faults.push(`TWICE: the path ${path}`)
      entries.set(path, treeEntry(entry, path, view.index.devices))
      if (entry.kind === 'directory') {
        pending.push({ directory: entry, path })
        if (!entry.members.some(isAlive)) deadPaths.add(path)
        for (const member of entry.members) {
          if (directories.has(member.node.id)) faults.push(`TWICE: the directory ${member.node.id}`)
          directories.add(member.node.id)
          if (isAlive(member)) livingDirectories.add(member.node.id)
        }
        continue
      }
      const shown = [
        { node: entry.node, same: entry.same },
        ...entry.duplicates.flatMap(({ node, versions: groups }) => groups.map(({ same }) => ({ node, same }))),
      ]
      for (const { node, same } of shown) {
        for (const version of same) {
          const key = versionKey(node.id, version)
          if (versions.has(key)) faults.push(`TWICE: the version ${key}`)
          versions.add(key)
        }
      }
    }
  }
  return { view, entries, versions, directories, livingDirectories, deadPaths, faults }
}

/** The directories a node stands in, itself first, and whether any of them gave way to a cycle. */
export function chainOf({ view }: ObservedState, id: NodeId): Set<NodeId> {
  const { nodes } = view.index
  const chain = new Set<NodeId>()
  for (let at: NodeId | undefined = id; at !== undefined && at !== view.index.root.id && !chain.has(at); ) {
    chain.add(at)
    at = nodes.get(at)?.placement?.parent
  }
  if (![...chain].some((at) => nodes.get(at)?.isDisplaced === true)) return chain
  // Where a cycle gave way, any placement of any node that was part of it may have decided.
  const pending = [...chain]
  for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
    for (const { placement } of nodes.get(at)?.states ?? []) {
      for (const parent of [placement?.parent, placement?.from?.parent]) {
        if (parent === undefined || parent === view.index.root.id || chain.has(parent)) continue
        chain.add(parent)
        pending.push(parent)
      }
    }
  }
  return chain
}
