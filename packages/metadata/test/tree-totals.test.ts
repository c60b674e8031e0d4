import type { NodeId } from '@dittofs/interface'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { packContent } from '../src/content-codec.ts'
import { nodeIdFromBytes, ROOT_ID } from '../src/node-id.ts'
import type { DeleteRecord, StateRecord } from '../src/record.ts'
import { resolve } from '../src/resolve.ts'
import type { ShownDirectory } from '../src/shown-tree.ts'
import { type LogEntry, SpaceIndex } from '../src/space-index.ts'
import { TreeView } from '../src/tree-view.ts'
import { EMPTY_VECTOR } from '../src/version-vector.ts'
import { fileOf } from './memory-space.ts'

const deviceLabel = () => 'DEV'
const nodeOf = (kind: 'file' | 'directory', number: number) => nodeIdFromBytes(kind, new Uint8Array(12).fill(number))
const directories: readonly NodeId[] = [1, 2, 3].map((number) => nodeOf('directory', number))
const leaves: readonly NodeId[] = [1, 2, 3, 4].map((number) => nodeOf('file', number))
const WRITERS = [11, 22, 33] as const

/** The name a copy of `a` gets is among the names, and two that differ from others in case only. */
const names = ['a', 'A', 'b', 'a (conflict from DEV, 2023-11-14 221320)']

const place = fc.record({ parent: fc.constantFrom(ROOT_ID, ...directories), name: fc.constantFrom(...names) })
/** What was held when something was written, as a share of all so far. */
const seen = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 3, maxLength: 3 })

/** One change by one device, before it gets its time. */
const change = fc.record({
  writer: fc.constantFrom(...WRITERS),
  node: fc.oneof(fc.constantFrom(...directories), fc.constantFrom(...leaves)),
  isDeletion: fc.boolean().chain((isLikely) => (isLikely ? fc.boolean() : fc.constant(false))),
  place: fc.option(place),
  from: fc.option(place),
  content: fc.option(fc.constantFrom('one', 'two')),
  seen,
  /** What somebody asks for before the next one. */
  asks: fc.constantFrom('totals', 'names', 'part of the totals', 'nothing'),
})

type Change = typeof change extends fc.Arbitrary<infer T> ? T : never

/** The entries of all changes; clocks go on within a writer's log, times in the whole space. */
function entriesOf(changes: readonly Change[]): LogEntry[] {
  return changes.map((made, at): LogEntry => {
    const t = at + 1
    const cut = new Map(WRITERS.map((writer, number) => [writer, Math.floor((made.seen[number] as number) * t)]))
    return { writer: made.writer, clock: t, record: recordOf(made, t, cut) }
  })
}

function recordOf(made: Change, t: number, cut: ReadonlyMap<number, number>): StateRecord | DeleteRecord {
  const { node } = made
  if (made.isDeletion) return { type: 'delete', node, t, cut }
  const isDirectory = directories.includes(node)
  const from = isDirectory && made.from !== null ? { from: made.from } : {}
  const content = isDirectory
    ? packContent({ kind: 'directory', directory: { mode: 0o755, mtimeNs: 0n } })
    : packContent({ kind: 'file', file: fileOf(made.content ?? 'one') })
  const vector = isDirectory ? EMPTY_VECTOR : new Map([...cut].filter(([writer]) => writer !== made.writer))
  return {
    type: 'state',
    node,
    ...(made.place === null ? {} : { placement: { t, ...made.place, ...from } }),
    ...(made.content === null && made.place !== null ? {} : { version: { t, vector, content, size: 5 } }),
  }
}

/** The totals of each directory, with the names that clash in it and the copies it shows. */
function totalsOf(view: TreeView) {
  const totals: Record<string, unknown> = {}
  const pending: { directory: ShownDirectory; path: string }[] = [{ directory: view.root, path: '' }]
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { directory, path } = next
    const summary = view.summaries.of(directory)
    totals[path] = {
      ...summary.totals,
      isEmpty: summary.isEmpty,
      clashes: summary.totals.clashes,
      caseClashes: [...summary.caseClashes()].map((group) => group.join()).sort(),
      copies: view.conflictCopies(directory).map(({ name }) => name),
    }
    for (const entry of view.entries(directory)) {
      if (entry.kind === 'directory') pending.push({ directory: entry, path: `${path}/${entry.name}` })
    }
  }
  return totals
}

/** The conflict copies in the directories of the root, read without any totals. */
function copiesOf(view: TreeView): string[] {
  return names.flatMap((name) => {
    const entry = view.child(view.root, name)
    return entry?.kind === 'directory' ? view.conflictCopies(entry).map((copy) => `${name}/${copy.name}`) : []
  })
}

function ask(view: TreeView, what: Change['asks']): void {
  if (what === 'totals') view.summaries.of(view.root)
  if (what === 'part of the totals') for (const entry of view.entries(view.root)) askBelow(view, entry)
}

