import type { MetadataStore } from '@dittofs/interface'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { YjsMetadataStore } from '../src/yjs-metadata-store.ts'
import { forgedFile, forgedMessage, logsOf, onlyLogOf } from './forged-tail.ts'
import { IS_LONG_RUN } from './long-run.ts'
import { copyOf, exchange, fileOf, memoryDatabase, openStore, storeInit, testDevice, treeOf } from './memory-space.ts'
import { stoppingDatabase } from './stopping-database.ts'

const alice = testDevice('alice').key
const bob = testDevice('bob').key
const mallory = testDevice('mallory').key

const write = (store: MetadataStore, path: string, content = path) =>
  store.transact([{ type: 'write', path, file: fileOf(content) }])

/** What the owner of logs gives of all of them, as its peer asks for it. */
async function copiesOf(store: MetadataStore): Promise<Uint8Array[]> {
  const updates: Uint8Array[] = []
  for (const { log } of (await store.logDigests()).logs) {
    for (let from = 0; ; ) {
      const { to, end, update } = store.ownLogPart(log, from)
      if (update.length > 0) updates.push(update)
      from = to
      if (from >= end) break
    }
  }
  return updates
}

async function stateHashOf(store: MetadataStore): Promise<string> {
  return Buffer.from((await store.logDigests()).stateHash).toString('hex')
}

/**
 * Alice wrote `one`, which both hold; then mallory told bob forged entries of alice's log, and alice wrote as many and
 * more. Both hold as much of every log, and not the same.
 */
async function diverged(database = memoryDatabase()): Promise<{ owner: YjsMetadataStore; other: YjsMetadataStore }> {
  const owner = await openStore('alice')
  const other = await openStore('bob', database)
  await write(owner, 'one')
  const log = await onlyLogOf(owner)
  await exchange(owner, other)
  await write(other, 'bobs')
  const forged = [forgedFile('forged', 50, fileOf('forged')), forgedFile('other', 51, fileOf('other'))]
  await other.receive(forgedMessage(log, forged), mallory, true)
  await write(owner, 'two')
  await write(owner, 'three')
  await write(owner, 'four')
  await exchange(owner, other)
  return { owner, other }
}

