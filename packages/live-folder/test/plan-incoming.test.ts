import { describe, expect, it } from 'vitest'
import { PlanFixture } from './plan-fixture.ts'

describe('what comes in', () => {
  it('is nothing where disk and document are in step', async () => {
    expect((await PlanFixture.of('d/', 'd/a', 'b')).incoming()).toEqual([])
  })

  it('makes what is new from the top, and removes what is gone from the bottom', async () => {
    const fixture = await PlanFixture.of('old/', 'old/in/', 'old/in/a')
    await fixture.store.transact([{ type: 'remove', path: 'old' }, fixture.make('new/'), fixture.make('new/b')])
    expect(fixture.incoming()).toEqual([
      'create new',
      'create new/b',
      'remove old/in/a',
      'remove old/in',
      'remove old',
      'attributes new',
    ])
  })

  it('is one rename for a directory of any size, and an edit in it goes to its new place', async () => {
    const fixture = await PlanFixture.of('d/', ...Array.from({ length: 300 }, (_, at) => `d/f${at}`))
    await fixture.store.transact([{ type: 'move', from: 'd', to: 'e' }, fixture.make('e/f7', 'edited')])
    expect(fixture.incoming()).toEqual(['move d to e', 'replace e/f7'])
  })

  it('puts one of two names aside that are exchanged', async () => {
    const fixture = await PlanFixture.of('a', 'b')
    await fixture.store.transact([
      { type: 'move', from: 'a', to: 't' },
      { type: 'move', from: 'b', to: 'a' },
      { type: 'move', from: 't', to: 'b' },
    ])
    const [first, ...rest] = fixture.incoming()
    expect([first, ...rest]).toEqual(['move b to .dittofs-staged-1', 'move a to b', 'move .dittofs-staged-1 to a'])
  })

  it('renames a chain from its free end, putting nothing aside', async () => {
    const fixture = await PlanFixture.of('a', 'b', 'c')
    await fixture.store.transact([
      { type: 'move', from: 'c', to: 'd' },
      { type: 'move', from: 'b', to: 'c' },
      { type: 'move', from: 'a', to: 'b' },
    ])
    expect(fixture.incoming()).toEqual(['move c to d', 'move b to c', 'move a to b'])
  })

  it('moves a directory into what was in it', async () => {
    const fixture = await PlanFixture.of('a/', 'a/b/', 'a/b/f')
    await fixture.store.transact([
      { type: 'move', from: 'a/b', to: 'b' },
      { type: 'move', from: 'a', to: 'b/a' },
    ])
    expect(fixture.incoming()).toEqual(['move a/b to b', 'move a to b/a'])
  })

  it('moves a directory into what was in it and takes its name', async () => {
    const fixture = await PlanFixture.of('a/', 'a/b/', 'a/b/f')
    await fixture.store.transact([
      { type: 'move', from: 'a/b', to: 't' },
      { type: 'move', from: 'a', to: 't/b' },
      { type: 'move', from: 't', to: 'a' },
    ])
    expect(fixture.incoming()).toEqual([
      'move a to .dittofs-staged-1',
      'move .dittofs-staged-1/b to a',
      'move .dittofs-staged-1 to a/b',
    ])
  })

  it('replaces a file by a directory and a directory by a file', async () => {
    const fixture = await PlanFixture.of('x', 'y/', 'y/f')
    await fixture.store.transact([
      { type: 'remove', path: 'x' },
      fixture.make('x/g'),
      { type: 'remove', path: 'y' },
      fixture.make('y'),
    ])
    expect(fixture.incoming()).toEqual([
      'remove x',
      'create x',
      'remove y/f',
      'remove y',
      'create y',
      'create x/g',
      'attributes x',
    ])
  })

  it('takes out of a deleted directory what was moved elsewhere, before it is removed', async () => {
    const fixture = await PlanFixture.of('d/', 'd/keep', 'd/lose')
    await fixture.store.transact([
      { type: 'move', from: 'd/keep', to: 'kept' },
      { type: 'remove', path: 'd' },
    ])
    expect(fixture.incoming()).toEqual(['move d/keep to kept', 'remove d/lose', 'remove d'])
  })

  it('renames by case alone', async () => {
    const fixture = await PlanFixture.of('name')
    await fixture.store.transact([{ type: 'move', from: 'name', to: 'NAME' }])
    expect(fixture.incoming()).toEqual(['move name to NAME'])
  })

  it('makes one of two directories that show as one, and takes the other apart', async () => {
    const fixture = await PlanFixture.of('a/', 'a/x', 'b/', 'b/y')
    const { node } = fixture.at('b')
    await fixture.store.transact([{ type: 'place', node, parent: fixture.store.root, name: 'a' }])
    expect(fixture.incoming()).toEqual(['adopt a', 'move b/y to a/y', 'remove b'])
  })

  it('removes an empty directory that waited to move, where another takes its place and only that is told', async () => {
    const fixture = await PlanFixture.of('a/', 'b/')
    await fixture.store.transact([{ type: 'place', node: fixture.at('b').node, parent: fixture.store.root, name: 'a' }])
    const scope = { paths: new Map([['a', 'below' as const]]), entries: new Set([fixture.at('a')]) }
    expect(fixture.incoming(scope)).toEqual(['adopt a', 'remove b'])
  })

  it('removes a directory that went from the document with something that had not come to it on disk', async () => {
    const fixture = await PlanFixture.of('a/', 'a/b/')
    await fixture.store.transact([{ type: 'remove', path: 'a' }])
    const scope = { paths: new Map([['a/b/c/f', 'entry' as const]]), entries: new Set<never>() }
    expect(fixture.incoming(scope)).toEqual(['remove a/b', 'remove a'])
  })

  it('writes both versions where the one on disk is shown no longer', async () => {
    const fixture = await PlanFixture.of('f')
    const { node, version } = fixture.at('f')
    if (version === undefined) throw new Error('a file has a version')
    await fixture.store.transact([fixture.make('f', 'newer')])
    const { file } = fixture.store.lookup('f') ?? {}
    if (file === undefined) throw new Error('it is a file')
    await fixture.store.transact([
      {
        type: 'edit',
        node,
        base: version,
        content: { kind: 'file', file: { ...file, content: { kind: 'inline', chunks: [] }, size: 0 } },
      },
    ])
    expect(fixture.store.counts().conflicts).toBe(1)
    expect(fixture.incoming().map((step) => step.replace(/\(.*\)/, '(…)'))).toEqual(['replace f', 'create f (…)'])
  })

  it('gives what nothing claims to an entry of its kind that comes to its name', async () => {
    const fixture = await PlanFixture.of('f')
    await fixture.store.transact([{ type: 'remove', path: 'f' }, fixture.make('f', 'another')])
    expect(fixture.incoming()).toEqual(['replace f'])
  })
})
