import { createHash } from 'node:crypto'
import { type DeviceKey, deviceKey, MAX_STATEMENTS, type Membership } from '@dittofs/interface'
import { describe, expect, test } from 'vitest'

/** The devices of a run. `alice` makes the space. */
export type MembershipSuiteDevice = 'alice' | 'bob' | 'carol'

export interface MembershipSuiteInit {
  keyOf: (device: MembershipSuiteDevice) => DeviceKey
  /** A new space that `alice` made, of which nobody else is a member; each call makes another. */
  create: () => Promise<Membership>
  /** The space as a device has it that was given what another holds, in which it is a member. */
  join: (device: MembershipSuiteDevice, from: Membership) => Promise<Membership>
  /** The same after a restart, for those that outlive their process. */
  reopen?: (membership: Membership) => Promise<Membership>
}

const code = (name: string) => expect.objectContaining({ code: name }) as unknown as Error

/** The key of some device that never speaks. */
function strangerKey(name: string): DeviceKey {
  return deviceKey.fromBytes(createHash('sha256').update(name).digest())
}

/** What a device tells others when asked who belongs to the space. */
function rolesIn(membership: Membership): Record<string, string> {
  return Object.fromEntries(membership.members().map(({ key, role }) => [key, role]))
}

async function exchange(a: Membership, b: Membership): Promise<void> {
  await a.receive(b.statements())
  await b.receive(a.statements())
}