describe('two copies of one log', () => {
  it('are told apart by their digests where the state vectors are equal', async () => {
    const { owner, other } = await diverged()
    expect(await stateHashOf(other)).toBe(await stateHashOf(owner))
    expect(other.digest()).not.toEqual(owner.digest())
    const [hers, his] = [await owner.logDigests(), await other.logDigests()]
    const differing = hers.logs.filter(({ digest }, at) => Buffer.compare(digest, his.logs[at]?.digest ?? digest) !== 0)
    expect(differing.map((log) => log.owner)).toEqual([alice])
    expect(his.logs.map(({ log, owner: device }) => [log, device])).toEqual(
      hers.logs.map(({ log, owner: device }) => [log, device]),
    )
  })

  it('become one by the owner’s, which brings back what the forged entries hid', async () => {
    const { owner, other } = await diverged()
    expect(other.lookup('two')).toBeUndefined()
    const changes: (readonly string[] | undefined)[] = []
    other.onChange(({ isLocal, paths }) => changes.push(isLocal ? [] : paths))
    const replaced = await other.replaceLogs(await copiesOf(owner), alice)
    expect(replaced).toEqual({ hasChanged: true, droppedEntries: 2, lostPaths: ['forged', 'other'] })
    expect(changes).toEqual([undefined])
    expect(other.digest()).toEqual(owner.digest())
    expect(await treeOf(other)).toEqual(await treeOf(owner))
    expect(other.lookup('forged')).toBeUndefined()
    expect(other.lookup('two')?.file).toEqual(fileOf('two'))
  })

  it('become one, and the misled device goes on in its own log', async () => {
    const { owner, other } = await diverged()
    await other.replaceLogs(await copiesOf(owner), alice)
    await write(other, 'after')
    await write(owner, 'later')
    await exchange(owner, other)
    expect(other.digest()).toEqual(owner.digest())
    expect((await logsOf(other)).length).toBe(2)
    expect(owner.lookup('after')?.author).toBe(bob)
  })

  it('become one that is longer, and peers are told of what is new', async () => {
    const { owner, other } = await diverged()
    await write(owner, 'five')
    const messages: Uint8Array[] = []
    other.onChange((change) => messages.push(...change.messages))
    await other.replaceLogs(await copiesOf(owner), alice)
    expect(messages).toHaveLength(1)
    const carol = await openStore('carol')
    await exchange(owner, carol)
    for (const message of messages) await carol.receive(message, bob, true)
    expect(carol.digest()).toEqual(owner.digest())
  })

  it('that are equal change nothing', async () => {
    const { owner, other } = await diverged()
    await other.replaceLogs(await copiesOf(owner), alice)
    const changes: unknown[] = []
    other.onChange((change) => changes.push(change))
    const again = await other.replaceLogs(await copiesOf(owner), alice)
    expect(again).toEqual({ hasChanged: false, droppedEntries: 0, lostPaths: [] })
    expect(changes).toEqual([])
  })

  it('keep what others built on the forged entries, and tell of what those alone named', async () => {
    const owner = await openStore('alice')
    const other = await openStore('bob')
    await write(owner, 'one')
    const log = await onlyLogOf(owner)
    await exchange(owner, other)
    await other.receive(forgedMessage(log, [forgedFile('forged', 50, fileOf('forged'))]), mallory, true)
    // Bob's move is an entry of bob's own, with the place; the content stands in the forged entry alone.
    await other.transact([{ type: 'move', from: 'forged', to: 'taken' }])
    await write(other, 'taken', 'bobs own')
    await write(owner, 'two')
    await exchange(owner, other)
    const replaced = await other.replaceLogs(await copiesOf(owner), alice)
    expect(other.lookup('taken')?.file).toEqual(fileOf('bobs own'))
    expect(replaced.lostPaths).toEqual(['taken'])
  })
})

describe('a copy of a log that takes the place of another', () => {
  const refused = async (store: YjsMetadataStore, updates: readonly Uint8Array[], from: typeof alice, code: string) => {
    const [digest, shown] = [store.digest(), await treeOf(store)]
    await expect(store.replaceLogs(updates, from)).rejects.toMatchObject({ code })
    expect(store.digest()).toEqual(digest)
    expect(await treeOf(store)).toEqual(shown)
  }

  it('is refused from anyone but the log’s owner', async () => {
    const { owner, other } = await diverged()
    await refused(other, await copiesOf(owner), mallory, 'DITTO_UPDATE_INVALID')
  })

  it('is refused for a log of the device’s own, whoever gives it', async () => {
    const { owner } = await diverged()
    const copies = await copiesOf(owner)
    for (const from of [alice, bob, mallory]) await refused(owner, copies, from, 'DITTO_UPDATE_INVALID')
  })

  it('is refused when it ends before the one held, or begins behind its start', async () => {
    const { owner, other } = await diverged()
    const old = await openStore('alice', memoryDatabase())
    await write(old, 'one')
    await refused(other, await copiesOf(old), alice, 'DITTO_UPDATE_GAP')
    const [log] = (await owner.logDigests()).logs.filter(({ owner: device }) => device === alice)
    await refused(other, [owner.ownLogPart(log?.log as number, 1).update], alice, 'DITTO_UPDATE_GAP')
  })

  it('is refused when it is garbage, or an update of nothing', async () => {
    const { other } = await diverged()
    await refused(other, [Uint8Array.of(1, 2, 3)], alice, 'DITTO_UPDATE_INVALID')
    expect(await other.replaceLogs([], alice)).toMatchObject({ hasChanged: false })
  })

  it('is given by no device that does not own the log', async () => {
    const { owner, other } = await diverged()
    const logs = (await owner.logDigests()).logs
    expect(logs).toHaveLength(2)
    for (const { log, owner: device } of logs) {
      const store = device === alice ? other : owner
      expect(store.ownLogPart(log, 0)).toEqual({ end: 0, to: 0, update: new Uint8Array(0) })
    }
  })
})

