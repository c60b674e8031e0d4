import { type Action, MAX_UPDATE_BYTES, type MetadataStore, type NodeEvent, type WalkOptions } from '@dittofs/interface'
import { afterEach, describe, expect, test } from 'vitest'
import { describeLogs } from './metadata-log-tests.ts'
import { metadataNodeTests } from './metadata-node-tests.ts'
import { exchangeMetadata, metadataFile, PEER, pathsOf, walked } from './metadata-samples.ts'

export interface MetadataStoreSuiteInit<Store extends MetadataStore> {
  /** Makes a new, empty store of one and the same space for a device of that name; it has not been opened. */
  setup: (device: string) => Promise<Store>
  /** Closes it and removes what it left. */
  teardown: (store: Store) => Promise<void>
  /** A new store over the same data, for stores that outlive their process; the old one is closed. */
  reopen?: (store: Store) => Promise<Store>
}

const READS: readonly (readonly [name: string, read: (store: MetadataStore) => unknown])[] = [
  ['lookup', (store) => store.lookup('')],
  ['children', (store) => store.children('')],
  ['find', (store) => store.find(store.root)],
  ['walk', (store) => store.walk('')],
  ['counts', (store) => store.counts()],
  ['clashes', (store) => store.clashes()],
  ['hello', (store) => store.hello()],
  ['digest', (store) => store.digest()],
  ['ownLogPart', (store) => store.ownLogPart(1, 0)],
]

