import path from 'node:path'
import { type DeviceKey, deviceKey, type MetadataStore, spaceId } from '@dittofs/interface'
import { memoryMembership, temporaryDirectory } from '@dittofs/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openDatabase } from '../src/state/open-database.ts'
import { RemovedAuthors } from '../src/state/removed-authors.ts'

const HOME = spaceId.parse('5'.repeat(64))
const [alice, bob, carol] = ['a', 'b', 'c'].map((digit) => deviceKey.parse(digit.repeat(64))) as [
  DeviceKey,
  DeviceKey,
  DeviceKey,
]

type Listener = Parameters<MetadataStore['onChange']>[0]

/** A space whose metadata changes as a test says. */
async function space(directory?: string) {
  const home = directory ?? (await temporaryDirectory())
  const database = await openDatabase(path.join(home, 'registry'), 'the list of spaces')
  onTestFinished(() => database.close())
  const failures: unknown[] = []
  const authors = await RemovedAuthors.open({
    database,
    clock: { now: () => Date.UTC(2026, 0, 1) },
    onFailure: (error) => failures.push(error),
  })
  const listeners: Listener[] = []
  const metadata = { onChange: (listener: Listener) => void listeners.push(listener) } as unknown as MetadataStore
  const membership = memoryMembership({ space: HOME, self: alice, members: [alice, bob, carol] })
  authors.watch(membership, metadata)
  const receive = (device: DeviceKey, count: number) => {
    const change = {
      messages: [],
      isLocal: false,
      paths: undefined,
      events: undefined,
      authors: new Map([[device, count]]),
    }
    for (const listener of listeners) listener(change)
  }
  const notices = () => authors.notices(({ device, name }) => `${name} is ${device.slice(0, 1)}`)
  return { home, database, authors, membership, receive, notices, failures }
}

describe('changes by a removed device', () => {
  it('are counted and named, those of members are not', async () => {
    const { membership, receive, notices } = await space()
    receive(bob, 5)
    await membership.remove(bob)
    expect(notices()).toEqual([])
    receive(carol, 1)
    receive(bob, 2)
    receive(bob, 1)
    expect(notices()).toEqual([
      '2026-01-01T00:00:00.000Z 3 changes by a removed device came after its removal, bbbbbb is b: through a member ' +
        'that had not heard of it. "dittofs list -v" shows who made each version.',
    ])
  })

  it('are counted over a restart', async () => {
    const first = await space()
    await first.membership.remove(bob)
    first.receive(bob, 2)
    await first.authors.close()
    await first.database.close()
    const { notices } = await space(first.home)
    expect(notices()).toHaveLength(1)
    expect(notices()[0]).toContain('2 changes')
  })

  it('are no matter any more when it is a member again', async () => {
    const { membership, receive, notices } = await space()
    await membership.remove(bob)
    receive(bob, 2)
    await membership.add(bob, 'phone', 'full')
    expect(notices()).toEqual([])
    receive(bob, 2)
    expect(notices()).toEqual([])
  })

  it('are none to a device that never knew it as a member: all of its past comes anew there', async () => {
    const { receive, notices } = await space()
    receive(deviceKey.parse('d'.repeat(64)), 100)
    expect(notices()).toEqual([])
  })
})