describe('a repair that the machine stops in the middle of', () => {
  it('leaves the space as it was or as it should be, before whichever write it stops', async () => {
    const outcomes = new Set<string>()
    for (let stopBefore = 0, isDone = false; !isDone; stopBefore += 1) {
      const disk = memoryDatabase()
      const { owner, other } = await diverged(disk)
      const before = Buffer.from(other.digest()).toString('hex')
      const after = Buffer.from(owner.digest()).toString('hex')
      const copies = await copiesOf(owner)
      const stopped = await copyOf(disk)
      const atRisk = new YjsMetadataStore(storeInit('bob', stoppingDatabase(stopBefore, stopped), 2))
      try {
        await atRisk.open()
        await atRisk.replaceLogs(copies, alice)
        isDone = true
      } catch {
        expect(() => atRisk.counts()).toThrow()
      }
      const again = await openStore('bob', await copyOf(stopped), 3)
      const found = Buffer.from(again.digest()).toString('hex')
      expect([before, after], `stopped before write ${stopBefore}`).toContain(found)
      outcomes.add(found === before ? 'before' : 'after')
      await again.replaceLogs(copies, alice)
      expect(again.digest()).toEqual(owner.digest())
    }
    expect(outcomes).toEqual(new Set(['before', 'after']))
  })
})

describe('after repair', () => {
  it('every device shows one tree, whatever was forged and written', async () => {
    const names = fc.constantFrom('a', 'b', 'd/c', 'd/e')
    const step = fc.record({ who: fc.nat({ max: 2 }), path: names, content: fc.nat({ max: 99 }) })
    const plan = fc.record({
      before: fc.array(step, { minLength: 1, maxLength: 5 }),
      forged: fc.array(names, { minLength: 1, maxLength: 4 }),
      after: fc.array(step, { maxLength: 5 }),
      extra: fc.nat({ max: 3 }),
    })
    await fc.assert(
      fc.asyncProperty(plan, async ({ before, forged, after, extra }) => {
        const stores = [await openStore('alice'), await openStore('bob'), await openStore('carol')] as const
        const [owner, misled, third] = stores
        await write(owner, 'first')
        for (const other of [misled, third]) await exchange(owner, other)
        for (const { who, path, content } of before) await write(stores[who] as MetadataStore, path, `${content}`)
        const entries = forged.map((name, at) => forgedFile(`f${name.at(-1)}${at}`, 60 + at, fileOf(`f${at}`)))
        const own = (await owner.logDigests()).logs.find(({ owner: device }) => device === alice)?.log
        const held = (await logsOf(misled)).find(({ writer }) => writer === own)
        await misled.receive(forgedMessage(held as NonNullable<typeof held>, entries), mallory, true)
        for (const { who, path, content } of after) await write(stores[who] as MetadataStore, path, `x${content}`)
        for (let at = 0; at < forged.length + extra; at += 1) await write(owner, `more ${at}`)
        for (const [a, b] of [
          [owner, third],
          [owner, misled],
          [owner, third],
        ] as const) {
          await exchange(a, b)
        }
        expect(await stateHashOf(misled)).toBe(await stateHashOf(owner))
        const replaced = await misled.replaceLogs(await copiesOf(owner), alice)
        expect(replaced.hasChanged).toBe(true)
        for (const other of [misled, third]) {
          expect(await treeOf(other)).toEqual(await treeOf(owner))
          expect(other.digest()).toEqual(owner.digest())
        }
      }),
      { numRuns: IS_LONG_RUN ? 300 : 25 },
    )
  })
})
