import type { ChunkId, ChunkStore, SpaceId } from '@dittofs/interface'
import {
  ALICE_SPACE,
  BOB_SPACE,
  CrashFileSystem,
  CrashMachine,
  type CrashMachineInit,
  chunkOf,
  crashIndexDatabase,
  emptyDisk,
  type SimulatedDisk,
  type SimulatedIndex,
  seededRandom,
} from '@dittofs/testing'
import { describe, expect, test } from 'vitest'
import { packChunkStore } from '../src/index.ts'

/** Small, so that the story below fills several packs. */
const MAX_PACK_BYTES = 4096

/** What is known to be durable, and what may be there. */
class Model {
  readonly acknowledged = new Map<SpaceId, Map<ChunkId, Uint8Array>>()
  readonly everPut = new Map<SpaceId, Set<ChunkId>>()

  begin(space: SpaceId, ids: readonly ChunkId[]): void {
    const ever = this.everPut.get(space) ?? new Set()
    this.everPut.set(space, ever)
    for (const id of ids) ever.add(id)
  }

  acknowledge(space: SpaceId, chunks: readonly { id: ChunkId; bytes: Uint8Array }[]): void {
    const known = this.acknowledged.get(space) ?? new Map<ChunkId, Uint8Array>()
    this.acknowledged.set(space, known)
    for (const { id, bytes } of chunks) known.set(id, bytes)
  }

  clone(): Model {
    const clone = new Model()
    for (const [space, known] of this.acknowledged) clone.acknowledged.set(space, new Map(known))
    for (const [space, ids] of this.everPut) clone.everPut.set(space, new Set(ids))
    return clone
  }

  /** From when a collection begins, what it does not keep may go. */
  forget(space: SpaceId, kept: ReadonlySet<ChunkId>): void {
    const known = this.acknowledged.get(space)
    for (const id of [...(known?.keys() ?? [])]) if (!kept.has(id)) known?.delete(id)
  }
}

const clock = {
  now: () => 0,
  monotonic: () => 0,
  sleep: () => new Promise<void>((resolve) => setImmediate(resolve)),
}

function storeOn(machine: CrashMachine, disk: SimulatedDisk, index: SimulatedIndex) {
  const fileSystem = new CrashFileSystem(machine, disk)
  const openIndex = crashIndexDatabase(machine, index)
  const store = packChunkStore({
    directory: '/store',
    maxPackBytes: MAX_PACK_BYTES,
    workers: 0,
    clock,
    fileSystem,
    openIndex,
  })
  return { store, fileSystem }
}

/** Bytes of several sizes, so that writes cross sectors at any place. */
const chunk = (seed: number) => chunkOf(seed, 40 + ((seed * 397) % 1500))
const chunks = (from: number, to: number) => Array.from({ length: to - from }, (_, nth) => chunk(from + nth))

/** Everything a store does to its disk, step by step; each step tells the model before and after. */
async function story(store: ChunkStore, model: Model): Promise<void> {
  const put = async (
    space: SpaceId,
    list: readonly ReturnType<typeof chunk>[],
    durability: 'full' | 'group' | 'none',
  ) => {
    model.begin(
      space,
      list.map(({ id }) => id),
    )
    await store.put(
      space,
      list.map(({ id, bytes }) => ({ id, bytes: bytes.slice() })),
      { durability },
    )
    if (durability !== 'none') model.acknowledge(space, list)
  }
  const collect = async (space: SpaceId, kept: readonly ReturnType<typeof chunk>[]) => {
    const ids = kept.map(({ id }) => id)
    model.forget(space, new Set(ids))
    await store.collect(
      space,
      (async function* () {
        yield ids
      })(),
    )
  }
  await store.open()
  await put(ALICE_SPACE, chunks(0, 4), 'group')
  await put(ALICE_SPACE, chunks(4, 6), 'none')
  await Promise.all([put(ALICE_SPACE, chunks(6, 9), 'group'), put(BOB_SPACE, chunks(2, 8), 'full')])
  await collect(ALICE_SPACE, [...chunks(0, 2), ...chunks(7, 9)])
  await put(BOB_SPACE, chunks(10, 13), 'none')
  await store.flush()
  model.acknowledge(BOB_SPACE, chunks(10, 13))
  await put(ALICE_SPACE, chunks(2, 6), 'group')
  await collect(BOB_SPACE, [chunk(12)])
  await Promise.all([put(ALICE_SPACE, chunks(20, 24), 'group'), put(ALICE_SPACE, chunks(22, 26), 'group')])
  await collect(ALICE_SPACE, [chunk(1), chunk(5), chunk(8), chunk(21)])
  await put(BOB_SPACE, [chunk(21), chunk(3)], 'group')
  await store.close()
}

async function expectModel(store: ChunkStore, model: Model): Promise<void> {
  for (const [space, known] of model.acknowledged) {
    const ids = [...known.keys()]
    for await (const batch of store.getMany(space, ids)) {
      for (const { index, bytes } of batch) {
        if (bytes === undefined || Buffer.compare(bytes, known.get(ids[index] as ChunkId) as Uint8Array) !== 0) {
          throw new Error(`chunk ${ids[index]} was acknowledged and is not there`)
        }
      }
    }
  }
  for (const space of [ALICE_SPACE, BOB_SPACE]) {
    const others = Array.from({ length: 30 }, (_, seed) => chunk(seed).id).filter(
      (id) => !model.everPut.get(space)?.has(id),
    )
    expect(await store.has(space, others)).toEqual(others.map(() => false))
  }
  for await (const damage of store.verify())
    throw new Error(`chunk ${damage.id} counts as held and is ${damage.problem}`)
}

