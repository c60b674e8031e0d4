import { cp } from 'node:fs/promises'
import path from 'node:path'
import { type Device, type DeviceKey, deviceKey } from '@dittofs/interface'
import { temporaryDirectory } from '@dittofs/testing'
import { describe, expect, it } from 'vitest'
import type { DeviceInit } from '../src/device-init.ts'
import { describeDivergence, repairNotice } from '../src/network/describe-divergence.ts'
import { collected } from './support/local-files.ts'
import { makeFiles, openLocal } from './support/open-local.ts'

const LOOPBACK: Partial<DeviceInit> = { online: true, host: '127.0.0.1', port: 0, mdns: false, beacon: false }
const TIMEOUT = { timeoutMs: 50_000 }

type LocalDevice = Awaited<ReturnType<typeof openLocal>>

async function openOnline(name: string, home?: string, ...peers: readonly Device[]): Promise<LocalDevice> {
  const addresses = await Promise.all(peers.map(addressOf))
  return openLocal({ ...LOOPBACK, name, peers: addresses, ...(home !== undefined && { home }) })
}

async function addressOf(device: Device): Promise<string> {
  const { links } = await device.status()
  return String(links.find((link) => link.name === 'tcp')?.addresses?.[0]).replace('tcp://', '')
}

async function add(device: Device, name: string): Promise<void> {
  await device.add([path.join(await makeFiles({ [name]: name }), name)])
}

async function pathsOf(device: Device): Promise<string[]> {
  return (await collected(device.list())).map((entry) => entry.path).sort()
}

describe('what another wrote under a device’s name', () => {
  it('is told of while that device is away, and gives way to its own when it comes', async () => {
    const alice = await openOnline('alice')
    const [bob, carol] = [await openOnline('bob'), await openOnline('carol')]
    for (const other of [bob, carol]) await other.join((await alice.invite()).ticket)
    await add(alice, 'base')
    await alice.waitUntilSynced()
    for (const device of [bob, carol, alice]) await device.close()
    // A copy of alice's home goes on in her log, with bob only; she herself does, with carol only.
    const copy = path.join(await temporaryDirectory(), 'copy')
    await cp(alice.home, copy, { recursive: true })
    const forger = await openOnline('alice', copy)
    await add(forger, 'forged')
    const misled = await openOnline('bob', bob.home, forger)
    await expect.poll(() => pathsOf(misled)).toEqual(['base', 'forged'])
    await misled.waitUntilSynced()
    await forger.close()
    const owner = await openOnline('alice', alice.home)
    for (const name of ['one', 'two', 'three']) await add(owner, name)
    const told = await openOnline('carol', carol.home, owner)
    await expect.poll(() => pathsOf(told)).toEqual(['base', 'one', 'three', 'two'])
    await told.waitUntilSynced()
    await owner.close()
    await misled.close()

    const again = await openOnline('bob', bob.home, told)
    const { peers } = await again.sync(TIMEOUT)
    expect(peers).toMatchObject([{ id: told.id, isUpToDate: false }])
    expect(peers[0]?.problem).toMatch(/^DITTO_DIVERGED: .*what "alice" wrote; both keep theirs until "alice" can be/)
    const status = await again.status()
    expect(status.notices.at(-1)).toMatch(/The space "home" differs between this device and "carol"\. DITTO_DIVERGED/)
    expect(status.peers.find(({ id }) => id === told.id)).toMatchObject({
      isUpToDate: false,
      problem: peers[0]?.problem,
    })
    expect(await pathsOf(again)).toContain('forged')

    const back = await openOnline('alice', alice.home, again, told)
    await back.sync(TIMEOUT)
    await Promise.all([back, again, told].map((device) => device.waitUntilSynced()))
    for (const device of [back, again, told]) expect(await pathsOf(device)).toEqual(['base', 'one', 'three', 'two'])
    expect((await again.status()).notices.at(-1)).toMatch(/1 change held under the name of "alice".*"forged"\.$/)
    expect((await again.sync(TIMEOUT)).peers.every((peer) => peer.isUpToDate)).toBe(true)
  })
})

const SELF = deviceKey.parse('11'.repeat(32))
const BOB = deviceKey.parse('22'.repeat(32))
const CAROL = deviceKey.parse('33'.repeat(32))

describe('the sentence about copies that differ', () => {
  it('says what happens next, by who is there', () => {
    const names = new Map([[BOB, 'bob']])
    const say = (owners: readonly DeviceKey[], isBeingRepaired = false) =>
      describeDivergence({ owners, isBeingRepaired }, SELF, names)
    expect(say([])).toContain('report it')
    expect(say([BOB], true)).toContain('what "bob" wrote; the right copy is being taken over.')
    expect(say([SELF])).toContain('what this device wrote; the other device has not taken')
    expect(say([SELF, BOB])).toContain('this device and "bob" wrote; both keep theirs until "bob" can')
    expect(say([CAROL])).toMatch(/what [A-Z0-9-]+ wrote/)
  })

  it('names some of the paths that are gone', () => {
    const lostPaths = Array.from({ length: 7 }, (_, at) => `f${at}`)
    const text = repairNotice('home', { owner: BOB, droppedEntries: 9, lostPaths }, new Map())
    expect(text).toContain('9 changes')
    expect(text).toContain('"f0", "f1", "f2", "f3", "f4" and 2 more')
    expect(repairNotice('home', { owner: BOB, droppedEntries: 1, lostPaths: [] }, new Map())).toContain('No file')
  })
})
