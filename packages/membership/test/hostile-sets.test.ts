import { MAX_STATEMENTS, type SpaceId } from '@dittofs/interface'
import { ManualClock } from '@dittofs/testing'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { SpaceMembership } from '../src/space-membership.ts'
import { decodeStatement, type Statement } from '../src/statement.ts'
import { StatementGraph } from '../src/statement-graph.ts'
import { StatementSet } from '../src/statement-set.ts'
import { HOSTILE_SETS } from './support/hostile-sets.ts'
import { MemoryKeyValueStore } from './support/memory-key-value-store.ts'
import { StatementWorld } from './support/statement-world.ts'
import { unsignedDevice } from './support/test-device.ts'

/**
 * Set operations that one turn of the event loop may take: one for each pair of statements. Each takes some ten
 * nanoseconds, so that a turn stays far below 10 ms.
 */
const MAX_OPERATIONS = MAX_STATEMENTS ** 2

const founder = unsignedDevice('alice')

/** Counts the operations on sets of statements; whatever is visited of a set is then added to another. */
function countOperations(): { count: () => number } {
  const methods = ['add', 'addAll', 'addAllBut', 'and', 'firstAlsoIn', 'isWithin'] as const
  const spies = methods.map((method) => vi.spyOn(StatementSet.prototype, method))
  return { count: () => spies.reduce((sum, spy) => sum + spy.mock.calls.length, 0) }
}

function membershipOf(world: StatementWorld) {
  const graph = new StatementGraph(world.genesis.id as SpaceId)
  graph.add(world.genesis)
  const store = new MemoryKeyValueStore()
  const record = { name: 'home', meet: new Uint8Array(32) }
  return new SpaceMembership({ record, graph, store, signer: founder, verify: () => true, clock: new ManualClock() })
}

function hostile(make: (typeof HOSTILE_SETS)[string]): { world: StatementWorld; statements: Statement[] } {
  const world = new StatementWorld(founder)
  return { world, statements: make(world, founder, MAX_STATEMENTS).slice(1) }
}

/** The most operations between two turns of the event loop while `work` is done. */
async function worstTurn(count: () => number, work: () => Promise<unknown>): Promise<number> {
  let worst = 0
  let before = count()
  const look = () => {
    worst = Math.max(worst, count() - before)
    before = count()
  }
  let isOver = false
  const tick = () => {
    look()
    if (!isOver) setImmediate(tick)
  }
  setImmediate(tick)
  await work()
  look()
  isOver = true
  return worst
}

afterEach(() => vi.restoreAllMocks())

describe.each(Object.entries(HOSTILE_SETS))('a hostile set: %s', (_, make) => {
  it('takes few steps in any one turn of the event loop, in order or out of it', async () => {
    const { world, statements } = hostile(make)
    const bytes = statements.map((statement) => statement.bytes)
    const { count } = countOperations()
    const inOrder = membershipOf(world)
    expect(await worstTurn(count, () => inOrder.receive(bytes))).toBeLessThan(MAX_OPERATIONS)
    expect(inOrder.statements()).toHaveLength(statements.length + 1)

    const waiting = membershipOf(world)
    const late = [...bytes.slice(1, 64), bytes[0] as Uint8Array, ...bytes.slice(64)]
    expect(await worstTurn(count, () => waiting.receive(late))).toBeLessThan(MAX_OPERATIONS)
    expect(waiting.members()).toEqual(inOrder.members())
  })

  it('answers who is a member without applying the rule again', async () => {
    const { world, statements } = hostile(make)
    const membership = membershipOf(world)
    await membership.receive(statements.map((statement) => statement.bytes))
    const { count } = countOperations()
    membership.members()
    membership.role(founder.key)
    membership.wasRemoved(founder.key)
    membership.statements()
    expect(count()).toBe(0)
  })

  it('is applied once for each statement that is judged, and once for all together', () => {
    const { world, statements } = hostile(make)
    const graph = new StatementGraph(world.genesis.id as SpaceId)
    for (const statement of [world.genesis, ...statements]) {
      const before = graph.resolutions
      graph.add(decodeStatement(statement.bytes, () => true))
      expect(graph.resolutions - before).toBeLessThanOrEqual(1)
    }
    graph.members()
    const after = graph.resolutions
    graph.members()
    expect(graph.resolutions).toBe(after)
  })
})

it('shows nobody what could not be stored yet', async () => {
  const world = new StatementWorld(founder)
  const membership = membershipOf(world)
  const phone = unsignedDevice('phone')
  const adding = membership.receive([world.say(founder, 'add', phone, [world.genesis]).bytes])
  for (let turn = 0; turn < 3; turn++) {
    if (membership.role(phone.key) === undefined) expect(membership.statements()).toHaveLength(1)
    expect(membership.wasRemoved(phone.key)).toBe(false)
    await Promise.resolve()
  }
  await adding
  expect(membership.role(phone.key)).toBe('full')
})