/** Holds an implementation of MetadataStore to its contract. */
export function metadataStoreSuite<Store extends MetadataStore>(
  name: string,
  init: MetadataStoreSuiteInit<Store>,
): void {
  describe(`${name}, as a metadata store`, () => {
    const stores = new Set<Store>()
    const open = async (device: string) => {
      const store = await init.setup(device)
      stores.add(store)
      await store.open()
      return store
    }
    afterEach(async () => {
      for (const store of stores) await init.teardown(store)
      stores.clear()
    })

    describe('open and close', () => {
      test('refuses every call before it is open and after it was closed', async () => {
        const store = await init.setup('alice')
        stores.add(store)
        const expectClosed = async () => {
          const closed = expect.objectContaining({ code: 'DITTO_CLOSED' }) as Error
          for (const [, read] of READS) expect(() => read(store)).toThrow(closed)
          await expect(store.transact([])).rejects.toThrow(closed)
          await expect(store.logDigests()).rejects.toThrow(closed)
          await expect(store.replaceLogs([], PEER)).rejects.toThrow(closed)
          await expect(store.receive(new Uint8Array(2), PEER, true)).rejects.toThrow(closed)
        }
        await expectClosed()
        await store.open()
        await store.open()
        expect(store.counts().files).toBe(0)
        await store.close()
        await store.close()
        await expectClosed()
      })

      const { reopen } = init
      test.skipIf(reopen === undefined)('shows after a restart what it showed before, and goes on', async () => {
        const store = await open('alice')
        await store.transact([
          { type: 'write', path: 'a/b', file: metadataFile(1) },
          { type: 'move', from: 'a', to: 'c' },
        ])
        const [shown, digest] = [await walked(store), store.digest()]
        stores.delete(store)
        const again = (await reopen?.(store)) as Store
        stores.add(again)
        await again.open()
        expect(await walked(again)).toEqual(shown)
        expect(again.digest()).toEqual(digest)
        await again.transact([{ type: 'remove', path: 'c' }])
        expect(again.counts()).toMatchObject({ files: 0, directories: 0 })
      })
    })

    describe('transact', () => {
      test('answers for each action with the entry it left shown', async () => {
        const store = await open('alice')
        const entries = await store.transact([
          { type: 'mkdir', path: 'd', directory: { mode: 0o700, mtimeNs: 3n } },
          { type: 'write', path: 'd/f', file: metadataFile(1) },
          { type: 'symlink', path: 'l', symlink: { target: '../x', mtimeNs: -1n } },
          { type: 'move', from: 'd/f', to: 'g' },
          { type: 'remove', path: 'l' },
        ])
        expect(entries.map((entry) => entry?.path)).toEqual(['d', 'd/f', 'l', 'g', undefined])
        expect(entries[0]).toMatchObject({ kind: 'directory', directory: { mode: 0o700, mtimeNs: 3n } })
        expect(entries[1]).toMatchObject({ kind: 'file', name: 'f', file: metadataFile(1) })
        expect(entries[2]?.symlink).toEqual({ target: '../x', mtimeNs: -1n })
        expect(entries[3]?.node).toBe(entries[1]?.node)
        expect(await pathsOf(store)).toEqual(['', 'd', 'g'])
      })

      test('does all actions or none', async () => {
        const store = await open('alice')
        await store.transact([{ type: 'write', path: 'kept', file: metadataFile(1) }])
        const digest = store.digest()
        const actions: Action[] = [
          { type: 'move', from: 'kept', to: 'moved/kept' },
          { type: 'write', path: 'moved/new', file: metadataFile(2) },
          { type: 'remove', path: 'absent' },
        ]
        await expect(store.transact(actions)).rejects.toMatchObject({ code: 'DITTO_NOT_FOUND' })
        expect(await pathsOf(store)).toEqual(['', 'kept'])
        expect(store.digest()).toEqual(digest)
        await store.transact(actions.slice(0, 2))
        expect(await pathsOf(store)).toEqual(['', 'moved', 'moved/kept', 'moved/new'])
      })

      test.each<readonly [string, Action, string]>([
        ['nothing is at a path to remove', { type: 'remove', path: 'none' }, 'DITTO_NOT_FOUND'],
        ['nothing is at a path to move', { type: 'move', from: 'none', to: 'x' }, 'DITTO_NOT_FOUND'],
        ['the target of a move is taken', { type: 'move', from: 'f', to: 'd' }, 'DITTO_EXISTS'],
        ['a directory is where a file is to be', { type: 'write', path: 'd', file: metadataFile(1) }, 'DITTO_EXISTS'],
        [
          'a file is where a directory is to be',
          { type: 'mkdir', path: 'f', directory: { mode: 0, mtimeNs: 0n } },
          'DITTO_EXISTS',
        ],
        ['something is to be below a file', { type: 'write', path: 'f/x', file: metadataFile(1) }, 'DITTO_EXISTS'],
        ['a path leaves the space', { type: 'write', path: '../x', file: metadataFile(1) }, 'DITTO_PATH_INVALID'],
        ['a directory is to go into itself', { type: 'move', from: 'd', to: 'd/e' }, 'DITTO_USAGE'],
        ['the root is to be removed', { type: 'remove', path: '/' }, 'DITTO_USAGE'],
      ])('refuses when %s', async (_why, action, code) => {
        const store = await open('alice')
        await store.transact([
          { type: 'write', path: 'f', file: metadataFile(1) },
          { type: 'mkdir', path: 'd', directory: { mode: 0o755, mtimeNs: 0n } },
        ])
        await expect(store.transact([action])).rejects.toMatchObject({ code })
        expect(await pathsOf(store)).toEqual(['', 'd', 'f'])
      })

      test('renames in case alone, and replaces a file by a directory and back', async () => {
        const store = await open('alice')
        await store.transact([{ type: 'write', path: 'readme', file: metadataFile(1) }])
        await store.transact([{ type: 'move', from: 'readme', to: 'README' }])
        expect(await pathsOf(store)).toEqual(['', 'README'])
        await store.transact([
          { type: 'remove', path: 'README' },
          { type: 'write', path: 'README/in', file: metadataFile(2) },
        ])
        expect(await pathsOf(store)).toEqual(['', 'README', 'README/in'])
        await store.transact([
          { type: 'remove', path: 'README' },
          { type: 'write', path: 'README', file: metadataFile(3) },
        ])
        expect(store.lookup('README')?.file).toEqual(metadataFile(3))
      })

      test('takes 1,000 calls at once, in order', async () => {
        const store = await open('alice')
        const calls = Array.from({ length: 1000 }, (_, at) =>
          store.transact([{ type: 'write', path: 'f', file: metadataFile(at % 256, at + 1) }]),
        )
        await Promise.all(calls)
        expect(store.lookup('f')?.file?.size).toBe(1000)
      })
    })

    describe('reading', () => {
      test('lists a directory by name, and nothing where there is none', async () => {
        const store = await open('alice')
        await store.transact(['b', 'a', 'C'].map((path) => ({ type: 'write', path, file: metadataFile(1) })))
        expect(store.children('')?.map((entry) => entry.name)).toEqual(['C', 'a', 'b'])
        expect(store.children('a')).toBeUndefined()
        expect(store.children('none')).toBeUndefined()
        expect(store.lookup('none')).toBeUndefined()
        expect(await walked(store, 'none')).toEqual([])
        expect(store.lookup('/')).toMatchObject({ path: '', kind: 'directory' })
      })

      test('tells the names of a directory, the entries under some of them, and whether there are any', async () => {
        const store = await open('alice')
        await store.transact(['d/b', 'd/a', 'f'].map((path) => ({ type: 'write', path, file: metadataFile(1) })))
        const namesOf = async (path: string) => {
          const names: string[] = []
          for await (const batch of store.names(path)) names.push(...batch)
          return names.sort()
        }
        expect(await namesOf('')).toEqual(['d', 'f'])
        expect(await namesOf('d')).toEqual(['a', 'b'])
        expect(await namesOf('f')).toEqual([])
        expect(await namesOf('none')).toEqual([])
        expect(store.entriesAt('d', ['b', 'none', 'a'])).toEqual([store.lookup('d/b'), undefined, store.lookup('d/a')])
        expect(store.entriesAt('none', ['b'])).toEqual([undefined])
        expect(['', 'd', 'f', 'none'].map((path) => store.isEmpty(path))).toEqual([false, false, true, true])
        await store.transact(['d/a', 'd/b'].map((path) => ({ type: 'remove', path })))
        expect(await namesOf('d')).toEqual([])
        expect(store.isEmpty('d')).toBe(true)
      })

      test('counts what it shows', async () => {
        const store = await open('alice')
        await store.transact([
          { type: 'write', path: 'd/e/f', file: metadataFile(1, 3) },
          { type: 'write', path: 'd/g', file: metadataFile(2, 4) },
          { type: 'symlink', path: 'l', symlink: { target: 'd', mtimeNs: 0n } },
        ])
        const counts = { files: 2, directories: 2, symlinks: 1, bytes: 7, conflicts: 0, waiting: 0 }
        expect(store.counts()).toEqual(counts)
        await store.transact([{ type: 'remove', path: 'd/e' }])
        expect(store.counts()).toEqual({ ...counts, files: 1, directories: 1, bytes: 4 })
      })

      test('reports names that differ in case only, and changes nothing in them', async () => {
        const store = await open('alice')
        await store.transact(['d/x', 'd/X', 'y'].map((path) => ({ type: 'write', path, file: metadataFile(1) })))
        expect(store.clashes()).toEqual([{ directory: 'd', names: ['X', 'x'] }])
        await store.transact([{ type: 'remove', path: 'd/x' }])
        expect(store.clashes()).toEqual([])
      })

      test('walks parents first, or each directory directly before what is in it', async () => {
        const store = await open('alice')
        const paths = ['a/z', 'a/b/c', 'b', 'a.txt']
        await store.transact(paths.map((path) => ({ type: 'write', path, file: metadataFile(1) })))
        const walk = async (options?: WalkOptions) => {
          const found: string[] = []
          for await (const batch of store.walk('', options)) found.push(...batch.map(({ path }) => path))
          return found
        }
        expect(await walk()).toEqual(['', 'a', 'a.txt', 'b', 'a/b', 'a/z', 'a/b/c'])
        expect(await walk({ isDepthFirst: true })).toEqual(['', 'a', 'a/b', 'a/b/c', 'a/z', 'a.txt', 'b'])
      })

      test('walks a directory of any size in order, while it changes', async () => {
        const store = await open('alice')
        const path = (at: number) => `d/f${String(at).padStart(4, '0')}`
        const write = (at: number) => ({ type: 'write', path: path(at), file: metadataFile(1) }) as const
        await store.transact(Array.from({ length: 1500 }, (_, at) => write(at)))
        const found: string[] = []
        for await (const batch of store.walk('d')) {
          if (found.length === 0) await store.transact([{ type: 'remove', path: path(1400) }, write(1500)])
          found.push(...batch.map((entry) => entry.path))
        }
        const stayed = Array.from({ length: 1500 }, (_, at) => path(at)).filter((_, at) => at !== 1400)
        expect(found.filter((at) => at !== 'd' && at !== path(1500))).toEqual(stayed)
      })

      test('stops a walk with the signal’s own reason', async () => {
        const store = await open('alice')
        await store.transact(
          Array.from({ length: 2000 }, (_, at) => ({ type: 'write', path: `f${at}`, file: metadataFile(1) }) as const),
        )
        const stop = new AbortController()
        const walk = async () => {
          for await (const _batch of store.walk('', { signal: stop.signal })) stop.abort(new Error('enough'))
        }
        await expect(walk()).rejects.toThrow('enough')
      })
    })

    describe('exchange', () => {
      test('brings two devices to one tree and one digest, both ways', async () => {
        const [alice, bob] = [await open('alice'), await open('bob')]
        await alice.transact([{ type: 'write', path: 'from/alice', file: metadataFile(1) }])
        await bob.transact([{ type: 'write', path: 'from/bob', file: metadataFile(2) }])
        expect(alice.holds(bob.hello())).toBe(false)
        await exchangeMetadata(alice, bob)
        expect(await pathsOf(alice)).toEqual(['', 'from', 'from/alice', 'from/bob'])
        expect(await walked(bob)).toEqual(await walked(alice))
        expect(bob.digest()).toEqual(alice.digest())
        expect(alice.holds(bob.hello())).toBe(true)
        expect([...(await alice.receive(bob.hello(), PEER, true))]).toEqual([])
      })

      test('tells of changes in messages that another device takes', async () => {
        const [alice, bob] = [await open('alice'), await open('bob')]
        const changes: { isLocal: boolean; paths: readonly string[] | undefined; entries: number[] }[] = []
        const messages: Uint8Array[] = []
        const stop = alice.onChange((change) => messages.push(...change.messages))
        bob.onChange(({ isLocal, paths, authors }) => changes.push({ isLocal, paths, entries: [...authors.values()] }))
        await alice.transact([{ type: 'write', path: 'f', file: metadataFile(1) }])
        stop()
        await alice.transact([{ type: 'write', path: 'g', file: metadataFile(2) }])
        for (const message of messages) await bob.receive(message, PEER, true)
        expect(await pathsOf(bob)).toEqual(['', 'f'])
        expect(changes).toEqual([{ isLocal: false, paths: ['f'], entries: [1] }])
      })

      test('tells of each record what it says of its node, here and elsewhere', async () => {
        const [alice, bob] = [await open('alice'), await open('bob')]
        const events: (readonly NodeEvent[] | undefined)[] = []
        bob.onChange((change) => events.push(change.events))
        const file = metadataFile(1)
        const [made] = await alice.transact([{ type: 'write', path: 'd/f', file }])
        await exchangeMetadata(alice, bob)
        const created = events.flatMap((some) => some ?? []).filter(({ node }) => node === made?.node)
        const place = { parent: bob.lookup('d')?.node, name: 'f' }
        const common = { node: made?.node, pathAfter: 'd/f', placeAfter: place, author: made?.author, replaced: [] }
        expect(created).toMatchObject([
          { ...common, kind: 'placement' },
          { ...common, kind: 'version', version: made?.version, content: { kind: 'file', file }, seen: [] },
        ])
        expect(created[0]).not.toHaveProperty('pathBefore')
        events.length = 0
        const [edited] = await bob.transact([{ type: 'write', path: 'd/f', file: metadataFile(2) }])
        await bob.transact([{ type: 'move', from: 'd', to: 'e' }])
        await bob.transact([{ type: 'remove', path: 'e' }])
        expect(events).toMatchObject([
          [
            {
              kind: 'version',
              version: edited?.version,
              replaced: [made?.version],
              seen: [made?.version],
              pathBefore: 'd/f',
            },
          ],
          [{ kind: 'placement', pathBefore: 'd', pathAfter: 'e', placeBefore: { parent: bob.root, name: 'd' } }],
          [{ kind: 'deletion', pathBefore: 'e' }],
        ])
        expect(events[2]?.[0]).not.toHaveProperty('pathAfter')
      })

      test('tells only that much changed where more than 10,000 records came', async () => {
        const store = await open('alice')
        const events: (readonly NodeEvent[] | undefined)[] = []
        store.onChange((change) => events.push(change.events))
        const writes = (count: number, name: string) =>
          Array.from({ length: count }, (_, at) => ({ type: 'write', path: name + at, file: metadataFile(1) }) as const)
        await store.transact(writes(5000, 'a'))
        await store.transact(writes(5001, 'b'))
        expect(events.map((some) => some?.length)).toEqual([10_000, undefined])
      })

      test('answers in messages of bounded size, whatever there is to tell', async () => {
        const [alice, bob] = [await open('alice'), await open('bob')]
        for (let part = 0; part < 5; part += 1) {
          await alice.transact(
            Array.from(
              { length: 2000 },
              (_, at) => ({ type: 'write', path: `${part}/${at}`, file: metadataFile(at % 256) }) as const,
            ),
          )
        }
        const messages = [...(await alice.receive(bob.hello(), PEER, true))]
        expect(messages.length).toBeGreaterThan(1)
        expect(Math.max(...messages.map((message) => message.length))).toBeLessThanOrEqual(MAX_UPDATE_BYTES)
        for (const message of messages) await bob.receive(message, PEER, true)
        expect(bob.digest()).toEqual(alice.digest())
      })

      test('refuses changes of a device that may only read', async () => {
        const [alice, bob] = [await open('alice'), await open('bob')]
        await alice.transact([{ type: 'write', path: 'f', file: metadataFile(1) }])
        for (const message of await alice.receive(bob.hello(), PEER, false)) {
          await expect(bob.receive(message, PEER, false)).rejects.toMatchObject({ code: 'DITTO_ROLE' })
        }
        expect(await pathsOf(bob)).toEqual([''])
      })

      test('asks again for what a message builds on', async () => {
        const [alice, bob] = [await open('alice'), await open('bob')]
        const messages: Uint8Array[] = []
        alice.onChange((change) => messages.push(...change.messages))
        await alice.transact([{ type: 'write', path: 'f', file: metadataFile(1) }])
        await alice.transact([{ type: 'write', path: 'g', file: metadataFile(2) }])
        const [, second] = messages as [Uint8Array, Uint8Array]
        await expect(bob.receive(second, PEER, true)).rejects.toMatchObject({ code: 'DITTO_UPDATE_GAP' })
        await exchangeMetadata(alice, bob)
        await bob.receive(second, PEER, true)
        expect(bob.digest()).toEqual(alice.digest())
      })

      test('refuses what is no message, and shows what it showed', async () => {
        const store = await open('alice')
        await store.transact([{ type: 'write', path: 'f', file: metadataFile(1) }])
        const digest = store.digest()
        for (const junk of [[], [9], [2, 1, 0xff], [0, 200], [2, 0], [1, 3, 1, 1, 1]]) {
          await expect(store.receive(Uint8Array.from(junk), PEER, true)).rejects.toMatchObject({
            code: 'DITTO_UPDATE_INVALID',
          })
        }
        await expect(store.receive(new Uint8Array(MAX_UPDATE_BYTES + 1), PEER, true)).rejects.toMatchObject({
          code: 'DITTO_LIMIT',
        })
        expect(store.digest()).toEqual(digest)
      })
    })

    metadataNodeTests(open)
    describeLogs(open)

    describe('what two devices do apart', () => {
      const apart = async (common: Action[], hers: Action[], his: Action[]) => {
        const [alice, bob] = [await open('alice'), await open('bob')]
        await alice.transact(common)
        await exchangeMetadata(alice, bob)
        await alice.transact(hers)
        await bob.transact(his)
        await exchangeMetadata(alice, bob)
        expect(await walked(bob)).toEqual(await walked(alice))
        return alice
      }
      const write = (path: string, byte: number): Action => ({ type: 'write', path, file: metadataFile(byte) })

      test('keeps both versions of a file, one as a conflict copy', async () => {
        const store = await apart([write('f.txt', 1)], [write('f.txt', 2)], [write('f.txt', 3)])
        const [main, copy] = [...(store.children('') ?? [])].sort((a) => (a.conflictOf === undefined ? -1 : 1))
        expect(main?.path).toBe('f.txt')
        expect(copy).toMatchObject({ conflictOf: 'f.txt', node: main?.node })
        expect(copy?.name).toMatch(/^f \(conflict from [^/]+, 2023-11-14 221320\)\.txt$/)
        expect(store.counts().conflicts).toBe(1)
      })

      test('makes no conflict of equal bytes', async () => {
        const store = await apart([write('f', 1)], [write('f', 2)], [write('f', 2)])
        expect(await pathsOf(store)).toEqual(['', 'f'])
      })

      test('lets an edit win over a delete that had not seen it', async () => {
        const store = await apart(
          [write('d/f', 1), write('d/g', 1)],
          [{ type: 'remove', path: 'd' }],
          [write('d/f', 2)],
        )
        expect(await pathsOf(store)).toEqual(['', 'd', 'd/f'])
      })

      test('shows two directories of one name as one', async () => {
        const store = await apart([], [write('d/a', 1)], [write('d/b', 2)])
        expect(await pathsOf(store)).toEqual(['', 'd', 'd/a', 'd/b'])
      })

      test('keeps every file when two moves would form a cycle', async () => {
        const store = await apart(
          [write('x/f', 1), write('y/g', 2)],
          [{ type: 'move', from: 'x', to: 'y/x' }],
          [{ type: 'move', from: 'y', to: 'x/y' }],
        )
        expect(store.counts()).toMatchObject({ files: 2, directories: 2, waiting: 0 })
      })
    })
  })
}