/** Runs the story until its machine stops, if it does. */
async function run(init: CrashMachineInit) {
  const machine = new CrashMachine(init)
  const index: SimulatedIndex = new Map()
  const model = new Model()
  const { store, fileSystem } = storeOn(machine, emptyDisk(), index)
  let failure: unknown
  try {
    await story(store, model)
  } catch (error) {
    failure = error
    await store.close().catch(() => {})
  }
  return { machine, fileSystem, index, model, failure }
}

/** Starts on what a power cut left, checks, writes on, and starts once more. */
async function expectRecovery(disk: SimulatedDisk, index: SimulatedIndex, before: Model, seed: number): Promise<void> {
  const model = before.clone()
  const machine = new CrashMachine({ random: seededRandom(seed) })
  const { store } = storeOn(machine, disk, index)
  await store.open()
  await expectModel(store, model)
  const more = chunks(26, 29)
  model.begin(
    ALICE_SPACE,
    more.map(({ id }) => id),
  )
  expect(
    await store.put(
      ALICE_SPACE,
      more.map(({ id, bytes }) => ({ id, bytes: bytes.slice() })),
    ),
  ).toEqual([])
  model.acknowledge(ALICE_SPACE, more)
  await store.close()
  const { store: again } = storeOn(machine, disk, index)
  await again.open()
  await expectModel(again, model)
  await again.close()
}

function copyOf(disk: SimulatedDisk): SimulatedDisk {
  const names: SimulatedDisk['seen'] = new Map()
  for (const [name, file] of disk.seen) names.set(name, { ...file, unsynced: [...file.unsynced] })
  return { seen: names, durable: new Map(names) }
}

const { machine: whole } = await run({ random: seededRandom(0) })
const calls = Array.from({ length: whole.calls }, (_, nth) => nth + 1)

describe('power lost during any of the calls a store makes', () => {
  test('the story ends well when nothing happens', async () => {
    const { failure, model, fileSystem, index } = await run({ random: seededRandom(0) })
    expect(failure).toBeUndefined()
    expect(calls.length).toBeGreaterThan(40)
    expect(fileSystem.removed).toBeGreaterThan(2)
    await expectRecovery(fileSystem.diskAfterPowerLoss(), index, model, 1)
  })

  test.each([1, 2, 3])(
    'keeps all that was acknowledged, and holds nothing damaged, with the index (seed %d)',
    async (seed) => {
      for (const crashAt of calls) {
        const { fileSystem, index, model } = await run({ crashAt, random: seededRandom(seed * 1000 + crashAt) })
        await expectRecovery(fileSystem.diskAfterPowerLoss(), index, model, seed).catch((cause: unknown) => {
          throw new Error(`crash at call ${crashAt}, seed ${seed}`, { cause })
        })
      }
    },
  )

  test.each([1, 2])('keeps all that was acknowledged when the index is lost as well (seed %d)', async (seed) => {
    for (const crashAt of calls) {
      const { fileSystem, model } = await run({ crashAt, random: seededRandom(seed * 2000 + crashAt) })
      await expectRecovery(fileSystem.diskAfterPowerLoss(), new Map(), model, seed).catch((cause: unknown) => {
        throw new Error(`crash at call ${crashAt}, seed ${seed}`, { cause })
      })
    }
  })

  test('keeps all that was acknowledged when it is lost a second time, during recovery', async () => {
    for (const crashAt of calls.filter((call) => call % 3 === 0)) {
      const { fileSystem, index, model } = await run({ crashAt, random: seededRandom(crashAt) })
      const disk = fileSystem.diskAfterPowerLoss()
      for (let second = 1; second <= 4; second++) {
        const machine = new CrashMachine({ crashAt: second, random: seededRandom(second) })
        const secondIndex = new Map(index)
        const { store, fileSystem: secondSystem } = storeOn(machine, copyOf(disk), secondIndex)
        await store.open().catch(() => {})
        await store.close().catch(() => {})
        await expectRecovery(secondSystem.diskAfterPowerLoss(), secondIndex, model, second).catch((cause: unknown) => {
          throw new Error(`crash at call ${crashAt}, then ${second}`, { cause })
        })
      }
    }
  })
})

describe('a call of the disk that fails', () => {
  test.each(['ENOSPC', 'EIO'] as const)(
    'with %s fails what needed it with a code, and loses nothing else',
    async (code) => {
      for (const call of calls) {
        const { failure, fileSystem, index, model } = await run({ failAt: { call, code }, random: seededRandom(call) })
        const expected = code === 'ENOSPC' ? /^DITTO_(NO_SPACE|IO)$/ : /^DITTO_IO$/
        if (failure !== undefined) expect((failure as { code: string }).code, `call ${call}`).toMatch(expected)
        await expectRecovery(fileSystem.diskAfterPowerLoss(), index, model, call).catch((cause: unknown) => {
          throw new Error(`${code} at call ${call}`, { cause })
        })
      }
    },
  )

  test('leaves a store that is open usable', async () => {
    for (const call of calls) {
      const machine = new CrashMachine({ failAt: { call, code: 'ENOSPC' }, random: seededRandom(call) })
      const { store } = storeOn(machine, emptyDisk(), new Map())
      await store.open().catch(() => store.open())
      const good = new Map<ChunkId, Uint8Array>()
      for (const { id, bytes } of chunks(0, 30)) {
        const isStored = await store.put(ALICE_SPACE, [{ id, bytes: bytes.slice() }]).then(
          () => true,
          () => false,
        )
        if (isStored) good.set(id, bytes)
      }
      expect(good.size).toBeGreaterThanOrEqual(29)
      for (const [id, bytes] of good)
        expect(Buffer.compare((await store.get(ALICE_SPACE, id)) ?? Buffer.of(), bytes)).toBe(0)
      await store.close()
    }
  })
})
