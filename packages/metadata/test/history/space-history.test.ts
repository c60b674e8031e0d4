import type { ContentRef, DeletedNode, SpaceHistory } from '@dittofs/interface'
import { describe, expect, it } from 'vitest'
import { spaceHistory } from '../../src/history/open-space-history.ts'
import type { YjsMetadataStore } from '../../src/yjs-metadata-store.ts'
import { exchange, fileOf, memoryDatabase, openStore, SILENT_LOGGER, testDevice, treeOf } from '../memory-space.ts'

const DAY_MS = 24 * 60 * 60 * 1000

/** A store and its history, on disks that outlive them. */
async function device(name: string, disks = { store: memoryDatabase(), history: memoryDatabase() }, life = 1) {
  const clock = { at: 1_700_000_000_000, now: () => clock.at }
  const store = await openStore(name, disks.store, life)
  const database = disks.history
  const open = async () => {
    const made = spaceHistory({ store, database, device: testDevice(name).key, clock, logger: SILENT_LOGGER })
    await made.open()
    return made
  }
  return { store, history: await open(), clock, disks, open }
}

function write(path: string, content: string) {
  return { type: 'write', path, file: fileOf(content) } as const
}

async function shownNode(store: YjsMetadataStore, path: string) {
  const { node, version } = store.lookup(path) ?? {}
  if (node === undefined || version === undefined) throw new Error(`nothing at ${path}`)
  return { node, version }
}

async function contentsOf(history: SpaceHistory): Promise<Set<string>> {
  const ids = new Set<string>()
  const nameOf = (ref: ContentRef) => (ref.kind === 'inline' ? (ref.chunks[0]?.id ?? '') : ref.root)
  for await (const batch of history.contents()) for (const { content } of batch) ids.add(nameOf(content))
  return ids
}

async function deletedOf(history: SpaceHistory): Promise<DeletedNode[]> {
  const nodes: DeletedNode[] = []
  for await (const batch of history.deleted()) nodes.push(...batch)
  return nodes
}

function chunkOf(content: string): string {
  const ref = fileOf(content).content
  return ref.kind === 'inline' ? (ref.chunks[0]?.id ?? '') : ''
}

describe('versions', () => {
  it('are listed newest first, with who made them and where they stood, deletions too', async () => {
    const alice = await device('alice')
    const bob = await openStore('bob')
    await alice.store.transact([write('f', 'one')])
    await exchange(alice.store, bob)
    await bob.transact([write('f', 'two')])
    await exchange(alice.store, bob)
    await alice.store.transact([{ type: 'move', from: 'f', to: 'g' }])
    await alice.store.transact([{ type: 'remove', path: 'g' }])
    const versions = await alice.history.versionsOf({ path: 'g' })
    const [hers, his] = [testDevice('alice').key, testDevice('bob').key]
    expect(versions).toMatchObject([
      { isDeletion: true, path: 'g', author: hers, isOwn: true },
      { isDeletion: false, path: 'f', author: his, isOwn: false, content: { file: fileOf('two') } },
      { isDeletion: false, path: 'f', author: hers, isOwn: true, content: { file: fileOf('one') } },
    ])
    expect(await alice.history.versionsOf({ path: 'f' })).toEqual(versions)
    expect(await alice.history.versionsOf({ path: 'f' }, { limit: 1 })).toEqual(versions.slice(0, 1))
    expect(await alice.history.versionsOf({ path: 'never' })).toEqual([])
  })

  it('of everything shown are known after a stop in the middle of it', async () => {
    const alice = await device('alice')
    await alice.store.transact([write('f', 'one'), write('g', 'one')])
    await alice.history.close()
    // What follows happens while nobody writes the history down.
    await alice.store.transact([write('f', 'two')])
    await alice.store.close()
    const again = await device('alice', alice.disks, 2)
    const [newest, older] = await again.history.versionsOf({ path: 'f' })
    expect([newest?.content, older?.content]).toMatchObject([{ file: fileOf('two') }, { file: fileOf('one') }])
    expect(await again.history.changes()).toMatchObject([
      { edited: 1, created: 0, paths: ['f'] },
      { created: 2, paths: ['f', 'g'] },
    ])
  })

  it('are not compared again after a clean stop', async () => {
    const alice = await device('alice')
    await alice.store.transact([write('f', 'one')])
    await alice.history.close()
    let walks = 0
    const walk = alice.store.walk.bind(alice.store)
    alice.store.walk = (...args) => {
      walks += 1
      return walk(...args)
    }
    const again = await alice.open()
    await again.settled()
    expect(walks).toBe(0)
  })

  it('come back as new versions, of a deleted file too', async () => {
    const { store, history } = await device('alice')
    await store.transact([write('d/f', 'one')])
    const { node, version } = await shownNode(store, 'd/f')
    await store.transact([write('d/f', 'two')])
    await store.transact(await history.restore(node, version))
    expect(store.lookup('d/f')?.file).toEqual(fileOf('one'))
    expect(store.lookup('d/f')?.version).not.toBe(version)
    await store.transact([{ type: 'remove', path: 'd' }])
    await store.transact(await history.restore(node, version))
    expect(store.lookup('d/f')?.file).toEqual(fileOf('one'))
    expect(store.counts().conflicts).toBe(0)
    await expect(history.restore(node, 'zz:7' as typeof version)).rejects.toMatchObject({ code: 'DITTO_NOT_FOUND' })
  })
})