function askBelow(view: TreeView, entry: ReturnType<TreeView['find']>): void {
  if (entry?.kind !== 'directory') return
  view.conflictCopies(entry)
  view.summaries.of({ ...entry, members: entry.members.slice(0, 1) })
}

describe('the totals of directories', () => {
  it.each([
    ['of every size keep a part for each name', 0],
    ['of three names and more keep a part for each name', 3],
    ['keep no parts', Number.POSITIVE_INFINITY],
  ])('are after any changes what summing all anew gives, where directories %s', (_title, minParts) => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 60, size: 'max' }), (changes) => {
        const index = new SpaceIndex()
        const view = new TreeView(index, deviceLabel, minParts)
        const entries = entriesOf(changes)
        for (const [at, entry] of entries.entries()) {
          index.add([entry])
          const { asks } = changes[at] as Change
          ask(view, asks)
          if (asks !== 'totals' && asks !== 'names') continue
          const anew = resolve(entries.slice(0, at + 1), deviceLabel)
          const read = asks === 'totals' ? totalsOf : copiesOf
          expect(read(view)).toEqual(read(anew))
        }
        expect(totalsOf(view)).toEqual(totalsOf(resolve(entries, deviceLabel)))
      }),
      { numRuns: 300 },
    )
  })

  it('are after a change taken back what they were', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 20 }), fc.array(change, { maxLength: 10 }), (kept, undone) => {
        const index = new SpaceIndex()
        const view = new TreeView(index, deviceLabel, 0)
        const entries = entriesOf([...kept, ...undone])
        index.add(entries.slice(0, kept.length))
        const before = totalsOf(view)
        const snapshots: Parameters<SpaceIndex['restore']>[0][number][] = []
        index.add(entries.slice(kept.length), (snapshot) => snapshots.push(snapshot))
        view.summaries.of(view.root)
        index.restore(snapshots)
        expect(totalsOf(view)).toEqual(before)
      }),
    )
  })

  describe('of a directory of 5,000 names', () => {
    const FILES = 5000
    const [first, second] = directories as [NodeId, NodeId]

    const fileNode = (directory: number, number: number) =>
      nodeIdFromBytes('file', Uint8Array.of(directory, number >> 8, number & 255, 0, 0, 0, 0, 0, 0, 0, 0, 0))

    function placed(node: NodeId, parent: NodeId, name: string, t: number, file?: string): LogEntry {
      const content =
        file === undefined
          ? packContent({ kind: 'directory', directory: { mode: 0o755, mtimeNs: 0n } })
          : packContent({ kind: 'file', file: fileOf(file) })
      const version = { t, vector: EMPTY_VECTOR, content, size: file === undefined ? 0 : 5 }
      return { writer: 11, clock: t, record: { type: 'state', node, placement: { t, parent, name }, version } }
    }

    /** Directories of one name, each of as many files: names and contents the same in each. */
    function filled(parents: readonly NodeId[]): { index: SpaceIndex; view: TreeView; time: () => number } {
      const index = new SpaceIndex()
      let t = 0
      const time = () => {
        t += 1
        return t
      }
      for (const [at, parent] of parents.entries()) {
        index.add([placed(parent, ROOT_ID, 'photos', time())])
        for (let number = 0; number < FILES; number += 1) {
          index.add([placed(fileNode(at, number), parent, `p${number}`, time(), 'one')])
        }
      }
      const view = new TreeView(index, deviceLabel)
      view.summaries.of(view.root)
      return { index, view, time }
    }

    it.each([
      ['one directory', [first]],
      ['two directories that show as one', [first, second]],
    ])('cost one name there and one above for each name that changes, in %s', (_title, parents) => {
      const { index, view, time } = filled(parents)
      const photos = view.find(['photos']) as ShownDirectory
      const before = view.summaries.evaluatedNames
      for (let number = 0; number < 100; number += 1) {
        index.add([placed(fileNode(0, number), first, `p${number} renamed`, time(), 'two')])
        view.child(photos, 'not there')
        view.summaries.of(view.root)
      }
      // The old name, the new one, and the directory's own name in the root.
      expect(view.summaries.evaluatedNames - before).toBe(300)
      expect(view.summaries.of(view.root).totals.files).toBe(FILES + (parents.length - 1) * 100)
    })

    it('cost a name for each conflict copy beside, and no other', () => {
      const { index, view, time } = filled([first])
      index.add([placed(fileNode(9, 1), first, 'p1', time(), 'other')])
      expect(view.summaries.of(view.root).totals.conflicts).toBe(1)
      const before = view.summaries.evaluatedNames
      index.add([placed(fileNode(9, 2), first, 'new', time(), 'other')])
      expect(view.summaries.of(view.root).totals).toMatchObject({ conflicts: 1, files: FILES + 2 })
      expect(view.summaries.evaluatedNames - before).toBe(2)
    })
  })
})
