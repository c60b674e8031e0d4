import { describe, expect, it } from 'vitest'
import { exchange, fileOf, openStore, treeOf } from './memory-space.ts'

describe('what devices show', () => {
  it('leaves a deleted version deleted when the file that outlived it is moved', async () => {
    const [alice, bob, carol] = [await openStore('alice'), await openStore('bob'), await openStore('carol')]
    await alice.transact([{ type: 'write', path: 'f', file: fileOf('base') }])
    await exchange(alice, bob)
    await alice.transact([{ type: 'write', path: 'f', file: fileOf('hers') }])
    await bob.transact([{ type: 'write', path: 'f', file: fileOf('his') }])
    await exchange(alice, carol)
    await carol.transact([{ type: 'remove', path: 'f' }])
    await exchange(bob, carol)
    expect(bob.lookup('f')?.file).toEqual(fileOf('his'))
    await bob.transact([{ type: 'move', from: 'f', to: 'g' }])
    expect((await treeOf(bob)).map((line) => line.split(' ')[0])).toEqual(['g'])
    expect(bob.lookup('g')?.file).toEqual(fileOf('his'))
  })

  it('shows a deleted directory for what came into it unseen, and a new one beside it when more is added', async () => {
    const [alice, bob] = [await openStore('alice'), await openStore('bob')]
    await alice.transact([{ type: 'write', path: 'd/old', file: fileOf('old') }])
    await exchange(alice, bob)
    await alice.transact([{ type: 'remove', path: 'd' }])
    await bob.transact([{ type: 'write', path: 'd/new', file: fileOf('new') }])
    await exchange(alice, bob)
    expect(alice.children('d')?.map(({ name }) => name)).toEqual(['new'])
    await alice.transact([{ type: 'write', path: 'd/more', file: fileOf('more') }])
    await alice.transact([{ type: 'remove', path: 'd/new' }])
    await exchange(alice, bob)
    expect(bob.children('d')?.map(({ name }) => name)).toEqual(['more'])
    await bob.transact([{ type: 'remove', path: 'd/more' }])
    expect(bob.lookup('d')?.kind).toBe('directory')
  })

  it('leaves a conflict copy its name when the file beside it goes', async () => {
    const [alice, bob] = [await openStore('alice'), await openStore('bob')]
    await alice.transact([{ type: 'write', path: 'f', file: fileOf('hers') }])
    await bob.transact([{ type: 'write', path: 'f', file: fileOf('his') }])
    await exchange(alice, bob)
    const copy = alice.children('')?.find(({ conflictOf }) => conflictOf === 'f')
    await alice.transact([{ type: 'remove', path: 'f' }])
    expect(alice.children('')).toMatchObject([{ path: copy?.path, file: copy?.file }])
    expect(alice.lookup(copy?.path ?? '')?.conflictOf).toBeUndefined()
  })

  it('moves a directory of 2,000 files in one message of about a hundred bytes', async () => {
    const store = await openStore('alice')
    await store.transact(
      Array.from(
        { length: 2000 },
        (_, at) => ({ type: 'write', path: `d/e${at % 50}/f${at}`, file: fileOf(`${at}`) }) as const,
      ),
    )
    const sizes: number[] = []
    store.onChange(({ messages }) => sizes.push(...messages.map((message) => message.length)))
    await store.transact([{ type: 'move', from: 'd', to: 'x' }])
    expect(sizes).toHaveLength(1)
    expect(sizes[0]).toBeLessThan(150)
    expect(store.lookup('x/e7/f7')?.file).toEqual(fileOf('7'))
    expect(store.counts().files).toBe(2000)
  })
})
