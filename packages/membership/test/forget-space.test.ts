import { expect, it } from 'vitest'
import { openTestMemberships } from './support/open-test-memberships.ts'
import { testDevice, unsignedDevice } from './support/test-device.ts'

it('forgets a space, its statements and its invitations, and nothing of another', async () => {
  const opened = await openTestMemberships(testDevice('alice'))
  const { memberships, store } = opened
  const home = await memberships.createSpace({ name: 'home', deviceName: 'laptop' })
  const before = await keysIn(store)
  const transfer = await memberships.createSpace({ name: 'transfer', deviceName: 'laptop' })
  await transfer.add(unsignedDevice('bob').key, 'bob', 'read')
  await memberships.invitations.create({ space: transfer.space, kind: 'send', role: 'read' })
  await memberships.forget(transfer.space)
  await memberships.forget(transfer.space)
  expect(await keysIn(store)).toEqual(before)
  expect(memberships.spaces().map(({ space }) => space)).toEqual([home.space])
  expect(memberships.invitations.list()).toEqual([])
  expect((await openTestMemberships(testDevice('alice'), { store })).memberships.spaces()).toHaveLength(1)
})

it('tells the ID of a new space before anything of it is stored', async () => {
  const { memberships, store } = await openTestMemberships(testDevice('alice'))
  const told: { id: string; keys: string[] }[] = []
  const beforeStored = async (id: string) => void told.push({ id, keys: await keysIn(store) })
  const { space } = await memberships.createSpace({ name: 'transfer', deviceName: 'laptop', beforeStored })
  expect(told).toEqual([{ id: space, keys: [] }])
  const refuse = () => Promise.reject(new Error('stopped'))
  await expect(memberships.createSpace({ name: 'other', deviceName: 'laptop', beforeStored: refuse })).rejects.toThrow(
    'stopped',
  )
  expect(memberships.spaces().map((known) => known.space)).toEqual([space])
})

async function keysIn(store: Awaited<ReturnType<typeof openTestMemberships>>['store']): Promise<string[]> {
  const keys: string[] = []
  for await (const [key] of store.entries('')) keys.push(key)
  return keys
}