describe('changes', () => {
  it('are one group a transact here, and one group of a peer for what comes shortly after each other', async () => {
    const alice = await device('alice')
    const bob = await openStore('bob')
    await alice.store.transact([write('a', 'a'), write('b', 'b')])
    await alice.store.transact([{ type: 'move', from: 'a', to: 'c' }])
    await exchange(alice.store, bob)
    for (const content of ['two', 'three']) {
      await bob.transact([write('b', content)])
      await exchange(alice.store, bob)
    }
    alice.clock.at += 60_000
    await bob.transact([{ type: 'remove', path: 'c' }])
    await exchange(alice.store, bob)
    const groups = await alice.history.changes()
    const none = { created: 0, edited: 0, moved: 0, deleted: 0 }
    expect(groups).toMatchObject([
      { ...none, deleted: 1, isOwn: false, author: testDevice('bob').key, paths: ['c'] },
      { ...none, edited: 2, isOwn: false, paths: ['b'] },
      { ...none, moved: 1, isOwn: true, paths: ['c'] },
      { ...none, created: 2, isOwn: true, author: testDevice('alice').key, paths: ['a', 'b'] },
    ])
    expect(await alice.history.changes({ limit: 1 })).toEqual(groups.slice(0, 1))
    expect(await alice.history.changes({ since: alice.clock.at })).toEqual(groups.slice(0, 1))
  })

  it('are undone: what was made goes, what was changed is as before, what was deleted is back', async () => {
    const { store, history } = await device('alice')
    await store.transact([write('edited', 'one'), write('moved', 'm'), write('gone/f', 'g'), write('other', 'o')])
    const before = await treeOf(store)
    await store.transact([
      write('edited', 'two'),
      { type: 'move', from: 'moved', to: 'to/here' },
      { type: 'remove', path: 'gone' },
      write('new/d/f', 'n'),
    ])
    const [group] = await history.changes()
    const { actions, skipped } = await history.invert(group?.id ?? '')
    expect(skipped).toEqual([])
    await store.transact(actions)
    expect(await treeOf(store)).toEqual(before)
    // Undoing the undoing is a change like any other.
    const [undone] = await history.changes()
    await store.transact((await history.invert(undone?.id ?? '')).actions)
    expect(await treeOf(store)).not.toEqual(before)
    await expect(history.invert('000000000099')).rejects.toMatchObject({ code: 'DITTO_NOT_FOUND' })
  })

  it('are left alone where something newer stands against undoing them, and that is reported', async () => {
    const { store, history } = await device('alice')
    await store.transact([write('e', 'one'), write('m', 'm'), write('x', 'x')])
    await store.transact([
      write('e', 'two'),
      { type: 'move', from: 'm', to: 'n' },
      write('made', 'made'),
      write('d/in', 'in'),
      { type: 'remove', path: 'x' },
    ])
    const [group] = await history.changes()
    await store.transact([
      write('e', 'three'),
      { type: 'move', from: 'n', to: 'o' },
      { type: 'remove', path: 'made' },
      write('d/more', 'more'),
    ])
    const { actions, skipped } = await history.invert(group?.id ?? '')
    expect(skipped.map(({ path, reason }) => `${path}: ${reason}`).sort()).toEqual([
      'd: Something else is in it by now.',
      'e: It has been edited since.',
      'made: It has been deleted since.',
      'n: It has been moved since.',
    ])
    await store.transact(actions)
    const paths = (await treeOf(store)).map((line) => line.split(' ')[0])
    expect(paths).toEqual(['d/', 'd/more', 'e', 'o', 'x'])
    expect(store.lookup('e')?.file).toEqual(fileOf('three'))
  })
})

