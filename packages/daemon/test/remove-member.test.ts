import { createHash } from 'node:crypto'
import { type DeviceInfo, type DeviceKey, deviceKey, type Membership } from '@dittofs/interface'
import { deviceId } from '@dittofs/link'
import { describe, expect, it } from 'vitest'
import { removeMember } from '../src/pairing/remove-member.ts'

const keyOf = (name: string): DeviceKey => deviceKey.fromBytes(createHash('sha256').update(name).digest())

/** A space in which removing anybody takes `others` out as well. */
function partsWith(names: readonly string[], others: readonly string[]) {
  const members = names.map((name) => ({ key: keyOf(name), name, role: 'full' as const, addedBy: keyOf('alice') }))
  const membership: Partial<Membership> = {
    members: () => members,
    role: () => 'full',
    remove: async () => members.filter(({ name }) => others.includes(name)),
  }
  const devices = names.map((name) => ({ id: deviceId(keyOf(name)), name }) as DeviceInfo)
  return {
    identity: { key: keyOf('alice') },
    spaces: { all: () => [{ name: 'home', membership }] },
    report: { devices: () => devices },
  } as unknown as Parameters<typeof removeMember>[0]
}

describe('removeMember', () => {
  it('names the device first and then those that leave with it, whatever they are called', async () => {
    const parts = partsWith(['alice', 'a guest', 'bob', 'phone'], ['a guest', 'bob'])
    const removed = await removeMember(parts, deviceId(keyOf('phone')))
    expect(removed.map(({ name }) => name)).toEqual(['phone', 'a guest', 'bob'])
  })
})
