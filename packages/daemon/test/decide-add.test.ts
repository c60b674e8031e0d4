import type { BigIntStats } from 'node:fs'
import type { ChunkId, NodeId, NodeKind, TreeEntry } from '@dittofs/interface'
import { describe, expect, it } from 'vitest'
import { decideAdd, shownContent } from '../src/add/decide-add.ts'
import type { SourceEntry } from '../src/add/source-entry.ts'
import { type Origin, stampOf, trustedStamp } from '../src/state/origins.ts'

const STAT = { size: 3n, mtimeNs: 5_000_000_000n, ctimeNs: 6_000_000_000n, ino: 7n, mode: 0o644n } as BigIntStats
const NODE = 'node-1' as NodeId

function source(kind: NodeKind): SourceEntry {
  return { source: '/home/alice/x', path: 'x', kind, stat: STAT }
}

function shown(kind: NodeKind, node: NodeId = NODE): TreeEntry {
  const content = { kind: 'inline', chunks: [{ id: 'ab'.repeat(32) as ChunkId, length: 3 }] } as const
  return {
    ...{ path: 'x', name: 'x', node, kind },
    ...(kind === 'file' ? { file: { size: 3, mtimeNs: 0n, mode: 0o644, content } } : {}),
    ...(kind === 'symlink' ? { symlink: { target: 'y', mtimeNs: 0n } } : {}),
    ...(kind === 'directory' ? { directory: { mode: 0o755, mtimeNs: 0n } } : {}),
  }
}

function origin(entry: TreeEntry, change: Partial<Origin> = {}): Origin {
  return { node: entry.node, path: 'x', content: shownContent(entry), stamp: stampOf(STAT), ...change }
}

describe('decideAdd', () => {
  const file = shown('file')
  const other = shown('file', 'node-2' as NodeId)

  it.each([
    { name: 'nothing is shown', at: undefined, from: undefined, is: 'write' },
    { name: 'it is as it was added', at: file, from: origin(file), is: 'keep' },
    { name: 'only the source changed', at: file, from: origin(file, { stamp: 'older' }), is: 'write' },
    {
      name: 'its stamp could not be trusted',
      at: file,
      from: { node: NODE, path: 'x', content: shownContent(file) },
      is: 'write',
    },
    { name: 'only the space changed', at: file, from: origin(file, { content: 'older' }), is: 'keep' },
    { name: 'both changed', at: file, from: origin(file, { content: 'older', stamp: 'older' }), is: 'compare' },
    { name: 'it was never added', at: file, from: undefined, is: 'compare' },
    { name: 'it became another node', at: other, from: origin(file), is: 'compare' },
  ] as const)('says $is of a file when $name', ({ at, from, is }) => {
    expect(decideAdd(source('file'), at, from, false)).toBe(is)
  })

  it('writes whatever is shown when a person says so', () => {
    expect(decideAdd(source('file'), other, undefined, true)).toBe('write')
    expect(decideAdd(source('file'), shown('directory'), undefined, true)).toBe('replace')
    expect(decideAdd(source('directory'), file, undefined, true)).toBe('replace')
  })

  it('lets another kind take the place of what came from the same source, but never of a directory', () => {
    const directory = shown('directory')
    expect(decideAdd(source('symlink'), file, origin(file), false)).toBe('replace')
    expect(decideAdd(source('symlink'), file, undefined, false)).toBe('taken')
    expect(decideAdd(source('file'), directory, origin(directory), false)).toBe('taken')
  })

  it('merges directories, and sets attributes only of its own', () => {
    const directory = shown('directory')
    expect(decideAdd(source('directory'), directory, undefined, false)).toBe('merge')
    expect(decideAdd(source('directory'), directory, origin(directory), false)).toBe('write')
  })
})

describe('trustedStamp', () => {
  it('trusts no file that changed within the coarsest step of a file system', () => {
    expect(trustedStamp(STAT, 6000 + 2000)).toBeUndefined()
    expect(trustedStamp(STAT, 6000 + 2001)).toEqual({ stamp: '3:5000000000:6000000000:7' })
  })
})
