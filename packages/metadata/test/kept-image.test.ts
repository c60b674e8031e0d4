import type { Action, MetadataStore } from '@dittofs/interface'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Database } from '../src/metadata-database.ts'
import { YjsMetadataStore } from '../src/yjs-metadata-store.ts'
import { forgedFile, forgedMessage, onlyLogOf } from './forged-tail.ts'
import {
  copyOf,
  exchange,
  fileOf,
  type MemoryDatabase,
  memoryDatabase,
  storeInit,
  testDevice,
  treeOf,
} from './memory-space.ts'
import { stoppingDatabase } from './stopping-database.ts'

const alice = testDevice('alice').key

/** @param minImageEntries - by which no image is written unless asked for: so all draw the same random numbers */
async function open(name: string, database: Database, seed = 1, minImageEntries = 1e6): Promise<YjsMetadataStore> {
  const store = new YjsMetadataStore({ ...storeInit(name, database, seed), minImageEntries })
  await store.open()
  return store
}

const write = (path: string, content = path): Action => ({ type: 'write', path, file: fileOf(content) })

const DIRECTORY = { mode: 0o755, mtimeNs: 1n }
const FILES = Array.from({ length: 150 }, (_, at) => write(`large/file ${at}`))
const TREE: readonly Action[] = [
  ...FILES,
  write('a/b/c'),
  write('a/d'),
  write('top'),
  { type: 'mkdir', path: 'empty', directory: DIRECTORY },
]

/** A disk of alice's with the image of a tree. */
async function imaged(actions: readonly Action[] = TREE, seed = 1): Promise<MemoryDatabase> {
  const database = memoryDatabase()
  const store = await open('alice', database, seed, 1)
  await store.transact(actions)
  await store.close()
  await database.open()
  expect(await keysOf(database, 'index')).not.toEqual([])
  return database
}

async function keysOf(database: MemoryDatabase, start: string): Promise<string[]> {
  return (await database.keys().all()).filter((key) => key.startsWith(start))
}

/** The same disk, but for the image. */
async function withoutImage(database: MemoryDatabase): Promise<MemoryDatabase> {
  const copy = await copyOf(database)
  for (const key of await keysOf(copy, 'index')) await copy.del(key)
  return copy
}

async function expectSame(store: MetadataStore, expected: MetadataStore): Promise<void> {
  expect(store.counts()).toEqual(expected.counts())
  expect(store.digest()).toEqual(expected.digest())
  expect(await treeOf(store)).toEqual(await treeOf(expected))
  expect(store.clashes()).toEqual(expected.clashes())
  expect(store.counts()).toEqual(expected.counts())
  expect(store.digest()).toEqual(expected.digest())
}

