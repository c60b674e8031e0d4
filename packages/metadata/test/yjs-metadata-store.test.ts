import { describe, expect, it } from 'vitest'
import { exchange, fileOf, memoryDatabase, openStore, treeOf } from './memory-space.ts'

describe('a metadata store', () => {
  it('shows on every device what one device wrote', async () => {
    const alice = await openStore('alice')
    const bob = await openStore('bob')
    await alice.transact([
      { type: 'write', path: 'docs/plan.txt', file: fileOf('plan') },
      { type: 'symlink', path: 'latest', symlink: { target: 'docs/plan.txt', mtimeNs: 0n } },
      { type: 'mkdir', path: 'empty', directory: { mode: 0o700, mtimeNs: 5n } },
    ])
    await exchange(alice, bob)
    expect(await treeOf(bob)).toEqual(await treeOf(alice))
    expect(bob.lookup('docs/plan.txt')?.file).toEqual(fileOf('plan'))
    expect(bob.lookup('empty')?.directory).toEqual({ mode: 0o700, mtimeNs: 5n })
    expect(bob.digest()).toEqual(alice.digest())
    expect(bob.counts()).toMatchObject({ files: 1, directories: 2, symlinks: 1, bytes: 5, conflicts: 0, waiting: 0 })
    await alice.close()
    await bob.close()
  })

  it('keeps both versions when two devices write one file apart', async () => {
    const alice = await openStore('alice')
    const bob = await openStore('bob')
    await alice.transact([{ type: 'write', path: 'a.txt', file: fileOf('base') }])
    await exchange(alice, bob)
    await alice.transact([{ type: 'write', path: 'a.txt', file: fileOf('hers') }])
    await bob.transact([{ type: 'write', path: 'a.txt', file: fileOf('his') }])
    await exchange(alice, bob)
    expect(await treeOf(alice)).toHaveLength(2)
    expect(await treeOf(bob)).toEqual(await treeOf(alice))
    const copy = alice.children('')?.find((entry) => entry.conflictOf !== undefined)
    expect(copy?.conflictOf).toBe('a.txt')
    await alice.transact([{ type: 'write', path: copy?.path ?? '', file: fileOf('edited copy') }])
    await exchange(alice, bob)
    expect(bob.lookup(copy?.path ?? '')?.file).toEqual(fileOf('edited copy'))
    expect(await treeOf(bob)).toHaveLength(2)
  })

  it('shows after a restart what it showed before', async () => {
    const database = memoryDatabase()
    const first = await openStore('alice', database)
    await first.transact([{ type: 'write', path: 'a/b/c.txt', file: fileOf('c') }])
    await first.transact([{ type: 'move', from: 'a/b', to: 'd' }])
    const shown = await treeOf(first)
    const digest = first.digest()
    await first.close()
    const second = await openStore('alice', database, 2)
    expect(await treeOf(second)).toEqual(shown)
    expect(second.digest()).toEqual(digest)
    await second.transact([{ type: 'remove', path: 'd' }])
    expect(await treeOf(second)).toEqual(['a/'])
    await second.close()
  })
})