/** Holds an implementation of Membership to its contract, the rule of SECURITY.md section 4 included. */
export function membershipSuite(name: string, init: MembershipSuiteInit): void {
  const { create, join, keyOf } = init
  const alice = keyOf('alice')
  const bob = keyOf('bob')
  const carol = keyOf('carol')

  /** Alice and bob, both full, each on a device. */
  async function two() {
    const atAlice = await create()
    await atAlice.add(bob, 'phone', 'full')
    return { atAlice, atBob: await join('bob', atAlice) }
  }

  /** Alice, bob and carol, all full, each on a device. */
  async function three() {
    const { atAlice, atBob } = await two()
    await atAlice.add(carol, 'tablet', 'full')
    await atBob.receive(atAlice.statements())
    return { atAlice, atBob, atCarol: await join('carol', atAlice) }
  }

  describe(`${name}, as a membership`, () => {
    describe('members', () => {
      test('begin with the device that made the space, full and added by itself', async () => {
        const home = await create()
        expect(home.members()).toMatchObject([{ key: alice, role: 'full', addedBy: alice }])
        expect([home.role(alice), home.role(bob), home.meet.length]).toEqual(['full', undefined, 32])
      })

      test('are those that were added, with name, role and who added them', async () => {
        const home = await create()
        await home.add(bob, 'phone', 'read')
        expect(home.members().find(({ key }) => key === bob)).toEqual({
          ...{ key: bob, name: 'phone', role: 'read', addedBy: alice },
        })
        expect(home.role(bob)).toBe('read')
      })

      test('keep their name and are raised, never lowered, when they are added again', async () => {
        const home = await create()
        await home.add(bob, 'phone', 'read')
        await home.add(bob, 'other', 'full')
        await home.add(bob, 'other', 'read')
        expect(home.members().find(({ key }) => key === bob)).toMatchObject({ name: 'phone', role: 'full' })
      })

      test('are not those that were removed, until they are added again', async () => {
        const home = await create()
        await home.add(bob, 'phone', 'full')
        expect(await home.remove(bob)).toEqual([])
        expect([home.role(bob), home.wasRemoved(bob), home.wasRemoved(carol)]).toEqual([undefined, true, false])
        await home.add(bob, 'phone again', 'read')
        expect([home.role(bob), home.wasRemoved(bob)]).toEqual(['read', false])
      })

      test('may leave, readers too, and leaving again changes nothing', async () => {
        const home = await create()
        await home.add(bob, 'phone', 'read')
        const atBob = await join('bob', home)
        await atBob.leave()
        await atBob.leave()
        expect(await home.receive(atBob.statements())).toBe(1)
        expect([home.role(bob), home.wasRemoved(bob)]).toEqual([undefined, true])
      })

      test('leave when they remove themselves', async () => {
        const { atAlice, atBob } = await two()
        await atBob.remove(bob)
        await atAlice.receive(atBob.statements())
        expect(rolesIn(atAlice)).toEqual({ [alice]: 'full' })
      })

      test('are changed by full members only', async () => {
        const { atAlice, atBob } = await two()
        await atAlice.add(carol, 'tablet', 'read')
        const atCarol = await join('carol', atAlice)
        await expect(atCarol.add(strangerKey('dave'), 'dave', 'read')).rejects.toThrowError(code('DITTO_ROLE'))
        await expect(atCarol.remove(bob)).rejects.toThrowError(code('DITTO_ROLE'))
        await atAlice.remove(bob)
        await atBob.receive(atAlice.statements())
        await expect(atBob.add(bob, 'phone', 'full')).rejects.toThrowError(code('DITTO_ROLE'))
        expect(atBob.role(bob)).toBeUndefined()
      })

      test('cannot be removed where there are none', async () => {
        const home = await create()
        await expect(home.remove(bob)).rejects.toThrowError(code('DITTO_NOT_FOUND'))
      })

      test('are all there when many were added at once', async () => {
        const home = await create()
        const keys = Array.from({ length: 50 }, (_, i) => strangerKey(`${i}`))
        await Promise.all(keys.map((key) => home.add(key, '', 'read')))
        expect(home.members()).toHaveLength(51)
      })
    })

    describe('onChange', () => {
      test('is called after each change, with the keys that are members no more, until it is called off', async () => {
        const { atAlice, atBob } = await two()
        const told: (readonly DeviceKey[])[] = []
        const stop = atBob.onChange((removed) => told.push(removed))
        await atBob.add(carol, 'tablet', 'read')
        await atBob.add(carol, 'tablet', 'read')
        await atAlice.remove(bob)
        await atBob.receive(atAlice.statements())
        await atBob.receive(atAlice.statements())
        // Alice had not seen that bob added carol.
        expect(told.map((keys) => [...keys].sort())).toEqual([[], [bob, carol].sort()])
        stop()
        await atAlice.add(bob, 'phone', 'full')
        await atBob.receive(atAlice.statements())
        expect(told).toHaveLength(2)
      })
    })

    describe('receive', () => {
      test('says how many were new, and takes nothing twice', async () => {
        const { atAlice, atBob } = await two()
        await atAlice.add(carol, 'tablet', 'read')
        await atAlice.remove(carol)
        expect(await atBob.receive(atAlice.statements())).toBe(2)
        expect(await atBob.receive(atAlice.statements())).toBe(0)
        expect(atBob.statements()).toEqual(atAlice.statements())
        expect(atBob.members()).toEqual(atAlice.members())
      })

      test('takes statements in any order, in any parts', async () => {
        const { atAlice, atBob } = await two()
        for (let i = 0; i < 10; i++) await atAlice.add(strangerKey(`${i}`), `${i}`, 'read')
        await atAlice.remove(strangerKey('3'))
        for (const statement of [...atAlice.statements()].reverse()) await atBob.receive([statement])
        expect(atBob.members()).toEqual(atAlice.members())
        expect(atBob.statements()).toHaveLength(atAlice.statements().length)
      })

      test('keeps what came before a bad one, and nothing after', async () => {
        const { atAlice, atBob } = await two()
        await atAlice.add(carol, 'tablet', 'read')
        await atAlice.remove(carol)
        const [add, removal] = atAlice.statements().slice(2) as [Uint8Array, Uint8Array]
        await expect(atBob.receive([add, new Uint8Array(10), removal])).rejects.toThrowError(
          code('DITTO_STATEMENT_INVALID'),
        )
        expect([atBob.statements().length, atBob.role(carol)]).toEqual([3, 'read'])
      })

      test('refuses what was said of another space', async () => {
        const { atAlice } = await two()
        const other = await create()
        await expect(atAlice.receive(other.statements())).rejects.toThrowError(code('DITTO_STATEMENT_INVALID'))
        expect(atAlice.statements()).toHaveLength(2)
      })
    })

    describe('what two devices said side by side', () => {
      test('counts, and gives both the same members', async () => {
        const { atAlice, atBob } = await two()
        await atAlice.add(carol, 'tablet', 'full')
        await atBob.add(strangerKey('dave'), 'desk', 'read')
        await exchange(atAlice, atBob)
        expect(atAlice.members()).toEqual(atBob.members())
        expect(atAlice.members()).toHaveLength(4)
      })

      test('lets a removal beat an add that had not seen it', async () => {
        const { atAlice, atBob } = await three()
        await atAlice.remove(carol)
        await atBob.remove(carol)
        await atBob.add(carol, 'tablet', 'full')
        await exchange(atAlice, atBob)
        expect(atAlice.role(carol)).toBeUndefined()
        expect(atBob.members()).toEqual(atAlice.members())
      })

      test('lets a removed device bring in nobody behind the back of who removed it', async () => {
        const { atAlice, atCarol } = await three()
        await atAlice.remove(carol)
        await atCarol.add(strangerKey('dave'), 'desk', 'full')
        await atAlice.receive(atCarol.statements())
        expect(rolesIn(atAlice)).toEqual({ [alice]: 'full', [bob]: 'full' })
        expect(atAlice.wasRemoved(strangerKey('dave'))).toBe(true)
      })

      test('keeps whom a removed device had added in the sight of who removed it', async () => {
        const { atAlice, atCarol } = await three()
        await atCarol.add(strangerKey('dave'), 'desk', 'read')
        await atAlice.receive(atCarol.statements())
        await atAlice.remove(carol)
        expect(atAlice.role(strangerKey('dave'))).toBe('read')
      })

      test('takes both of two out that removed each other', async () => {
        const { atAlice, atBob, atCarol } = await three()
        await atAlice.remove(carol)
        await atCarol.remove(alice)
        await exchange(atAlice, atCarol)
        await atBob.receive(atCarol.statements())
        for (const membership of [atAlice, atBob, atCarol]) expect(rolesIn(membership)).toEqual({ [bob]: 'full' })
        await atBob.add(alice, 'laptop', 'full')
        await atAlice.receive(atBob.statements())
        expect(atAlice.role(alice)).toBe('full')
      })
    })

    test(`refuses more than ${MAX_STATEMENTS} statements`, async () => {
      const home = await create()
      for (let i = 1; i < MAX_STATEMENTS; i++) await home.add(strangerKey(`${i}`), '', 'read')
      await expect(home.add(bob, 'phone', 'read')).rejects.toThrowError(code('DITTO_LIMIT'))
      expect(home.members()).toHaveLength(MAX_STATEMENTS)
    })

    const { reopen } = init
    // What lives in memory has no restart.
    if (reopen === undefined) return
    test('is the same after a restart', async () => {
      const { atAlice } = await three()
      await atAlice.remove(bob)
      const again = await reopen(atAlice)
      expect(again.members()).toEqual(atAlice.members())
      expect(again.statements()).toEqual(atAlice.statements())
      expect([again.space, again.chunker, again.wasRemoved(bob)]).toEqual([atAlice.space, atAlice.chunker, true])
      expect(again.meet).toEqual(atAlice.meet)
    })
  })
}