describe('a store with an image of its index', () => {
  it('shows what one without shows', async () => {
    const database = await imaged()
    await expectSame(await open('alice', database), await open('alice', await withoutImage(database)))
  })

  it('finds a file by its path and by its node before anything was listed', async () => {
    const database = await imaged()
    const plain = await open('alice', await withoutImage(database))
    const store = await open('alice', database)
    expect(store.lookup('large/file 7')).toEqual(plain.lookup('large/file 7'))
    expect(store.lookup('large/none')).toBeUndefined()
    const { node } = plain.lookup('large/file 8')!
    expect(store.find(node)).toEqual(plain.find(node))
    expect(store.children('large')).toEqual(plain.children('large'))
  })

  it('takes changes of files, and of directories, that nobody has looked at', async () => {
    const actions: Action[] = [
      write('large/file 9', 'new'),
      write('large/more'),
      { type: 'move', from: 'large/file 10', to: 'a/b/file 10' },
      { type: 'remove', path: 'large/file 11' },
      { type: 'move', from: 'a', to: 'moved' },
      { type: 'remove', path: 'empty' },
    ]
    for (const action of actions) {
      const database = await imaged()
      const plain = await open('alice', await withoutImage(database), 2)
      const store = await open('alice', database, 2)
      await store.transact([action])
      await plain.transact([action])
      await expectSame(store, plain)
    }
  })

  it('reads what came after the image, and what was replaced since, with it', async () => {
    const database = await imaged()
    const disk = await copyOf(database)
    const store = await open('alice', disk, 2)
    await store.transact([write('large/file 1', 'newer'), write('later'), { type: 'remove', path: 'a/d' }])
    // The machine stops: no image of these.
    const crashed = await copyOf(disk)
    const again = await open('alice', crashed, 3)
    expect(again.lookup('later')).toBeDefined()
    expect(again.lookup('a/d')).toBeUndefined()
    await expectSame(again, await open('alice', await withoutImage(crashed), 3))
  })

  it('keeps what it has not read through another image', async () => {
    const first = await imaged()
    const store = await open('alice', first, 2, 1)
    await store.transact(Array.from({ length: 60 }, (_, at) => write(`more/${at}`)))
    await store.close()
    await first.open()
    const again = await open('alice', first, 3)
    await expectSame(again, await open('alice', await withoutImage(first), 3))
  })

  it('shows conflicts, merged directories and deleted ones as one without', async () => {
    const [hers, his] = [memoryDatabase(), memoryDatabase()]
    const one = await open('alice', hers, 1, 1)
    const other = await open('bob', his)
    await one.transact([write('d/f'), write('d/g'), write('gone/x/y'), write('Case'), write('e/1')])
    await exchange(one, other)
    await one.transact([write('d/f', 'hers'), write('new/a'), { type: 'remove', path: 'gone' }])
    await other.transact([write('d/f', 'his'), write('new/b'), write('new/a', 'his'), write('case'), write('gone/x/z')])
    await exchange(one, other)
    const expected = await treeOf(other)
    await one.close()
    await hers.open()
    const again = await open('alice', hers, 2)
    await expectSame(again, await open('alice', await withoutImage(hers), 2))
    expect(await treeOf(again)).toEqual(expected)
  })

  it('reads all entries where the image is not whole, not what was written, or not of this log', async () => {
    const damages: ((database: MemoryDatabase) => Promise<void>)[] = [
      async (database) => database.del((await keysOf(database, 'index/'))[0]!),
      async (database) => {
        const key = (await keysOf(database, 'index/'))[1]!
        const value = Uint8Array.from((await database.get(key))!)
        value[0]! ^= 1
        await database.put(key, value)
      },
      async (database) => database.put('index', Buffer.from('no head')),
      // Of a store that holds more.
      async (database) => {
        const other = await imaged([...TREE, write('another')])
        for (const key of await keysOf(other, 'index')) await database.put(key, (await other.get(key))!)
      },
    ]
    for (const damage of damages) {
      const database = await imaged()
      const plain = await open('alice', await withoutImage(database))
      await damage(database)
      await expectSame(await open('alice', database), plain)
    }
  })

  it('loses nothing when the machine stops before any write of an image', async () => {
    const before = await imaged()
    const plain = await open('alice', await withoutImage(before), 2)
    const more = Array.from({ length: 20 }, (_, at) => write(`more/${at}`))
    await plain.transact(more)
    let hasCompleted = false
    for (let stopBefore = 4; !hasCompleted; stopBefore += 1) {
      const disk = await copyOf(before)
      const store = await open('alice', stoppingDatabase(stopBefore, disk), 2, 1)
      const isDurable = await store.transact(more).then(
        () => true,
        () => false,
      )
      const keys = await keysOf(disk, 'clean')
      await store.close().catch(() => undefined)
      await disk.open()
      hasCompleted = keys.length === 0 && (await keysOf(disk, 'clean')).length === 1
      if (isDurable) await expectSame(await open('alice', disk, 3), plain)
    }
  })

  it('drops the image with the logs it was of', async () => {
    const owner = await open('alice', memoryDatabase())
    const his = memoryDatabase()
    let other = await open('bob', his, 1, 1)
    await owner.transact([write('one')])
    const log = await onlyLogOf(owner)
    await exchange(owner, other)
    await other.receive(forgedMessage(log, [forgedFile('forged', 50, fileOf('forged'))]), alice, true)
    await other.close()
    await his.open()
    other = await open('bob', his, 2)
    expect(other.lookup('forged')).toBeDefined()
    await owner.transact([write('two')])
    const { update } = owner.ownLogPart(log.writer, 0)
    expect(await other.replaceLogs([update], alice)).toMatchObject({ hasChanged: true })
    expect(await keysOf(his, 'index')).not.toContain('index')
    const crashed = await open('bob', await copyOf(his), 3)
    expect(crashed.lookup('forged')).toBeUndefined()
    expect(crashed.lookup('two')).toBeDefined()
    await expectSame(crashed, other)
  })

  it('goes on as one without, whatever is done', async () => {
    const name = fc.constantFrom('a', 'b', 'A', 'c')
    const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join('/'))
    const action: fc.Arbitrary<Action> = fc.oneof(
      fc.record({ type: fc.constant('write'), path, file: fc.nat(9).map((n) => fileOf(`${n}`)) }),
      fc.record({ type: fc.constant('mkdir'), path, directory: fc.constant(DIRECTORY) }),
      fc.record({ type: fc.constant('remove'), path }),
      fc.record({ type: fc.constant('move'), from: path, to: path }),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(action, { maxLength: 30 }),
        fc.array(action, { maxLength: 10 }),
        async (before, after) => {
          const database = memoryDatabase()
          const first = await open('alice', database, 1, 1)
          for (const one of [write('x'), ...before]) await first.transact([one]).catch(() => undefined)
          await first.close()
          await database.open()
          const plain = await open('alice', await withoutImage(database), 2)
          const store = await open('alice', database, 2)
          for (const one of after) {
            const results = await Promise.all([store, plain].map((each) => each.transact([one]).catch(String)))
            expect(results[0]).toEqual(results[1])
          }
          await expectSame(store, plain)
        },
      ),
      { numRuns: 30 },
    )
  })
})
