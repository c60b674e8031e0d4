import path from 'node:path'
import type { DeviceKey, SpaceId } from '@dittofs/interface'
import { createIdentity, type Identity, signAddressRecord } from '@dittofs/link'
import { ManualClock, temporaryDirectory } from '@dittofs/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { AddressRecords } from '../../src/network/address-records.ts'
import { openDatabase } from '../../src/state/open-database.ts'

const HOME = '5a'.repeat(32) as SpaceId
const WORK = '6b'.repeat(32) as SpaceId
const AT = (name: string) => [`webrtc://${name}@signal.example.org`]

async function party() {
  const [alice, bob, carol, mallory] = (await Promise.all([1, 2, 3, 4].map(createIdentity))) as [
    Identity,
    Identity,
    Identity,
    Identity,
  ]
  const members = new Map<SpaceId, Set<DeviceKey>>([
    [HOME, new Set([alice.key, bob.key, carol.key])],
    [WORK, new Set([alice.key, mallory.key])],
  ])
  const database = await openDatabase(path.join(await temporaryDirectory(), 'registry'), 'the list of spaces')
  onTestFinished(() => database.close())
  const clock = new ManualClock({ startMs: 0, hasRealWork: true })
  const news: DeviceKey[] = []
  const open = async () => {
    const records = new AddressRecords({
      ...{ identity: alice, database, clock },
      isMember: (space, device) => members.get(space)?.has(device) === true,
      isKnown: (device) => [...members.values()].some((keys) => keys.has(device)),
      onNews: (device) => void news.push(device),
      onFailure: (error) => expect.unreachable(String(error)),
    })
    await records.load()
    return records
  }
  const of = (identity: Identity, sequence: number, addresses = AT(`${sequence}`)) =>
    signAddressRecord(identity, { sequence, time: 0, addresses }).bytes
  return { alice, bob, carol, mallory, members, clock, news, open, of, records: await open() }
}

describe('AddressRecords', () => {
  it('signs anew where this device is whenever that changed, with a higher number, and not too often', async () => {
    const { records, clock, news, alice } = await party()
    records.setOwn(['tcp://192.0.2.7:4100'])
    records.setOwn([])
    expect(news).toEqual([])
    records.setOwn(['tcp://192.0.2.7:4100', ...AT('a')])
    records.setOwn(AT('b'))
    expect(news).toEqual([alice.key])
    const [first] = records.records([HOME])
    await clock.advance(10_000)
    records.setOwn(AT('b'))
    records.setOwn(AT('b'))
    const [second] = records.records([HOME])
    expect(second?.sequence).toBeGreaterThan(first?.sequence as number)
    expect(news).toHaveLength(2)
  })

  it('keeps the newest record of each member, over a restart', async () => {
    const { records, open, of, bob, carol, clock, members } = await party()
    records.receive([of(bob, 5), of(carol, 1)], [HOME])
    await clock.advance(10_000)
    records.receive([of(bob, 4)], [HOME])
    expect(records.addressesOf(bob.key)).toEqual(AT('5'))
    records.receive([of(bob, 6)], [HOME])
    expect(records.addressesOf(bob.key)).toEqual(AT('6'))
    await records.close()
    members.get(HOME)?.delete(carol.key)
    const again = await open()
    expect(again.addressesOf(bob.key)).toEqual(AT('6'))
    expect(again.addressesOf(carol.key)).toEqual([])
  })

  it('tells and hears of members of the shared spaces only', async () => {
    const { records, of, bob, mallory, news } = await party()
    records.receive([of(bob, 1)], [WORK])
    records.receive([of(mallory, 1)], [HOME])
    expect(news).toEqual([])
    records.receive([of(bob, 1)], [HOME])
    expect([...records.records([WORK])]).toEqual([])
    expect([...records.records([HOME])].map(({ device }) => device)).toEqual([bob.key])
  })

  it('ends the session of a peer that forges a record', async () => {
    const { records, of, bob, carol } = await party()
    const forged = signAddressRecord(
      { key: bob.key, sign: (bytes) => carol.sign(bytes) },
      { sequence: 9, time: 0, addresses: AT('x') },
    )
    expect(() => records.receive([of(carol, 1), forged.bytes], [HOME])).toThrow(
      expect.objectContaining({ code: 'DITTO_PROTOCOL' }),
    )
    expect(records.addressesOf(bob.key)).toEqual([])
  })

  it('takes nobody’s word for where this device itself is', async () => {
    const { records, of, alice } = await party()
    records.receive([of(alice, 1e15)], [HOME])
    expect([...records.records([HOME])]).toEqual([])
  })

  it('listens to a device that moves all the time once in five seconds', async () => {
    const { records, of, bob, news, clock } = await party()
    for (let second = 0; second < 20; second++) {
      for (let i = 0; i < 10; i++) records.receive([of(bob, 100 * second + i)], [HOME])
      await clock.advance(1000)
    }
    expect(news.length).toBe(4)
  })
})
