import type { Role } from '@dittofs/interface'
import { ManualClock, temporaryDirectory } from '@dittofs/testing'
import { Level } from 'level'
import { describe, expect, it, onTestFinished } from 'vitest'
import { levelKeyValueStore } from '../src/key-value-store.ts'
import { type Memberships, openMemberships } from '../src/memberships.ts'
import { missingStatements, statementIds } from '../src/missing-statements.ts'
import type { SpaceMembership } from '../src/space-membership.ts'
import { openTestMemberships } from './support/open-test-memberships.ts'
import { StatementWorld } from './support/statement-world.ts'
import { keysOf, testDevice, unsignedDevice } from './support/test-device.ts'

const [alice, bob, carol] = [testDevice('alice'), testDevice('bob'), testDevice('carol')]

async function aliceAtHome() {
  const opened = await openTestMemberships(alice)
  return { ...opened, home: await opened.memberships.createSpace({ name: 'home', deviceName: 'laptop' }) }
}

function accept(
  memberships: Memberships,
  from: SpaceMembership,
  statements: readonly Uint8Array[],
  role: Role = 'full',
) {
  const { space, name, meet } = from
  return memberships.acceptSpace({ space, name, meet, statements, role, inviter: alice.key })
}

describe('createSpace', () => {
  it('makes a space whose one member is this device', async () => {
    const { home } = await aliceAtHome()
    expect(home.members()).toEqual([{ key: alice.key, name: 'laptop', role: 'full', addedBy: alice.key }])
    expect([home.name, home.chunker, home.meet.length]).toEqual(['home', 'fastcdc', 32])
  })

  it('never makes the same space twice', async () => {
    const { memberships, home } = await aliceAtHome()
    const second = await memberships.createSpace({ name: 'home', deviceName: 'laptop', chunker: 'fixed' })
    expect(second.space).not.toBe(home.space)
    expect(second.chunker).toBe('fixed')
    expect(memberships.spaces()).toHaveLength(2)
  })

  it('is all there, from LevelDB, after a restart', async () => {
    const directory = await temporaryDirectory()
    const open = async () => {
      const db = new Level(directory)
      onTestFinished(() => db.close())
      const store = levelKeyValueStore(db.sublevel('members'))
      const random = (size: number) => new Uint8Array(size).fill(size)
      return { db, memberships: await openMemberships({ store, signer: alice, clock: new ManualClock(), random }) }
    }
    const first = await open()
    const home = await first.memberships.createSpace({ name: 'home', deviceName: 'laptop' })
    await home.add(bob.key, 'phone', 'read')
    await home.rename('house')
    await first.memberships.invitations.create({ space: home.space })
    await first.db.close()

    const { memberships } = await open()
    const again = memberships.get(home.space)
    expect(again?.members()).toEqual(home.members())
    expect(again?.statements()).toEqual(home.statements())
    expect([again?.name, again?.meet]).toEqual(['house', home.meet])
    expect(memberships.invitations.list()).toEqual(first.memberships.invitations.list())
    expect(memberships.secrets()).toEqual(first.memberships.secrets())
  })

  it('says so when what is stored was damaged', async () => {
    const { home, store } = await aliceAtHome()
    await store.write([{ type: 'put', key: `statement/${home.space}/0000`, value: new Uint8Array(100) }])
    await expect(openTestMemberships(alice, { store })).rejects.toMatchObject({ code: 'DITTO_STORE_CORRUPT' })
  })
})

