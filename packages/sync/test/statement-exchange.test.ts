import { type Role, systemClock } from '@dittofs/interface'
import {
  type KeyValueStore,
  type Memberships,
  missingStatements,
  openMemberships,
  type SpaceMembership,
  statementIds,
} from '@dittofs/membership'
import { pseudoRandomBytes } from '@dittofs/testing'
import { decodeStatementsMessage } from '@dittofs/wire'
import { describe, expect, it } from 'vitest'
import { statementExchange } from '../src/index.ts'
import { connect, keyOf, signerOf, TestDevice } from './test-device.ts'

function memoryStore(): KeyValueStore {
  const values = new Map<string, Uint8Array>()
  return {
    async *entries(prefix) {
      for (const [key, value] of [...values].sort()) if (key.startsWith(prefix)) yield [key, value]
    },
    async write(changes) {
      for (const change of changes) {
        if (change.type === 'put') values.set(change.key, change.value)
        else values.delete(change.key)
      }
    },
  }
}

let seed = 0

async function membershipsOf(name: string): Promise<Memberships> {
  const random = (size: number) => pseudoRandomBytes(++seed, size)
  return openMemberships({ store: memoryStore(), signer: signerOf(name), clock: systemClock, random })
}

const exchangeOf = (memberships: Memberships) =>
  statementExchange({ memberships: () => memberships.spaces(), statementIds, missingStatements })

/** A space that alice made, as another device has it after pairing with her. */
async function paired(alice: SpaceMembership, name: string, role: Role = 'full'): Promise<Memberships> {
  await alice.add(keyOf(name), name, role)
  const memberships = await membershipsOf(name)
  const { space, meet } = alice
  await memberships.acceptSpace({
    space,
    meet,
    name: 'home',
    statements: alice.statements(),
    role,
    inviter: keyOf('alice'),
  })
  return memberships
}

async function open(name: string, memberships: Memberships): Promise<TestDevice> {
  const [membership] = memberships.spaces()
  if (membership === undefined) throw new TypeError('there is one space')
  return TestDevice.open(name, [], { membership, statements: exchangeOf(memberships) })
}

describe('the exchange of statements', () => {
  it('lets in a newcomer that a device has not heard of, by the statements it brings', async () => {
    const hers = await membershipsOf('alice')
    const space = await hers.createSpace({ name: 'home', deviceName: 'alice' })
    const his = await paired(space, 'bob')
    const carols = await paired(space, 'carol')
    const bob = await open('bob', his)
    const carol = await open('carol', carols)
    expect(his.get(space.space)?.role(carol.key)).toBeUndefined()
    await bob.write({ 'b.txt': Buffer.from('from bob') }, space.space)
    connect(carol, bob, { match: { kind: 'space', name: space.space } })
    await expect.poll(async () => Object.keys(await carol.files(space.space))).toEqual(['b.txt'])
    expect(his.get(space.space)?.role(carol.key)).toBe('full')
  })

  it('spreads a removal to everyone connected, and cuts the removed device off', async () => {
    const hers = await membershipsOf('alice')
    const space = await hers.createSpace({ name: 'home', deviceName: 'alice' })
    const his = await paired(space, 'bob')
    const carols = await paired(space, 'carol')
    const [alice, bob, carol] = [await open('alice', hers), await open('bob', his), await open('carol', carols)]
    const match = { kind: 'space', name: space.space } as const
    connect(alice, bob, { match })
    const [, carolToBob] = connect(carol, bob, { match })
    await Promise.all([alice.upToDate(), bob.upToDate(), carol.upToDate()])
    await space.remove(carol.key)
    const reason = await carolToBob.ended
    expect(reason).toMatchObject({ code: 'DITTO_NOT_A_MEMBER' })
    expect(his.get(space.space)?.wasRemoved(carol.key)).toBe(true)
  })

  it('tells a stranger with the secret the IDs of statements, and a removed device nothing', async () => {
    const hers = await membershipsOf('alice')
    const space = await hers.createSpace({ name: 'home', deviceName: 'alice' })
    const exchange = exchangeOf(hers)
    const match = { kind: 'space', name: space.space } as const
    const stranger = keyOf('mallory')
    const [first, ...more] = [...exchange.start(stranger, match)]
    expect(more).toEqual([])
    expect(decodeStatementsMessage(first ?? Buffer.of())).toEqual({
      space: space.space,
      have: statementIds(space.statements()).map((id) => new Uint8Array(id)),
    })
    expect([...(await exchange.receive(first ?? Buffer.of(), stranger, match))]).toEqual([])
    await space.add(stranger, 'mallory', 'read')
    expect([...exchange.changed(space.space, stranger)]).toHaveLength(1)
    await space.remove(stranger)
    expect([...exchange.start(stranger, match)]).toEqual([])
    expect([...exchange.changed(space.space, stranger)]).toEqual([])
    expect([...(await exchange.receive(first ?? Buffer.of(), stranger, match))]).toEqual([])
  })
})