describe('what is deleted', () => {
  it('is listed once, by what was deleted, until it is back', async () => {
    const { store, history } = await device('alice')
    await store.transact([write('d/e/f', 'f'), write('d/g', 'g'), write('h', 'h')])
    const { node } = await shownNode(store, 'd')
    await store.transact([{ type: 'remove', path: 'd' }])
    await store.transact([{ type: 'remove', path: 'h' }])
    expect((await deletedOf(history)).map(({ path, kind }) => `${kind} ${path}`).sort()).toEqual([
      'directory d',
      'file h',
    ])
    await store.transact([{ type: 'undelete', node }])
    expect(await deletedOf(history)).toMatchObject([{ path: 'h', isOwn: true, author: testDevice('alice').key }])
  })
})

describe('retention', () => {
  it('keeps what is shown, the last five versions, and anything else for 30 days', async () => {
    const { store, history, clock } = await device('alice')
    for (let count = 1; count <= 8; count += 1) await store.transact([write('f', `f${count}`)])
    await store.transact([write('d/g', 'g')])
    await store.transact([{ type: 'remove', path: 'd' }])
    await history.prune(clock.at)
    expect(await contentsOf(history)).toContain(chunkOf('f1'))
    await history.prune(clock.at + 29 * DAY_MS)
    expect((await contentsOf(history)).size).toBe(9)
    await history.prune(clock.at + 31 * DAY_MS)
    const kept = await contentsOf(history)
    expect([...kept].sort()).toEqual(['f4', 'f5', 'f6', 'f7', 'f8'].map(chunkOf).sort())
    expect(await history.changes()).toEqual([])
    expect(await deletedOf(history)).toEqual([])
    expect(await history.versionsOf({ path: 'd/g' })).toEqual([])
    expect(await history.versionsOf({ path: 'f' })).toHaveLength(5)
  })

  it('counts the time of what was in a deleted directory from when it is seen to be gone', async () => {
    const { store, history, clock } = await device('alice')
    await store.transact([write('d/g', 'g')])
    const later = clock.at + 400 * DAY_MS
    clock.at = later
    await store.transact([{ type: 'remove', path: 'd' }])
    await history.prune(later)
    await history.prune(later + 29 * DAY_MS)
    expect(await contentsOf(history)).toContain(chunkOf('g'))
  })
})

describe('the base of a conflict', () => {
  it('is the latest version that both sides come from', async () => {
    const alice = await device('alice')
    const bob = await openStore('bob')
    await alice.store.transact([write('f', 'first')])
    await alice.store.transact([write('f', 'base')])
    const { node, version: base } = await shownNode(alice.store, 'f')
    await exchange(alice.store, bob)
    for (const content of ['hers 1', 'hers 2']) await alice.store.transact([write('f', content)])
    for (const content of ['his 1', 'his 2']) await bob.transact([write('f', content)])
    await exchange(alice.store, bob)
    const [ours, theirs] = (alice.store.children('') ?? []).map(({ version }) => version)
    if (ours === undefined || theirs === undefined) throw new Error('no conflict is shown')
    const found = await alice.history.baseOf(node, ours, theirs)
    expect(found).toMatchObject({ version: base, content: { file: fileOf('base') } })
    expect(await alice.history.baseOf(node, theirs, ours)).toEqual(found)
  })
})

describe('a history', () => {
  it('refuses calls after it was closed, and after its database failed', async () => {
    const { store, history } = await device('alice')
    await history.close()
    await expect(history.changes()).rejects.toMatchObject({ code: 'DITTO_CLOSED' })
    const disks = { store: memoryDatabase(), history: memoryDatabase() }
    const bob = await device('bob', disks)
    await bob.history.settled()
    Object.assign(disks.history, { batch: () => Promise.reject(new Error('the disk is gone')) })
    await bob.store.transact([write('f', 'f')])
    await expect(bob.history.changes()).rejects.toMatchObject({ code: 'DITTO_IO' })
    await store.close()
  })

  it('follows a change too large to be told', async () => {
    const { store, history } = await device('alice')
    await history.settled()
    await store.transact(Array.from({ length: 6000 }, (_, at) => write(`d/${at}`, `${at}`)))
    expect((await contentsOf(history)).size).toBe(6000)
  })
})