describe('SpaceMembership', () => {
  it('adds, changes roles and removes, and tells who is out', async () => {
    const { home } = await aliceAtHome()
    const removed: string[][] = []
    home.onChange((keys) => removed.push([...keys]))
    await home.add(bob.key, 'phone', 'read')
    expect(home.role(bob.key)).toBe('read')
    await home.add(bob.key, 'another name', 'full')
    expect(home.members().find(({ key }) => key === bob.key)).toMatchObject({ role: 'full', name: 'phone' })
    await home.setRole(bob.key, 'read')
    expect(home.role(bob.key)).toBe('read')
    expect(await home.remove(bob.key)).toEqual([])
    expect([home.role(bob.key), home.wasRemoved(bob.key), home.wasRemoved(carol.key)]).toEqual([undefined, true, false])
    expect(removed).toEqual([[], [], [], [bob.key]])
    await home.add(bob.key, 'phone', 'full')
    expect([home.role(bob.key), home.wasRemoved(bob.key)]).toEqual(['full', false])
  })

  it('says nothing where nothing changes', async () => {
    const { home } = await aliceAtHome()
    await home.add(alice.key, 'me', 'read')
    expect(home.statements()).toHaveLength(1)
  })

  it('refuses to remove who is no member, and to change anything as a reader', async () => {
    const { home } = await aliceAtHome()
    await expect(home.remove(bob.key)).rejects.toMatchObject({ code: 'DITTO_NOT_FOUND' })
    await home.add(bob.key, 'phone', 'read')
    const { memberships } = await openTestMemberships(bob)
    const reader = await accept(memberships, home, home.statements(), 'read')
    await expect(reader.add(carol.key, 'tablet', 'read')).rejects.toMatchObject({ code: 'DITTO_ROLE' })
    await reader.leave()
    expect(reader.role(bob.key)).toBeUndefined()
    await home.receive(reader.statements())
    expect(home.wasRemoved(bob.key)).toBe(true)
  })

  it('names those who leave because a removal voided what added them', async () => {
    const { home } = await aliceAtHome()
    await home.add(bob.key, 'phone', 'full')
    // 17 heads: one of bob's adds is not among the 16 that the removal names.
    const { memberships } = await openTestMemberships(bob)
    const atBob = await accept(memberships, home, home.statements())
    const branches = await Promise.all(
      Array.from({ length: 17 }, async (_, i) => {
        const branch = await openTestMemberships(bob)
        const space = await accept(branch.memberships, home, atBob.statements())
        await space.add(unsignedDevice(`guest ${i}`).key, `guest ${i}`, 'read')
        return space
      }),
    )
    for (const branch of branches) await home.receive(branch.statements())
    expect(home.members()).toHaveLength(19)
    expect(await home.remove(bob.key)).toHaveLength(1)
    expect(home.members()).toHaveLength(17)
  })

  it('takes statements in any order and waits for those before them', async () => {
    const { home } = await aliceAtHome()
    await home.add(bob.key, 'phone', 'full')
    const early = home.statements()
    const { memberships } = await openTestMemberships(bob)
    const atBob = await accept(memberships, home, early)
    await home.add(carol.key, 'tablet', 'read')
    await home.remove(carol.key)
    const [, , add, removal] = home.statements() as [Uint8Array, Uint8Array, Uint8Array, Uint8Array]
    expect(await atBob.receive([removal])).toBe(0)
    expect(atBob.statements()).toHaveLength(2)
    expect(await atBob.receive([add])).toBe(2)
    expect(await atBob.receive([add, removal])).toBe(0)
    expect(atBob.members()).toEqual(home.members())
  })

  it('lets at most 64 wait', async () => {
    const { home } = await aliceAtHome()
    await home.add(bob.key, 'phone', 'full')
    const { memberships } = await openTestMemberships(bob)
    const atBob = await accept(memberships, home, home.statements())
    for (let i = 0; i < 66; i++) await home.add(unsignedDevice(`${i}`).key, '', 'read')
    const orphans = home.statements().slice(3)
    await expect(atBob.receive(orphans)).rejects.toMatchObject({ code: 'DITTO_LIMIT' })
    expect(await atBob.receive(home.statements())).toBe(66)
  })

  it('keeps what came before a bad statement, and nothing after', async () => {
    const { home } = await aliceAtHome()
    await home.add(bob.key, 'phone', 'full')
    const { memberships } = await openTestMemberships(bob)
    const atBob = await accept(memberships, home, home.statements())
    await home.add(carol.key, 'tablet', 'read')
    await home.remove(carol.key)
    const [, , add, removal] = home.statements() as [Uint8Array, Uint8Array, Uint8Array, Uint8Array]
    await expect(atBob.receive([add, new Uint8Array(10), removal])).rejects.toMatchObject({
      code: 'DITTO_STATEMENT_INVALID',
    })
    expect(atBob.statements()).toHaveLength(3)
  })

  it('holds a peer to 20 new statements a second after the first rush', async () => {
    const { home, clock } = await aliceAtHome()
    const world = new StatementWorld(alice)
    const foreign = (i: number) => world.say(alice, 'add', unsignedDevice(`${i}`), [world.genesis]).bytes
    const bring = (i: number) => home.receive([foreign(i)], bob.key)
    for (let i = 0; i < 512; i++) await expect(bring(i)).rejects.toMatchObject({ code: 'DITTO_STATEMENT_INVALID' })
    await expect(bring(512)).rejects.toMatchObject({ code: 'DITTO_LIMIT' })
    await expect(home.receive([foreign(513)], carol.key)).rejects.toMatchObject({ code: 'DITTO_STATEMENT_INVALID' })
    clock.pass(50)
    await expect(bring(514)).rejects.toMatchObject({ code: 'DITTO_STATEMENT_INVALID' })
    await expect(bring(515)).rejects.toMatchObject({ code: 'DITTO_LIMIT' })
  })

  it('forgets what it could not write', async () => {
    const { home, store } = await aliceAtHome()
    store.beforeWrite = () => Promise.reject(new Error('disk full'))
    await expect(home.add(bob.key, 'phone', 'full')).rejects.toThrow('disk full')
    expect(home.members().map(({ key }) => key)).toEqual([alice.key])
    store.beforeWrite = async () => {}
    await home.add(bob.key, 'phone', 'full')
    const { memberships } = await openTestMemberships(alice, { store })
    expect(
      memberships
        .get(home.space)
        ?.members()
        .map(({ key }) => key),
    ).toEqual(keysOf(alice, bob))
  })
})

describe('missingStatements', () => {
  it('gives a peer all that it lacks, parents first, in messages of bounded size', async () => {
    const { home } = await aliceAtHome()
    await home.add(bob.key, 'phone', 'full')
    const have = statementIds(home.statements())
    for (let i = 0; i < 20; i++) await home.add(unsignedDevice(`${i}`).key, 'n'.repeat(128), 'read')
    const batches = missingStatements(home.statements(), have)
    expect(batches.flat()).toEqual(home.statements().slice(2))
    expect(missingStatements(home.statements(), statementIds(home.statements()))).toEqual([])
    const large = Array.from({ length: 512 }, (_, i) => new Uint8Array(1024).fill(i))
    const sizes = missingStatements(large, []).map((batch) => batch.length)
    expect(sizes).toEqual([256, 256])
  })
})
