import { describe, expect, it } from 'vitest'
import { PlanFixture } from './plan-fixture.ts'

describe('what goes out', () => {
  it('is nothing where the disk is as the base says', async () => {
    expect((await PlanFixture.of('d/', 'd/a')).disk().plan()).toEqual([])
  })

  it('finds what is new, changed and gone', async () => {
    const disk = (await PlanFixture.of('d/', 'd/a', 'b', 'c')).disk()
    disk.edit('d/a').remove('c').make('n/').make('n/x')
    expect(disk.plan()).toEqual(['make n/', 'new n/x', 'look at d/a', 'gone c'])
  })

  it('knows a directory that was renamed by its inode, with all below, and what was edited in it', async () => {
    const disk = (await PlanFixture.of('d/', 'd/a', 'd/b')).disk()
    expect(disk.move('d', 'e').edit('e/b').plan()).toEqual(['move d to e', 'look at e/b'])
  })

  it('takes a new file over an old name for an edit', async () => {
    const disk = (await PlanFixture.of('a')).disk()
    expect(disk.remove('a').make('a').plan()).toEqual(['look at a'])
  })

  it('takes a known file that came to another known name for that file, moved', async () => {
    const disk = (await PlanFixture.of('a', 'b')).disk()
    expect(disk.remove('b').move('a', 'b').plan()).toEqual(['move a to b', 'gone b'])
  })

  it('finds two names that were exchanged, and a chain', async () => {
    const swapped = (await PlanFixture.of('a', 'b')).disk().move('a', 't').move('b', 'a').move('t', 'b')
    expect(swapped.plan()).toEqual(['move b to a', 'move a to b'])
    const shifted = (await PlanFixture.of('a', 'b')).disk().move('b', 'c').move('a', 'b')
    expect(shifted.plan()).toEqual(['move b to c', 'move a to b'])
  })

  it('finds a directory in what was in it', async () => {
    const disk = (await PlanFixture.of('a/', 'a/b/', 'a/b/f')).disk()
    expect(disk.move('a/b', 'b').move('a', 'b/a').plan()).toEqual(['move a/b to b', 'move a to b/a'])
  })

  it('sees a file replaced by a directory, and back', async () => {
    const fixture = await PlanFixture.of('x', 'y/', 'y/f')
    const disk = fixture.disk().remove('x').make('x/').make('x/g').remove('y').make('y')
    expect(disk.plan()).toEqual(['make x/', 'new y', 'new x/g', 'gone x', 'gone y'])
  })

  it('takes what was moved out of a deleted directory for moved, and the rest for gone with it', async () => {
    const disk = (await PlanFixture.of('d/', 'd/keep', 'd/lose')).disk()
    expect(disk.move('d/keep', 'kept').remove('d').plan()).toEqual(['move d/keep to kept', 'gone d'])
  })

  it('sees a name that changed in case only', async () => {
    expect((await PlanFixture.of('name')).disk().move('name', 'NAME').plan()).toEqual(['move name to NAME'])
  })

  it('looks only where it was told to, and believes the base in the rest', async () => {
    const disk = (await PlanFixture.of('d/', 'd/a', 'e/', 'e/b')).disk().edit('d/a').edit('e/b')
    expect(disk.plan(['d'])).toEqual(['look at d/a'])
  })

  it('takes a directory for the space’s where the space has one there that no folder has', async () => {
    const fixture = await PlanFixture.of('b')
    await fixture.store.transact([fixture.make('d/'), fixture.make('d/f')])
    expect(fixture.disk().make('d/').make('d/f').make('d/g').plan()).toEqual([
      'adopt d/',
      'new d/f or what the space has',
      'new d/g',
    ])
  })

  it('makes a new directory that is empty, but none that holds only what is ignored', async () => {
    const fixture = await PlanFixture.of('b')
    expect(fixture.disk().make('d/').make('e/').plan(undefined, ['d'])).toEqual(['make e/'])
  })

  it('follows a conflict copy that is renamed, edited or deleted like any file', async () => {
    const fixture = await PlanFixture.of('f', 'f (conflict)')
    expect(fixture.disk().move('f (conflict)', 'mine').edit('f').plan()).toEqual([
      'move f (conflict) to mine',
      'look at f',
    ])
    expect(fixture.disk().remove('f (conflict)').plan()).toEqual(['gone f (conflict)'])
  })
})
