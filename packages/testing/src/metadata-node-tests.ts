import type { Action, MetadataStore, NodeId, VersionId } from '@dittofs/interface'
import { describe, expect, test } from 'vitest'
import { exchangeMetadata, metadataFile, pathsOf, walked } from './metadata-samples.ts'

/** The part of the suite of metadata stores about actions that name nodes. @param open - a new store, opened */
export function metadataNodeTests<Store extends MetadataStore>(open: (device: string) => Promise<Store>): void {
  describe('actions on nodes', () => {
    const file = (byte: number) => ({ kind: 'file', file: metadataFile(byte) }) as const
    const directory = { kind: 'directory', directory: { mode: 0o700, mtimeNs: 1n } } as const
    const write = (path: string, byte: number): Action => ({ type: 'write', path, file: metadataFile(byte) })
    const firstChunks = (store: MetadataStore, path = '') =>
      (store.children(path) ?? []).map(({ file: shown }) =>
        shown?.content.kind === 'inline' ? Number.parseInt(shown.content.chunks[0]?.id.slice(0, 2) ?? '', 16) : '/',
      )
    const seen = (store: MetadataStore, path: string) => {
      const entry = store.lookup(path)
      if (entry?.version === undefined) throw new Error(`nothing is shown at ${path}`)
      return { node: entry.node, base: entry.version }
    }

    test('finds a node where it is shown, and by its version where it shows several', async () => {
      const [alice, bob] = [await open('alice'), await open('bob')]
      await alice.transact([write('d/f', 1)])
      await exchangeMetadata(alice, bob)
      await alice.transact([write('d/f', 2)])
      await bob.transact([write('d/f', 3)])
      await exchangeMetadata(alice, bob)
      await alice.transact([{ type: 'move', from: 'd', to: 'e' }])
      const [copy, main] = [...(alice.children('e') ?? [])].sort((a) => (a.conflictOf === undefined ? 1 : -1))
      if (main?.version === undefined || copy?.version === undefined) throw new Error('no conflict is shown')
      expect(alice.find(main.node)).toEqual(alice.lookup('e/f'))
      expect(alice.find(main.node, copy.version)).toEqual(copy)
      expect(alice.find(main.node, 'zz:1' as typeof main.version)?.path).toBe('e/f')
      expect(alice.find(alice.root)).toEqual(alice.lookup(''))
      await alice.transact([{ type: 'remove', path: 'e' }])
      expect(alice.find(main.node)).toBeUndefined()
    })

    test('names all nodes that show as one entry', async () => {
      const [alice, bob] = [await open('alice'), await open('bob')]
      await alice.transact([write('d/f', 1)])
      await bob.transact([write('d/f', 1)])
      await exchangeMetadata(alice, bob)
      for (const path of ['d', 'd/f']) {
        const { node, nodes = [] } = alice.lookup(path) ?? {}
        expect(nodes).toHaveLength(2)
        expect(nodes[0]).toBe(node)
        for (const one of nodes) expect(alice.find(one)?.path).toBe(path)
      }
      await alice.transact([write('g', 1)])
      expect(alice.lookup('g')).not.toHaveProperty('nodes')
    })

    test('makes a file at a name that is taken: both are shown', async () => {
      const store = await open('alice')
      await store.transact([write('f', 1)])
      const [made] = await store.transact([{ type: 'create', parent: store.root, name: 'f', content: file(2) }])
      expect(made).toMatchObject({ conflictOf: 'f', file: metadataFile(2) })
      expect(store.lookup('f')?.file).toEqual(metadataFile(1))
    })

    test('makes a directory at a name that is taken: directories become one, a file gives way', async () => {
      const store = await open('alice')
      await store.transact([write('d/f', 1), write('g', 2)])
      const parent = store.root
      const [merged, other] = await store.transact([
        { type: 'create', parent, name: 'd', content: directory },
        { type: 'create', parent, name: 'g', content: directory },
      ])
      expect(merged).toMatchObject({ path: 'd', kind: 'directory' })
      expect(store.lookup('d/f')?.file).toEqual(metadataFile(1))
      expect(other).toMatchObject({ path: 'g', kind: 'directory' })
      expect(store.children('')?.find(({ conflictOf }) => conflictOf === 'g')?.file).toEqual(metadataFile(2))
    })

    test('makes a directory anew that was deleted, with those above it', async () => {
      const store = await open('alice')
      await store.transact([{ type: 'mkdir', path: 'a/b', directory: { mode: 0o711, mtimeNs: 5n } }])
      const parent = store.lookup('a/b')?.node ?? store.root
      await store.transact([{ type: 'remove', path: 'a' }])
      const [made, more] = await store.transact([
        { type: 'create', parent, name: 'f', content: file(1) },
        { type: 'create', parent, name: 'g', content: file(2) },
      ])
      expect([made?.path, more?.path]).toEqual(['a/b/f', 'a/b/g'])
      expect(store.lookup('a/b')?.directory).toEqual({ mode: 0o711, mtimeNs: 5n })
      expect(store.lookup('a/b')).not.toHaveProperty('nodes')
    })

    test('edits the version shown like a write', async () => {
      const store = await open('alice')
      await store.transact([write('f', 1), { type: 'mkdir', path: 'd', directory: directory.directory }])
      const [edited] = await store.transact([{ type: 'edit', ...seen(store, 'f'), content: file(2) }])
      expect(edited).toMatchObject({ path: 'f', file: metadataFile(2) })
      const attributes = { mode: 0o755, mtimeNs: 9n }
      await store.transact([
        { type: 'edit', ...seen(store, 'd'), content: { kind: 'directory', directory: attributes } },
      ])
      expect(store.lookup('d')?.directory).toEqual(attributes)
      expect(firstChunks(store)).toEqual(['/', 2])
    })

    test('puts an edit of an older version beside the newer one, its own or another device’s', async () => {
      const [alice, bob] = [await open('alice'), await open('bob')]
      await alice.transact([write('own', 1), write('his', 1)])
      const [own, his] = [seen(alice, 'own'), seen(alice, 'his')]
      await exchangeMetadata(alice, bob)
      await alice.transact([write('own', 2)])
      await bob.transact([write('his', 3)])
      await exchangeMetadata(alice, bob)
      const edited = await alice.transact([
        { type: 'edit', ...own, content: file(4) },
        { type: 'edit', ...his, content: file(5) },
      ])
      await exchangeMetadata(alice, bob)
      for (const [entry, byte] of [
        [edited[0], 4],
        [edited[1], 5],
      ] as const) {
        expect(entry?.file).toEqual(metadataFile(byte))
      }
      expect(firstChunks(bob).sort()).toEqual([2, 3, 4, 5])
      expect(bob.counts().conflicts).toBe(2)
      expect(await walked(bob)).toEqual(await walked(alice))
    })

    test('decides a conflict by an edit of the copy, and of the copy alone', async () => {
      const [alice, bob] = [await open('alice'), await open('bob')]
      await alice.transact([write('f', 1)])
      await exchangeMetadata(alice, bob)
      await alice.transact([write('f', 2)])
      await bob.transact([write('f', 3)])
      await exchangeMetadata(alice, bob)
      const copy = alice.children('')?.find(({ conflictOf }) => conflictOf === 'f')
      if (copy?.version === undefined) throw new Error('no conflict is shown')
      const main = alice.lookup('f')?.file
      const [edited] = await alice.transact([{ type: 'edit', node: copy.node, base: copy.version, content: file(4) }])
      expect(edited).toMatchObject({ path: copy.path, file: metadataFile(4) })
      expect(alice.lookup('f')?.file).toEqual(main)
      expect(alice.counts()).toMatchObject({ files: 2, conflicts: 0 })
    })

    test('lets an edit bring a deleted file back to life', async () => {
      const store = await open('alice')
      await store.transact([write('d/f', 1), write('d/g', 1)])
      const f = seen(store, 'd/f')
      await store.transact([{ type: 'remove', path: 'd' }])
      const [edited] = await store.transact([{ type: 'edit', ...f, content: file(2) }])
      expect(edited).toMatchObject({ path: 'd/f', file: metadataFile(2) })
      expect(await pathsOf(store)).toEqual(['', 'd', 'd/f'])
    })

    test('moves a node, onto a taken name too', async () => {
      const store = await open('alice')
      await store.transact([write('d/f', 1), write('e/f', 2), write('x/y', 3)])
      const node = (path: string) => store.lookup(path)?.node ?? store.root
      const [moved] = await store.transact([{ type: 'place', node: node('d/f'), parent: node('e'), name: 'f' }])
      expect(moved).toMatchObject({ conflictOf: 'e/f', file: metadataFile(1) })
      expect(store.lookup('e/f')?.file).toEqual(metadataFile(2))
      const [merged] = await store.transact([{ type: 'place', node: node('x'), parent: store.root, name: 'e' }])
      expect(merged).toMatchObject({ path: 'e', kind: 'directory' })
      expect(firstChunks(store, 'e').sort()).toEqual([1, 2, 3])
      const [same] = await store.transact([{ type: 'place', node: node('e/y'), parent: node('e'), name: 'y' }])
      expect(same?.path).toBe('e/y')
    })

    test('moves one version of a file in conflict', async () => {
      const [alice, bob] = [await open('alice'), await open('bob')]
      await alice.transact([write('f', 1)])
      await exchangeMetadata(alice, bob)
      await alice.transact([write('f', 2)])
      await bob.transact([write('f', 3)])
      await exchangeMetadata(alice, bob)
      const copy = alice.children('')?.find(({ conflictOf }) => conflictOf === 'f')
      if (copy?.version === undefined) throw new Error('no conflict is shown')
      const { node, version, file: held } = copy
      const [moved] = await alice.transact([{ type: 'place', node, version, parent: alice.root, name: 'mine' }])
      expect(moved).toMatchObject({ path: 'mine', file: held })
      expect(await pathsOf(alice)).toEqual(['', 'f', 'mine'])
    })

    test('ends a conflict by giving the copy the name it is shown by, whether its node is the main one’s or another', async () => {
      const [alice, bob] = [await open('alice'), await open('bob')]
      await alice.transact([write('f', 1)])
      await exchangeMetadata(alice, bob)
      await alice.transact([write('f', 2), write('new', 4)])
      await bob.transact([write('f', 3), write('new', 5)])
      await exchangeMetadata(alice, bob)
      expect(alice.counts().conflicts).toBe(2)
      const before = firstChunks(alice)
      for (const { node, version, name, conflictOf } of alice.children('') ?? []) {
        if (conflictOf === undefined || version === undefined) continue
        await alice.transact([{ type: 'place', node, version, parent: alice.root, name }])
      }
      expect(alice.counts().conflicts).toBe(0)
      expect(firstChunks(alice)).toEqual(before)
      await exchangeMetadata(alice, bob)
      expect(await walked(bob)).toEqual(await walked(alice))
    })

    test('deletes the version that was seen, and no newer one', async () => {
      const store = await open('alice')
      await store.transact([write('f', 1)])
      const old = seen(store, 'f')
      await store.transact([write('f', 2)])
      const [kept] = await store.transact([{ type: 'delete', ...old }])
      expect(kept).toMatchObject({ path: 'f', file: metadataFile(2) })
      expect(await store.transact([{ type: 'delete', ...seen(store, 'f') }])).toEqual([undefined])
      expect(await pathsOf(store)).toEqual([''])
      expect(await store.transact([{ type: 'delete', ...old }])).toEqual([undefined])
    })

    test('deletes a directory except what is to be kept', async () => {
      const [alice, bob] = [await open('alice'), await open('bob')]
      await alice.transact(['d/a', 'd/e/b', 'd/e/c', 'd/k/l', 'out'].map((path) => write(path, 1)))
      const node = (path: string) => alice.lookup(path)?.node ?? alice.root
      const keep = ['d/e/b', 'd/k', 'out'].map(node)
      await alice.transact([{ type: 'delete', node: node('d'), keep }])
      await exchangeMetadata(alice, bob)
      expect((await pathsOf(bob)).sort()).toEqual(['', 'd', 'd/e', 'd/e/b', 'd/k', 'd/k/l', 'out'])
      await bob.transact([{ type: 'remove', path: 'd' }])
      expect(await pathsOf(bob)).toEqual(['', 'out'])
    })

    test('brings a tree back in one record, except what was deleted by itself', async () => {
      const store = await open('alice')
      await store.transact([write('a/d/f', 1), write('a/d/e/g', 2), write('a/d/gone', 3)])
      const node = store.lookup('a/d')?.node ?? store.root
      await store.transact([{ type: 'remove', path: 'a/d/gone' }])
      await store.transact([{ type: 'remove', path: 'a' }])
      const [back] = await store.transact([{ type: 'undelete', node }])
      expect(back?.path).toBe('a/d')
      expect((await pathsOf(store)).sort()).toEqual(['', 'a', 'a/d', 'a/d/e', 'a/d/e/g', 'a/d/f'])
      expect(await store.transact([{ type: 'undelete', node }])).toEqual([back])
    })

    test('brings a file back that was deleted by itself, where it stood or elsewhere', async () => {
      const store = await open('alice')
      await store.transact([write('d/f', 1), write('d/g', 2)])
      const [f, g] = [seen(store, 'd/f').node, seen(store, 'd/g').node]
      await store.transact([
        { type: 'remove', path: 'd/f' },
        { type: 'remove', path: 'd/g' },
      ])
      await store.transact([
        { type: 'undelete', node: f },
        { type: 'undelete', node: g, to: { parent: store.root, name: 'h' } },
      ])
      expect((await pathsOf(store)).sort()).toEqual(['', 'd', 'd/f', 'h'])
      expect(store.lookup('h')?.file).toEqual(metadataFile(2))
    })

    test('makes a tree in one call, its directories named before', async () => {
      const store = await open('alice')
      const node = store.makeNode('directory')
      const made: readonly Action[] = [
        { type: 'create', node, parent: store.root, name: 'd', content: directory },
        { type: 'create', parent: node, name: 'f', content: file(1) },
      ]
      expect((await store.transact(() => made))[0]?.node).toBe(node)
      expect(await pathsOf(store)).toEqual(['', 'd', 'd/f'])
      await expect(store.transact(made)).rejects.toMatchObject({ code: 'DITTO_USAGE' })
    })

    test('asks for actions when nothing else can change the document before they are applied', async () => {
      const store = await open('alice')
      const first = store.transact([write('a', 1)])
      const second = store.transact(() => (store.lookup('a') === undefined ? [] : [write('b', 2)]))
      await Promise.all([first, second])
      expect((await pathsOf(store)).sort()).toEqual(['', 'a', 'b'])
    })

    test('moves a file that was deleted meanwhile, and it lives again', async () => {
      const store = await open('alice')
      await store.transact([write('d/f', 1)])
      const { node } = seen(store, 'd/f')
      await store.transact([{ type: 'remove', path: 'd' }])
      await store.transact([{ type: 'place', node, parent: store.root, name: 'g' }])
      expect(await pathsOf(store)).toEqual(['', 'g'])
    })

    test.each<readonly [string, (store: MetadataStore, node: NodeId) => Action, string]>([
      ['a node is unknown', () => ({ type: 'delete', node: 'fAAAA' as NodeId }), 'DITTO_NOT_FOUND'],
      ['the root is to be deleted', (store) => ({ type: 'delete', node: store.root }), 'DITTO_USAGE'],
      [
        'a directory is to go into itself',
        (_store, node) => ({ type: 'place', node, parent: node, name: 'x' }),
        'DITTO_USAGE',
      ],
      [
        'a directory is to get the content of a file',
        (_store, node) => ({ type: 'edit', node, base: 'a:1' as VersionId, content: file(1) }),
        'DITTO_USAGE',
      ],
      [
        'a version is none',
        (_store, node) => ({ type: 'edit', node, base: 'x' as VersionId, content: directory }),
        'DITTO_USAGE',
      ],
      [
        'a name is none',
        (store) => ({ type: 'create', parent: store.root, name: 'a/b', content: file(1) }),
        'DITTO_PATH_INVALID',
      ],
    ])('refuses when %s', async (_why, action, code) => {
      const store = await open('alice')
      await store.transact([write('d/f', 1)])
      const node = store.lookup('d')?.node ?? store.root
      await expect(store.transact([action(store, node)])).rejects.toMatchObject({ code })
      expect(await pathsOf(store)).toEqual(['', 'd', 'd/f'])
    })
  })
}
